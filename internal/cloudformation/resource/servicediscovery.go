package resource

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

func (r *Request) maps() servicediscoveryapi.API { return servicediscoveryapi.NewClient(r.Invoker) }

// namespace is AWS::ServiceDiscovery::HttpNamespace, PrivateDnsNamespace or
// PublicDnsNamespace.
type namespace struct {
	kind   string // Http, PrivateDns or PublicDns
	schema *Schema
}

func namespaceOf(kind string) namespace {
	s := &Schema{
		Type:       "AWS::ServiceDiscovery::" + kind + "Namespace",
		Properties: Properties{"Name": String.Required().Replaces(), "Description": String, "Tags": Tags},
		Attributes: []string{"Arn", "Id"}, Name: "Name",
	}
	if kind != "Http" {
		s.Properties["Properties"] = Object(Properties{"DnsProperties": Object(Properties{"SOA": Object(Properties{"TTL": Integer})})})
		s.Attributes = append(s.Attributes, "HostedZoneId")
	}
	if kind == "PrivateDns" {
		s.Properties["Vpc"] = String.Required().Replaces()
	}
	return namespace{kind, s}
}

// Schema is the type's schema.
func (t namespace) Schema() *Schema { return t.schema }

func discoveryTags(tags []state.Tag) []servicediscoveryapi.Tag {
	var out []servicediscoveryapi.Tag
	for _, t := range tags {
		out = append(out, servicediscoveryapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// discoveryRetag brings the tags of a namespace or service to what the template says.
func (r *Request) discoveryRetag(ctx context.Context, arn string) error {
	set, removed := r.tagChange()
	if len(set) > 0 {
		if _, err := r.maps().TagResource(ctx, &servicediscoveryapi.TagResourceRequest{ResourceARN: arn, Tags: discoveryTags(set)}); err != nil {
			return err
		}
	}
	if len(removed) > 0 {
		if _, err := r.maps().UntagResource(ctx, &servicediscoveryapi.UntagResourceRequest{ResourceARN: arn, TagKeys: removed}); err != nil {
			return err
		}
	}
	return nil
}

// mapped waits for the end of an operation of Cloud Map, or of the one that is
// under way already, and returns it.
func (r *Request) mapped(ctx context.Context, id string, err error) (*servicediscoveryapi.Operation, error) {
	var busy *servicediscoveryapi.DuplicateRequest
	if errors.As(err, &busy) {
		id, err = busy.DuplicateOperationId, nil
	}
	if err != nil {
		return nil, err
	}
	var ended *servicediscoveryapi.Operation
	err = r.Wait(ctx, func(ctx context.Context) (bool, error) {
		out, err := r.maps().GetOperation(ctx, &servicediscoveryapi.GetOperationRequest{OperationId: id})
		if err != nil {
			return false, err
		}
		ended = out.Operation
		if ended.Status == servicediscoveryapi.OperationStatusFail {
			return false, &Failure{Code: "GeneralServiceException", Message: ended.ErrorCode + ": " + ended.ErrorMessage}
		}
		return ended.Status == servicediscoveryapi.OperationStatusSuccess, nil
	})
	return ended, err
}

// Create makes the namespace. Its request's name finds what an earlier attempt made.
func (t namespace) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		id, err := t.submit(ctx, r)
		o, err := r.mapped(ctx, id, err)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = o.Targets[servicediscoveryapi.OperationTargetTypeNamespace]
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return t.result(ctx, r)
}

// submit begins to make the namespace.
func (t namespace) submit(ctx context.Context, r *Request) (operation string, err error) {
	tags := discoveryTags(r.allTags(r.Properties.Get("Tags")))
	switch t.kind {
	case "PrivateDns":
		in := &servicediscoveryapi.CreatePrivateDnsNamespaceRequest{CreatorRequestId: r.clientToken(), Tags: tags}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return "", err
		}
		out, err := r.maps().CreatePrivateDnsNamespace(ctx, in)
		return operationID(out, err)
	case "PublicDns":
		in := &servicediscoveryapi.CreatePublicDnsNamespaceRequest{CreatorRequestId: r.clientToken(), Tags: tags}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return "", err
		}
		out, err := r.maps().CreatePublicDnsNamespace(ctx, in)
		return operationID(out, err)
	}
	in := &servicediscoveryapi.CreateHttpNamespaceRequest{CreatorRequestId: r.clientToken(), Tags: tags}
	if err := bind(r.Properties, in, "Tags"); err != nil {
		return "", err
	}
	out, err := r.maps().CreateHttpNamespace(ctx, in)
	return operationID(out, err)
}

