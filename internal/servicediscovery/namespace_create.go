package servicediscovery

import (
	"context"
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxNamespaces = 50 // of an account in a region
	defaultSOATTL = 15 // seconds
)

// CreateHttpNamespace makes a namespace that DiscoverInstances knows, and no DNS.
func (s *Service) CreateHttpNamespace(ctx context.Context, in *servicediscoveryapi.CreateHttpNamespaceRequest) (*servicediscoveryapi.CreateHttpNamespaceResponse, error) {
	o, err := s.createNamespace(ctx, &state.Namespace{Name: in.Name, Type: state.NamespaceHTTP, Description: in.Description, CreatorRequestID: in.CreatorRequestId}, in.Tags)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.CreateHttpNamespaceResponse{OperationId: o.ID}, nil
}

// CreatePrivateDnsNamespace makes a namespace whose names the resolver of one VPC
// answers for: with a private hosted zone.
func (s *Service) CreatePrivateDnsNamespace(ctx context.Context, in *servicediscoveryapi.CreatePrivateDnsNamespaceRequest) (*servicediscoveryapi.CreatePrivateDnsNamespaceResponse, error) {
	n := &state.Namespace{Name: in.Name, Type: state.NamespacePrivate, Description: in.Description, VpcID: in.Vpc, SOATTL: defaultSOATTL, CreatorRequestID: in.CreatorRequestId}
	if in.Properties != nil {
		n.SOATTL = in.Properties.DnsProperties.SOA.TTL
	}
	o, err := s.createNamespace(ctx, n, in.Tags)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.CreatePrivateDnsNamespaceResponse{OperationId: o.ID}, nil
}

// CreatePublicDnsNamespace makes a namespace whose names everybody may ask for:
// with a public hosted zone.
func (s *Service) CreatePublicDnsNamespace(ctx context.Context, in *servicediscoveryapi.CreatePublicDnsNamespaceRequest) (*servicediscoveryapi.CreatePublicDnsNamespaceResponse, error) {
	n := &state.Namespace{Name: in.Name, Type: state.NamespacePublic, Description: in.Description, SOATTL: defaultSOATTL, CreatorRequestID: in.CreatorRequestId}
	if in.Properties != nil {
		n.SOATTL = in.Properties.DnsProperties.SOA.TTL
	}
	o, err := s.createNamespace(ctx, n, in.Tags)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.CreatePublicDnsNamespaceResponse{OperationId: o.ID}, nil
}

func nameTaken(n *state.Namespace) error {
	return &servicediscoveryapi.NamespaceAlreadyExists{Message: "Namespace with name " + n.Name + " already exists.", NamespaceId: n.ID, CreatorRequestId: n.CreatorRequestID}
}

// createNamespace submits the making of a namespace.
func (s *Service) createNamespace(ctx context.Context, n *state.Namespace, tags []servicediscoveryapi.Tag) (*state.DiscoveryOperation, error) {
	id := caller.From(ctx)
	if strings.HasPrefix(n.Name, "arn:") {
		return nil, invalid("The name of a namespace must not begin with arn:.")
	}
	n.Account, n.Region, n.ID, n.HTTPName, n.CreatedAt = id.Account, id.Region, newID("ns-"), n.Name, s.now()
	var err error
	if n.Tags, err = putTags(id, nil, tags); err != nil {
		return nil, err
	}
	same := func(tx *store.Tx, before *state.DiscoveryOperation) bool {
		made := before.Namespace
		if made == nil {
			made, _ = state.Namespaces.Get(tx, before.Target())
		}
		return made != nil && made.Name == n.Name && made.Type == n.Type && made.VpcID == n.VpcID
	}
	return s.submitOnce(ctx, opCreateNamespace, n.CreatorRequestID, same, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		o.NamespaceID, o.Namespace = n.ID, n
		count := 0
		for range state.Namespaces.All(tx, state.Prefix(n.Account, n.Region)) {
			count++
		}
		if count >= maxNamespaces {
			return &servicediscoveryapi.ResourceLimitExceeded{Message: fmt.Sprintf("You have reached the maximum number of namespaces: %d.", maxNamespaces)}
		}
		for other := range state.Namespaces.By(tx, "name", state.Key(n.Account, n.Region, n.Name)) {
			if n.Type == state.NamespaceHTTP {
				return nameTaken(other)
			}
			n.HTTPName = n.Name + "-" + ids.Lower(16)
		}
		return nil
	})
}
