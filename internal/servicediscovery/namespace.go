package servicediscovery

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GetNamespace describes a namespace.
func (s *Service) GetNamespace(ctx context.Context, in *servicediscoveryapi.GetNamespaceRequest) (*servicediscoveryapi.GetNamespaceResponse, error) {
	tx := s.DB.Read()
	n, err := namespace(tx, caller.From(ctx), in.Id)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.GetNamespaceResponse{Namespace: &servicediscoveryapi.Namespace{
		Id: n.ID, Arn: n.ARN(), ResourceOwner: n.Account, Name: n.Name, Type: servicediscoveryapi.NamespaceType(n.Type), Description: n.Description,
		ServiceCount: serviceCount(tx, n), Properties: properties(n), CreateDate: n.CreatedAt, CreatorRequestId: n.CreatorRequestID,
	}}, nil
}

// ListNamespaces lists the caller's namespaces that pass all filters.
func (s *Service) ListNamespaces(ctx context.Context, in *servicediscoveryapi.ListNamespacesRequest) (*servicediscoveryapi.ListNamespacesResponse, error) {
	id, tx := caller.From(ctx), s.DB.Read()
	var found []*state.Namespace
	for n := range state.Namespaces.All(tx, state.Prefix(id.Account, id.Region)) {
		found = append(found, n)
	}
	for _, f := range in.Filters {
		match, err := namespaceFilter(f)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(n *state.Namespace) bool { return !match(n) })
	}
	found, next, err := page(found, (*state.Namespace).Key, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.ListNamespacesResponse{Namespaces: []servicediscoveryapi.NamespaceSummary{}, NextToken: next}
	for _, n := range found {
		out.Namespaces = append(out.Namespaces, servicediscoveryapi.NamespaceSummary{
			Id: n.ID, Arn: n.ARN(), ResourceOwner: n.Account, Name: n.Name, Type: servicediscoveryapi.NamespaceType(n.Type), Description: n.Description,
			ServiceCount: serviceCount(tx, n), Properties: properties(n), CreateDate: n.CreatedAt,
		})
	}
	return out, nil
}

// namespaceFilter is a filter as a question about one namespace.
func namespaceFilter(f servicediscoveryapi.NamespaceFilter) (func(*state.Namespace) bool, error) {
	if f.Name == servicediscoveryapi.NamespaceFilterNameResourceOwner {
		return func(*state.Namespace) bool { return slices.Contains(f.Values, "SELF") }, nil // nobody shares namespaces here
	}
	of := map[servicediscoveryapi.NamespaceFilterName]func(*state.Namespace) string{
		servicediscoveryapi.NamespaceFilterNameType:     func(n *state.Namespace) string { return n.Type },
		servicediscoveryapi.NamespaceFilterNameName:     func(n *state.Namespace) string { return n.Name },
		servicediscoveryapi.NamespaceFilterNameHttpName: func(n *state.Namespace) string { return n.HTTPName },
	}[f.Name]
	matches, err := condition(string(f.Name), f.Condition, f.Values)
	if err != nil {
		return nil, err
	}
	return func(n *state.Namespace) bool { return matches(of(n)) }, nil
}

// condition is a filter's condition as a question about one value.
func condition(name string, c servicediscoveryapi.FilterCondition, values []string) (func(string) bool, error) {
	switch c {
	case "", servicediscoveryapi.FilterConditionEq:
		if len(values) != 1 {
			return nil, invalid("Filter " + name + " with the condition EQ takes exactly one value.")
		}
		return func(v string) bool { return v == values[0] }, nil
	case servicediscoveryapi.FilterConditionIn:
		return func(v string) bool { return slices.Contains(values, v) }, nil
	case servicediscoveryapi.FilterConditionBeginsWith:
		if len(values) != 1 {
			return nil, invalid("Filter " + name + " with the condition BEGINS_WITH takes exactly one value.")
		}
		return func(v string) bool { return strings.HasPrefix(v, values[0]) }, nil
	}
	return nil, invalid("Filter " + name + " does not support the condition " + string(c) + ".")
}

func properties(n *state.Namespace) *servicediscoveryapi.NamespaceProperties {
	out := &servicediscoveryapi.NamespaceProperties{DnsProperties: &servicediscoveryapi.DnsProperties{}, HttpProperties: &servicediscoveryapi.HttpProperties{HttpName: n.HTTPName}}
	if n.Type != state.NamespaceHTTP {
		out.DnsProperties.HostedZoneId, out.DnsProperties.SOA = n.HostedZoneID, &servicediscoveryapi.SOA{TTL: n.SOATTL}
	}
	return out
}

func serviceCount(tx *store.Tx, n *state.Namespace) (count int32) {
	for range state.DiscoveryServices.By(tx, "namespace", n.Key()) {
		count++
	}
	return count
}

// DeleteNamespace deletes a namespace that has no services, with its zone.
func (s *Service) DeleteNamespace(ctx context.Context, in *servicediscoveryapi.DeleteNamespaceRequest) (*servicediscoveryapi.DeleteNamespaceResponse, error) {
	o, err := s.submit(ctx, opDeleteNamespace, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		n, err := namespace(tx, caller.From(ctx), in.Id)
		if err != nil {
			return err
		}
		if serviceCount(tx, n) > 0 {
			return inUse(n)
		}
		o.NamespaceID = n.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.DeleteNamespaceResponse{OperationId: o.ID}, nil
}

func inUse(n *state.Namespace) error {
	return &servicediscoveryapi.ResourceInUse{Message: "Namespace has associated services; delete the services before deleting the namespace: " + n.ID}
}
