package servicediscovery

import (
	"context"
	"math/rand/v2"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxDiscovered = 100 // when the request does not say

// named finds a service by its name and its namespace's HttpName.
func named(tx *store.Tx, id caller.Identity, owner, namespaceName, name string) (*state.DiscoveryService, error) {
	if owner == "" || owner == id.Account {
		for n := range state.Namespaces.By(tx, "name", state.Key(id.Account, id.Region, namespaceName)) {
			for v := range state.DiscoveryServices.By(tx, "name", state.DiscoveryServiceName(n.Key(), name)) {
				if v.Name == name {
					return v, nil
				}
			}
			return nil, &servicediscoveryapi.ServiceNotFound{Message: "Service not found: " + name}
		}
	}
	return nil, &servicediscoveryapi.NamespaceNotFound{Message: "Namespace not found: " + namespaceName}
}

// DiscoverInstances finds the instances of a service by name, in random order.
func (s *Service) DiscoverInstances(ctx context.Context, in *servicediscoveryapi.DiscoverInstancesRequest) (*servicediscoveryapi.DiscoverInstancesResponse, error) {
	tx := s.DB.Read()
	v, err := named(tx, caller.From(ctx), in.OwnerAccount, in.NamespaceName, in.ServiceName)
	if err != nil {
		return nil, err
	}
	found := discovered(judged(tx, instances(tx, v)), in)
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	found = found[:min(len(found), int(wire.Or(in.MaxResults, maxDiscovered)))]
	out := &servicediscoveryapi.DiscoverInstancesResponse{Instances: []servicediscoveryapi.HttpInstanceSummary{}, InstancesRevision: v.Revision}
	for _, i := range found {
		out.Instances = append(out.Instances, servicediscoveryapi.HttpInstanceSummary{InstanceId: i.ID, NamespaceName: in.NamespaceName, ServiceName: v.Name, HealthStatus: health(i), Attributes: i.Attributes})
	}
	return out, nil
}

// discovered are the instances that a request asks for. Instances that nobody
// checks pass every question about health.
func discovered(all []*state.ServiceInstance, in *servicediscoveryapi.DiscoverInstancesRequest) []*state.ServiceInstance {
	found := having(all, in.QueryParameters)
	if better := having(found, in.OptionalParameters); len(better) > 0 {
		found = better
	}
	of := func(status string) (out []*state.ServiceInstance) {
		for _, i := range found {
			if i.Health == "" || i.Health == status {
				out = append(out, i)
			}
		}
		return out
	}
	switch in.HealthStatus {
	case "", servicediscoveryapi.HealthStatusFilterHealthy:
		return of(state.InstanceHealthy)
	case servicediscoveryapi.HealthStatusFilterUnhealthy:
		return of(state.InstanceUnhealthy)
	case servicediscoveryapi.HealthStatusFilterHealthyOrElseAll:
		if healthy := of(state.InstanceHealthy); len(healthy) > 0 {
			return healthy
		}
	}
	return found
}

// having returns the instances that have all of the attributes.
func having(all []*state.ServiceInstance, attributes map[string]string) (out []*state.ServiceInstance) {
next:
	for _, i := range all {
		for key, value := range attributes {
			if have, ok := i.Attributes[key]; !ok || have != value {
				continue next
			}
		}
		out = append(out, i)
	}
	return out
}

// DiscoverInstancesRevision tells the number that grows with every registration
// and deregistration.
func (s *Service) DiscoverInstancesRevision(ctx context.Context, in *servicediscoveryapi.DiscoverInstancesRevisionRequest) (*servicediscoveryapi.DiscoverInstancesRevisionResponse, error) {
	v, err := named(s.DB.Read(), caller.From(ctx), in.OwnerAccount, in.NamespaceName, in.ServiceName)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.DiscoverInstancesRevisionResponse{InstancesRevision: v.Revision}, nil
}