// operationID is the OperationId of an answer.
func operationID(out any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	switch out := out.(type) {
	case *servicediscoveryapi.CreateHttpNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.CreatePrivateDnsNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.CreatePublicDnsNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.DeleteNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.RegisterInstanceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.DeregisterInstanceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.UpdateHttpNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.UpdatePrivateDnsNamespaceResponse:
		return out.OperationId, nil
	case *servicediscoveryapi.UpdatePublicDnsNamespaceResponse:
		return out.OperationId, nil
	}
	return "", errors.New("an answer without an operation")
}

func (t namespace) result(ctx context.Context, r *Request) (Result, error) {
	out, err := r.maps().GetNamespace(ctx, &servicediscoveryapi.GetNamespaceRequest{Id: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	all := attributes("Arn", out.Namespace.Arn, "Id", out.Namespace.Id)
	if t.kind != "Http" {
		all["HostedZoneId"] = template.Text(out.Namespace.Properties.DnsProperties.HostedZoneId)
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: all}, nil
}

// Update changes the description, the TTL of the zone's SOA record and the tags.
func (t namespace) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Description") || r.Changed("Properties") {
		id, err := t.change(ctx, r)
		if _, err = r.mapped(ctx, id, err); err != nil {
			return Result{}, err
		}
	}
	result, err := t.result(ctx, r)
	if err != nil {
		return Result{}, err
	}
	return result, r.discoveryRetag(ctx, result.Attributes["Arn"].Str())
}

// change begins to change the namespace.
func (t namespace) change(ctx context.Context, r *Request) (operation string, err error) {
	switch t.kind {
	case "PrivateDns":
		in := &servicediscoveryapi.UpdatePrivateDnsNamespaceRequest{Id: r.PhysicalID, Namespace: &servicediscoveryapi.PrivateDnsNamespaceChange{}}
		if err := bind(r.Properties, in.Namespace, "Tags", "Name", "Vpc"); err != nil {
			return "", err
		}
		out, err := r.maps().UpdatePrivateDnsNamespace(ctx, in)
		return operationID(out, err)
	case "PublicDns":
		in := &servicediscoveryapi.UpdatePublicDnsNamespaceRequest{Id: r.PhysicalID, Namespace: &servicediscoveryapi.PublicDnsNamespaceChange{}}
		if err := bind(r.Properties, in.Namespace, "Tags", "Name"); err != nil {
			return "", err
		}
		out, err := r.maps().UpdatePublicDnsNamespace(ctx, in)
		return operationID(out, err)
	}
	out, err := r.maps().UpdateHttpNamespace(ctx, &servicediscoveryapi.UpdateHttpNamespaceRequest{Id: r.PhysicalID, Namespace: &servicediscoveryapi.HttpNamespaceChange{Description: r.Text("Description")}})
	return operationID(out, err)
}

// Delete deletes the namespace.
func (namespace) Delete(ctx context.Context, r *Request) error {
	out, err := r.maps().DeleteNamespace(ctx, &servicediscoveryapi.DeleteNamespaceRequest{Id: r.PhysicalID})
	if isCode(err, "NamespaceNotFound") {
		return nil
	}
	id, err := operationID(out, err)
	_, err = r.mapped(ctx, id, err)
	return err
}
