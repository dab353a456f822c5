package ecs

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The capacity providers that exist in every account.
var fargateProviders = []string{"FARGATE", spotProvider}

func describeStrategy(items []state.CapacityProviderItem) []ecsapi.CapacityProviderStrategyItem {
	out := []ecsapi.CapacityProviderStrategyItem{}
	for _, i := range items {
		out = append(out, ecsapi.CapacityProviderStrategyItem{CapacityProvider: i.CapacityProvider, Weight: i.Weight, Base: i.Base})
	}
	return out
}

// strategy checks a capacity provider strategy against the providers of the cluster.
func strategy(providers []string, items []ecsapi.CapacityProviderStrategyItem) ([]state.CapacityProviderItem, error) {
	var out []state.CapacityProviderItem
	weight, bases := int32(0), 0
	for _, i := range items {
		switch {
		case !slices.Contains(providers, i.CapacityProvider):
			return nil, invalid("The specified capacity provider strategy contains a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
		case i.Weight < 0 || i.Weight > 1000 || i.Base < 0 || i.Base > 100000:
			return nil, invalid("The weight must be between 0 and 1000 and the base between 0 and 100000.")
		case slices.ContainsFunc(out, func(have state.CapacityProviderItem) bool { return have.CapacityProvider == i.CapacityProvider }):
			return nil, invalid("The capacity provider strategy names %s more than once.", i.CapacityProvider)
		}
		if i.Base > 0 {
			bases++
		}
		weight += i.Weight
		out = append(out, state.CapacityProviderItem{CapacityProvider: i.CapacityProvider, Weight: i.Weight, Base: i.Base})
	}
	switch {
	case len(out) == 1 && weight == 0:
		out[0].Weight = 1 // a weight that is not given counts as 1 when it stands alone
	case len(out) > 0 && weight == 0:
		return nil, invalid("There are no capacity providers in the capacity provider strategy with a weight value greater than zero.")
	case bases > 1:
		return nil, invalid("Only one capacity provider in a capacity provider strategy can have a base defined.")
	}
	return out, nil
}

// setCapacity sets the capacity providers of a cluster.
func setCapacity(cluster *state.Cluster, providers []string, items []ecsapi.CapacityProviderStrategyItem) error {
	for _, p := range providers {
		if !slices.Contains(fargateProviders, p) {
			return invalid("The specified capacity provider '%s' was not found.", p)
		}
	}
	set, err := strategy(providers, items)
	if err != nil {
		return err
	}
	cluster.CapacityProviders, cluster.DefaultStrategy = slices.Clone(providers), set
	return nil
}

// PutClusterCapacityProviders sets the capacity providers of a cluster and its default strategy.
func (s *Service) PutClusterCapacityProviders(ctx context.Context, in *ecsapi.PutClusterCapacityProvidersRequest) (*ecsapi.PutClusterCapacityProvidersResponse, error) {
	out, err := s.changeCluster(ctx, in.Cluster, func(tx *store.Tx, r *state.Cluster) error {
		for svc := range state.Services.All(tx, state.Key(r.Account, r.Region, r.Name+"/")) {
			for _, i := range svc.Strategy {
				if svc.Status == "ACTIVE" && !slices.Contains(in.CapacityProviders, i.CapacityProvider) {
					return providerInUse()
				}
			}
		}
		for t := range state.Tasks.All(tx, state.Key(r.Account, r.Region, r.Name+"/")) {
			if t.LastStatus != state.TaskStopped && t.CapacityProvider != "" && !slices.Contains(in.CapacityProviders, t.CapacityProvider) {
				return providerInUse()
			}
		}
		return setCapacity(r, in.CapacityProviders, in.DefaultCapacityProviderStrategy)
	})
	return &ecsapi.PutClusterCapacityProvidersResponse{Cluster: out}, err
}

func providerInUse() error {
	return &ecsapi.ResourceInUseException{Message: "The specified capacity provider is in use and cannot be removed."}
}

// DescribeCapacityProviders describes FARGATE and FARGATE_SPOT, the only ones
// there are: clusters have none of their own.
func (s *Service) DescribeCapacityProviders(ctx context.Context, in *ecsapi.DescribeCapacityProvidersRequest) (*ecsapi.DescribeCapacityProvidersResponse, error) {
	c := scopeOf(ctx)
	if in.Cluster != "" {
		return nil, unsupported("capacity providers of a cluster")
	}
	out := &ecsapi.DescribeCapacityProvidersResponse{CapacityProviders: []ecsapi.CapacityProvider{}, Failures: []ecsapi.Failure{}}
	names := fargateProviders
	if len(in.CapacityProviders) > 0 {
		names = nil
		for _, ref := range in.CapacityProviders {
			name := resourceName("capacity-provider", ref)
			if slices.Contains(fargateProviders, name) {
				names = append(names, name)
				continue
			}
			out.Failures = append(out.Failures, ecsapi.Failure{Arn: state.ECSARN(c.Account, c.Region, "capacity-provider/"+name), Reason: "MISSING"})
		}
	}
	names, next, err := page(names, in.NextToken, in.MaxResults, 10, 10, false)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		out.CapacityProviders = append(out.CapacityProviders, ecsapi.CapacityProvider{
			CapacityProviderArn: state.ECSARN(c.Account, c.Region, "capacity-provider/"+name), Name: name, Status: "ACTIVE", Tags: []ecsapi.Tag{},
		})
	}
	out.NextToken = next
	return out, nil
}

// ListContainerInstances lists the instances of a cluster: Fargate has none.
func (s *Service) ListContainerInstances(ctx context.Context, in *ecsapi.ListContainerInstancesRequest) (*ecsapi.ListContainerInstancesResponse, error) {
	if _, err := scopeOf(ctx).cluster(s.DB.Read(), in.Cluster); err != nil {
		return nil, err
	}
	return &ecsapi.ListContainerInstancesResponse{ContainerInstanceArns: []string{}}, nil
}

// DescribeContainerInstances reports each instance as missing: Fargate has none.
func (s *Service) DescribeContainerInstances(ctx context.Context, in *ecsapi.DescribeContainerInstancesRequest) (*ecsapi.DescribeContainerInstancesResponse, error) {
	c := scopeOf(ctx)
	cluster, err := c.cluster(s.DB.Read(), in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.ContainerInstances) == 0 {
		return nil, invalid("Container instances cannot be empty.")
	}
	out := &ecsapi.DescribeContainerInstancesResponse{ContainerInstances: []ecsapi.ContainerInstance{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.ContainerInstances {
		id := resourceName("container-instance", ref)
		out.Failures = append(out.Failures, ecsapi.Failure{Arn: state.ECSARN(c.Account, c.Region, "container-instance/"+cluster.Name+"/"+id), Reason: "MISSING"})
	}
	return out, nil
}
