package resource

import (
	"context"
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// discoveryService is AWS::ServiceDiscovery::Service.
type discoveryService struct{}

var discoveryServiceSchema = &Schema{
	Type: "AWS::ServiceDiscovery::Service",
	Properties: Properties{
		"Name": String.Replaces(), "NamespaceId": String.Replaces(), "Type": String.Replaces(), "Description": String, "Tags": Tags,
		"DnsConfig": Object(Properties{
			"NamespaceId": String.Replaces(), "RoutingPolicy": String.Replaces(), "DnsRecords": ListOf(Object(Properties{"Type": String.Required(), "TTL": Integer.Required()})).Required(),
		}),
		"HealthCheckConfig":       Object(Properties{"Type": String.Required(), "ResourcePath": String, "FailureThreshold": Integer}),
		"HealthCheckCustomConfig": Object(Properties{"FailureThreshold": Integer}).Replaces(), "ServiceAttributes": MapOf(String),
	},
	Attributes: []string{"Arn", "Id", "Name"}, Name: "Name",
}

// Schema is the type's schema.
func (discoveryService) Schema() *Schema { return discoveryServiceSchema }

// Create makes the service with its attributes. Its request's name finds what an
// earlier attempt made.
func (t discoveryService) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &servicediscoveryapi.CreateServiceRequest{CreatorRequestId: r.clientToken(), Tags: discoveryTags(r.allTags(r.Properties.Get("Tags")))}
		if err := bind(r.Properties, in, "Tags", "ServiceAttributes"); err != nil {
			return Result{}, err
		}
		if in.Name == "" {
			in.Name = r.Name(63)
		}
		out, err := r.maps().CreateService(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.Service.Id
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	if err := t.setAttributes(ctx, r); err != nil {
		return Result{}, err
	}
	return t.result(ctx, r)
}

func (discoveryService) result(ctx context.Context, r *Request) (Result, error) {
	out, err := r.maps().GetService(ctx, &servicediscoveryapi.GetServiceRequest{Id: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.Service.Arn, "Id", out.Service.Id, "Name", out.Service.Name)}, nil
}

// setAttributes brings the service's attributes to what the template says.
func (discoveryService) setAttributes(ctx context.Context, r *Request) error {
	wanted, before := texts(r.Properties.Get("ServiceAttributes")), map[string]string{}
	if r.Previous != nil {
		before = texts(r.Previous.Get("ServiceAttributes"))
	}
	maps.DeleteFunc(before, func(key, _ string) bool { _, kept := wanted[key]; return kept })
	if len(before) > 0 {
		if _, err := r.maps().DeleteServiceAttributes(ctx, &servicediscoveryapi.DeleteServiceAttributesRequest{ServiceId: r.PhysicalID, Attributes: slices.Sorted(maps.Keys(before))}); err != nil {
			return err
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	_, err := r.maps().UpdateServiceAttributes(ctx, &servicediscoveryapi.UpdateServiceAttributesRequest{ServiceId: r.PhysicalID, Attributes: wanted})
	return err
}

// texts are the entries of a map of strings; none when it is absent.
func texts(v *template.Value) map[string]string {
	out := map[string]string{}
	if v != nil {
		for _, e := range v.Entries {
			out[e.Key] = e.Value.Str()
		}
	}
	return out
}

// Update changes the description, the DNS records, the attributes and the tags.
func (t discoveryService) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Description") || r.Changed("DnsConfig") || r.Changed("HealthCheckConfig") {
		in := &servicediscoveryapi.UpdateServiceRequest{Id: r.PhysicalID, Service: &servicediscoveryapi.ServiceChange{Description: r.Text("Description")}}
		if v := r.Properties.Get("DnsConfig"); v != nil {
			in.Service.DnsConfig = &servicediscoveryapi.DnsConfigChange{}
			if err := bind(v, in.Service.DnsConfig, "NamespaceId", "RoutingPolicy"); err != nil {
				return Result{}, err
			}
		}
		if v := r.Properties.Get("HealthCheckConfig"); v != nil {
			in.Service.HealthCheckConfig = &servicediscoveryapi.HealthCheckConfig{}
			if err := bind(v, in.Service.HealthCheckConfig); err != nil {
				return Result{}, err
			}
		}
		id := ""
		out, err := r.maps().UpdateService(ctx, in)
		if err == nil {
			id = out.OperationId
		}
		if _, err = r.mapped(ctx, id, err); err != nil {
			return Result{}, err
		}
	}
	if err := t.setAttributes(ctx, r); err != nil {
		return Result{}, err
	}
	result, err := t.result(ctx, r)
	if err != nil {
		return Result{}, err
	}
	return result, r.discoveryRetag(ctx, result.Attributes["Arn"].Str())
}

// Delete deletes the service.
func (discoveryService) Delete(ctx context.Context, r *Request) error {
	_, err := r.maps().DeleteService(ctx, &servicediscoveryapi.DeleteServiceRequest{Id: r.PhysicalID})
	return gone(err, "ServiceNotFound")
}
