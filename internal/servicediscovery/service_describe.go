package servicediscovery

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// service finds a service of the caller by its id or ARN.
func service(tx *store.Tx, id caller.Identity, idOrARN string) (*state.DiscoveryService, error) {
	if ownARN(id, idOrARN) {
		if v, ok := state.DiscoveryServices.Get(tx, state.Key(id.Account, id.Region, bare(idOrARN))); ok {
			return v, nil
		}
	}
	return nil, &servicediscoveryapi.ServiceNotFound{Message: "Service not found: " + idOrARN}
}

// GetService describes a service.
func (s *Service) GetService(ctx context.Context, in *servicediscoveryapi.GetServiceRequest) (*servicediscoveryapi.GetServiceResponse, error) {
	tx := s.DB.Read()
	v, err := service(tx, caller.From(ctx), in.Id)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.GetServiceResponse{Service: s.describe(tx, v)}, nil
}

// ListServices lists the caller's services that pass all filters.
func (s *Service) ListServices(ctx context.Context, in *servicediscoveryapi.ListServicesRequest) (*servicediscoveryapi.ListServicesResponse, error) {
	id, tx := caller.From(ctx), s.DB.Read()
	found := slices.Collect(state.DiscoveryServices.All(tx, state.Prefix(id.Account, id.Region)))
	for _, f := range in.Filters {
		matches, err := condition(string(f.Name), f.Condition, f.Values)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(v *state.DiscoveryService) bool {
			if f.Name == servicediscoveryapi.ServiceFilterNameResourceOwner {
				return !matches("SELF") // nobody shares namespaces here
			}
			n := state.Namespace{Account: v.Account, Region: v.Region, ID: v.NamespaceID}
			return !matches(n.ID) && !matches(n.ARN())
		})
	}
	found, next, err := page(found, (*state.DiscoveryService).Key, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.ListServicesResponse{Services: []servicediscoveryapi.ServiceSummary{}, NextToken: next}
	for _, v := range found {
		d := s.describe(tx, v)
		out.Services = append(out.Services, servicediscoveryapi.ServiceSummary{
			Id: d.Id, Arn: d.Arn, ResourceOwner: d.ResourceOwner, Name: d.Name, Type: d.Type, Description: d.Description, InstanceCount: d.InstanceCount, DnsConfig: d.DnsConfig,
			HealthCheckConfig: d.HealthCheckConfig, HealthCheckCustomConfig: d.HealthCheckCustomConfig, CreateDate: d.CreateDate, CreatedByAccount: d.CreatedByAccount,
		})
	}
	return out, nil
}

func (s *Service) describe(tx *store.Tx, v *state.DiscoveryService) *servicediscoveryapi.Service {
	out := &servicediscoveryapi.Service{
		Id: v.ID, Arn: v.ARN(), ResourceOwner: v.Account, Name: v.Name, NamespaceId: v.NamespaceID, Description: v.Description, InstanceCount: int32(len(instances(tx, v))),
		Type: servicediscoveryapi.ServiceTypeDnsHttp, CreateDate: v.CreatedAt, CreatorRequestId: v.CreatorRequestID, CreatedByAccount: v.Account,
	}
	if v.HTTPOnly {
		out.Type = servicediscoveryapi.ServiceTypeHttp
	}
	if len(v.Records) > 0 {
		out.DnsConfig = &servicediscoveryapi.DnsConfig{NamespaceId: v.NamespaceID, RoutingPolicy: servicediscoveryapi.RoutingPolicy(v.RoutingPolicy)}
		for _, r := range v.Records {
			out.DnsConfig.DnsRecords = append(out.DnsConfig.DnsRecords, servicediscoveryapi.DnsRecord{Type: servicediscoveryapi.RecordType(r.Type), TTL: r.TTL})
		}
	}
	if h := v.HealthCheck; h != nil {
		out.HealthCheckConfig = &servicediscoveryapi.HealthCheckConfig{Type: servicediscoveryapi.HealthCheckType(h.Type), ResourcePath: h.Path, FailureThreshold: int32(h.FailureThreshold)}
	}
	if v.CustomHealth {
		out.HealthCheckCustomConfig = &servicediscoveryapi.HealthCheckCustomConfig{FailureThreshold: 1} // of which AWS says that it is always so
	}
	return out
}

// instances are those of a service, by id.
func instances(tx *store.Tx, v *state.DiscoveryService) []*state.ServiceInstance {
	return slices.Collect(state.ServiceInstances.All(tx, state.ServiceInstanceKey(v.Key(), "")))
}
