package servicediscovery

import (
	"cmp"
	"context"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// UpdateHttpNamespace changes a namespace's description.
func (s *Service) UpdateHttpNamespace(ctx context.Context, in *servicediscoveryapi.UpdateHttpNamespaceRequest) (*servicediscoveryapi.UpdateHttpNamespaceResponse, error) {
	o, err := s.updateNamespace(ctx, in.Id, state.NamespaceHTTP, func(n *state.Namespace) { n.Description = in.Namespace.Description })
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.UpdateHttpNamespaceResponse{OperationId: o.ID}, nil
}

// UpdatePrivateDnsNamespace changes a namespace's description and the TTL of its
// zone's SOA record; what is not given stays.
func (s *Service) UpdatePrivateDnsNamespace(ctx context.Context, in *servicediscoveryapi.UpdatePrivateDnsNamespaceRequest) (*servicediscoveryapi.UpdatePrivateDnsNamespaceResponse, error) {
	o, err := s.updateNamespace(ctx, in.Id, state.NamespacePrivate, func(n *state.Namespace) {
		n.Description = cmp.Or(in.Namespace.Description, n.Description)
		if p := in.Namespace.Properties; p != nil {
			n.SOATTL = p.DnsProperties.SOA.TTL
		}
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.UpdatePrivateDnsNamespaceResponse{OperationId: o.ID}, nil
}

// UpdatePublicDnsNamespace is UpdatePrivateDnsNamespace for public ones.
func (s *Service) UpdatePublicDnsNamespace(ctx context.Context, in *servicediscoveryapi.UpdatePublicDnsNamespaceRequest) (*servicediscoveryapi.UpdatePublicDnsNamespaceResponse, error) {
	o, err := s.updateNamespace(ctx, in.Id, state.NamespacePublic, func(n *state.Namespace) {
		n.Description = cmp.Or(in.Namespace.Description, n.Description)
		if p := in.Namespace.Properties; p != nil {
			n.SOATTL = p.DnsProperties.SOA.TTL
		}
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.UpdatePublicDnsNamespaceResponse{OperationId: o.ID}, nil
}

// updateNamespace submits a change of a namespace of a type.
func (s *Service) updateNamespace(ctx context.Context, idOrARN, kind string, change func(*state.Namespace)) (*state.DiscoveryOperation, error) {
	return s.submit(ctx, opUpdateNamespace, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		n, err := namespace(tx, caller.From(ctx), idOrARN)
		if err != nil {
			return err
		}
		if n.Type != kind {
			return invalid("Namespace " + n.ID + " is not of the type " + kind + ".")
		}
		changed := *n
		change(&changed)
		o.NamespaceID, o.Namespace = n.ID, &changed
		return nil
	})
}
