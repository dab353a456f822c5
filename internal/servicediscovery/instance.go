package servicediscovery

import (
	"context"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// instance finds a service of the caller and an instance of it.
func instance(tx *store.Tx, id caller.Identity, serviceID, instanceID string) (*state.DiscoveryService, *state.ServiceInstance, error) {
	v, err := service(tx, id, serviceID)
	if err != nil {
		return nil, nil, err
	}
	i, ok := state.ServiceInstances.Get(tx, state.ServiceInstanceKey(v.Key(), instanceID))
	if !ok {
		return nil, nil, &servicediscoveryapi.InstanceNotFound{Message: "Instance not found: " + instanceID}
	}
	return v, i, nil
}

// GetInstance describes an instance.
func (s *Service) GetInstance(ctx context.Context, in *servicediscoveryapi.GetInstanceRequest) (*servicediscoveryapi.GetInstanceResponse, error) {
	v, i, err := instance(s.DB.Read(), caller.From(ctx), in.ServiceId, in.InstanceId)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.GetInstanceResponse{ResourceOwner: v.Account, Instance: &servicediscoveryapi.Instance{Id: i.ID, CreatorRequestId: i.CreatorRequestID, Attributes: i.Attributes, CreatedByAccount: i.Account}}, nil
}

// ListInstances lists a service's instances.
func (s *Service) ListInstances(ctx context.Context, in *servicediscoveryapi.ListInstancesRequest) (*servicediscoveryapi.ListInstancesResponse, error) {
	tx := s.DB.Read()
	v, err := service(tx, caller.From(ctx), in.ServiceId)
	if err != nil {
		return nil, err
	}
	found, next, err := page(instances(tx, v), (*state.ServiceInstance).Key, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.ListInstancesResponse{ResourceOwner: v.Account, Instances: []servicediscoveryapi.InstanceSummary{}, NextToken: next}
	for _, i := range found {
		out.Instances = append(out.Instances, servicediscoveryapi.InstanceSummary{Id: i.ID, Attributes: i.Attributes, CreatedByAccount: i.Account})
	}
	return out, nil
}

// GetInstancesHealthStatus tells the health of a service's instances, or of those
// that are named.
func (s *Service) GetInstancesHealthStatus(ctx context.Context, in *servicediscoveryapi.GetInstancesHealthStatusRequest) (*servicediscoveryapi.GetInstancesHealthStatusResponse, error) {
	id, tx := caller.From(ctx), s.DB.Read()
	v, err := service(tx, id, in.ServiceId)
	if err != nil {
		return nil, err
	}
	found := judged(tx, instances(tx, v))
	if len(in.Instances) > 0 {
		found = nil
		for _, name := range in.Instances {
			_, i, err := instance(tx, id, in.ServiceId, name)
			if err != nil {
				return nil, err
			}
			found = append(found, judged(tx, []*state.ServiceInstance{i})...)
		}
	}
	found, next, err := page(found, (*state.ServiceInstance).Key, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.GetInstancesHealthStatusResponse{Status: map[string]servicediscoveryapi.HealthStatus{}, NextToken: next}
	for _, i := range found {
		out.Status[i.ID] = health(i)
	}
	return out, nil
}

func health(i *state.ServiceInstance) servicediscoveryapi.HealthStatus {
	if i.Health == "" {
		return servicediscoveryapi.HealthStatusUnknown
	}
	return servicediscoveryapi.HealthStatus(i.Health)
}

// UpdateInstanceCustomHealthStatus tells the health of an instance. The loop
// changes the DNS records.
func (s *Service) UpdateInstanceCustomHealthStatus(ctx context.Context, in *servicediscoveryapi.UpdateInstanceCustomHealthStatusRequest) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		v, i, err := instance(tx, caller.From(ctx), in.ServiceId, in.InstanceId)
		if err != nil {
			return err
		}
		if !v.CustomHealth {
			return &servicediscoveryapi.CustomHealthNotFound{Message: "The service has no custom health check: " + v.ID}
		}
		if i.Health == string(in.Status) {
			return nil
		}
		state.ServiceInstances.Update(tx, i.Key(), func(i *state.ServiceInstance) {
			if i.Health = string(in.Status); i.Health == state.InstanceUnhealthy {
				i.HealthyAt = s.now() // until now
			}
		})
		return nil
	})
}
