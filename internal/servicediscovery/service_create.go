package servicediscovery

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// serviceName is the model's pattern, but for the length of the whole (127).
var serviceName = regexp.MustCompile(`^([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])(\.([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9]))*$`)

const maxServiceName = 127

// CreateService makes a service of a namespace. The same request again, by its
// CreatorRequestId, answers with the same service.
func (s *Service) CreateService(ctx context.Context, in *servicediscoveryapi.CreateServiceRequest) (*servicediscoveryapi.CreateServiceResponse, error) {
	id := caller.From(ctx)
	v := &state.DiscoveryService{Account: id.Account, Region: id.Region, ID: newID("srv-"), Name: in.Name, Description: in.Description, CreatorRequestID: in.CreatorRequestId, CreatedAt: s.now(), Revision: 1}
	if !serviceName.MatchString(in.Name) || len(in.Name) > maxServiceName {
		return nil, invalid("1 validation error detected: Value '" + in.Name + "' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: " + serviceName.String())
	}
	var err error
	if v.Tags, err = putTags(id, nil, in.Tags); err != nil {
		return nil, err
	}
	in.NamespaceId = namespaceOf(in)
	if in.NamespaceId == "" {
		return nil, invalid("NamespaceId is required.")
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := namespace(tx, id, in.NamespaceId)
		if err != nil {
			return err
		}
		for o := range state.DiscoveryOperations.By(tx, "open", n.Key()) {
			if o.Type == opDeleteNamespace {
				return &servicediscoveryapi.NamespaceNotFound{Message: "Namespace is being deleted: " + n.ID}
			}
		}
		v.NamespaceID = n.ID
		if err := setKinds(v, n, in); err != nil {
			return err
		}
		for other := range state.DiscoveryServices.By(tx, "name", state.DiscoveryServiceName(n.Key(), in.Name)) {
			switch {
			case in.CreatorRequestId != "" && other.CreatorRequestID == in.CreatorRequestId && sameService(other, v):
				v = other
				return nil
			case other.Name == in.Name || n.Type != state.NamespaceHTTP:
				return &servicediscoveryapi.ServiceAlreadyExists{Message: "Service already exists.", CreatorRequestId: other.CreatorRequestID, ServiceId: other.ID, ServiceArn: other.ARN()}
			}
		}
		state.DiscoveryServices.Put(tx, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.CreateServiceResponse{Service: s.describe(s.DB.Read(), v)}, nil
}

// namespaceOf is the id or ARN of the namespace of a new service, which may stand
// in either of two places.
func namespaceOf(in *servicediscoveryapi.CreateServiceRequest) string {
	if in.NamespaceId == "" && in.DnsConfig != nil {
		return in.DnsConfig.NamespaceId
	}
	return in.NamespaceId
}

// sameService reports whether two services were asked for in the same words.
func sameService(a, b *state.DiscoveryService) bool {
	x, y := *a, *b
	for _, v := range []*state.DiscoveryService{&x, &y} {
		v.ID, v.CreatedAt, v.Revision, v.Attributes, v.Tags = "", b.CreatedAt, 0, nil, nil
	}
	return reflect.DeepEqual(x, y)
}

// setKinds gives a new service its kinds of DNS records and of health checks.
func setKinds(v *state.DiscoveryService, n *state.Namespace, in *servicediscoveryapi.CreateServiceRequest) error {
	v.HTTPOnly = n.Type == state.NamespaceHTTP || in.Type == servicediscoveryapi.ServiceTypeOptionHttp
	v.CustomHealth = in.HealthCheckCustomConfig != nil
	if err := setCheck(v, in.HealthCheckConfig); err != nil {
		return err
	}
	switch {
	case in.HealthCheckConfig != nil && v.CustomHealth:
		return invalid("HealthCheckConfig and HealthCheckCustomConfig can't both be specified.")
	case in.HealthCheckConfig != nil && n.Type == state.NamespacePrivate:
		return invalid("HealthCheckConfig isn't supported for services of private DNS namespaces.")
	case in.DnsConfig != nil && n.Type == state.NamespaceHTTP:
		return invalid("DnsConfig can't be specified for services of HTTP namespaces.")
	case in.DnsConfig != nil && v.HTTPOnly:
		return invalid("DnsConfig can't be specified for services of the type HTTP.")
	case in.DnsConfig == nil && !v.HTTPOnly:
		return invalid("DnsConfig is required for services of DNS namespaces, unless Type is HTTP.")
	case v.HTTPOnly:
		return nil
	}
	for _, r := range in.DnsConfig.DnsRecords {
		v.Records = append(v.Records, state.DiscoveryRecord{Type: string(r.Type), TTL: r.TTL})
	}
	v.RoutingPolicy = string(in.DnsConfig.RoutingPolicy)
	if v.RoutingPolicy == "" {
		v.RoutingPolicy = string(servicediscoveryapi.RoutingPolicyMultivalue)
	}
	return recordsFault(v)
}

// recordsFault says which kinds of records cannot stand beside each other.
func recordsFault(v *state.DiscoveryService) error {
	var types []string
	for _, r := range v.Records {
		if slices.Contains(types, r.Type) {
			return invalid("DnsRecords has more than one record of the type " + r.Type + ".")
		}
		types = append(types, r.Type)
	}
	switch {
	case len(types) == 0:
		return invalid("DnsRecords must have at least one record.")
	case v.HasRecord("CNAME") && len(types) > 1:
		return invalid(fmt.Sprintf("A CNAME record can't be combined with other records: [%s].", strings.Join(types, ", ")))
	case v.HasRecord("CNAME") && v.RoutingPolicy != string(servicediscoveryapi.RoutingPolicyWeighted):
		return invalid("The routing policy of a CNAME record must be WEIGHTED.")
	}
	return nil
}
