package servicediscovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// makeZone makes the hosted zone of a new namespace, as the caller.
func (s *Service) makeZone(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	n := *o.Namespace
	if n.Type != state.NamespaceHTTP {
		id, err := s.ensureZone(ctx, &n)
		if err != nil {
			return nil, err
		}
		n.HostedZoneID = id
		if err := s.setSOA(ctx, &n); err != nil {
			return nil, err
		}
	}
	return func(tx *store.Tx) error {
		for other := range state.Namespaces.By(tx, "name", state.Key(n.Account, n.Region, n.HTTPName)) {
			return nameTaken(other)
		}
		state.Namespaces.Put(tx, &n)
		return nil
	}, nil
}

// ensureZone makes a namespace's hosted zone, or finds the one that was made
// before a crash: its reference is the namespace's ARN.
func (s *Service) ensureZone(ctx context.Context, n *state.Namespace) (string, error) {
	for z := range state.HostedZones.By(s.DB.Read(), "reference", n.Account+"/"+n.ARN()) {
		return z.ID, nil
	}
	in := &route53api.CreateHostedZoneRequest{
		Name: n.Name, CallerReference: n.ARN(),
		HostedZoneConfig: &route53api.HostedZoneConfig{Comment: "Created by AWS Cloud Map namespace with ARN " + n.ARN(), PrivateZone: n.Type == state.NamespacePrivate},
	}
	if n.Type == state.NamespacePrivate {
		if _, err := s.networks.DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{n.VpcID}}); err != nil {
			return "", err
		}
		in.VPC = &route53api.VPC{VPCId: n.VpcID, VPCRegion: route53api.VPCRegion(n.Region)}
	}
	out, err := s.zones.CreateHostedZone(ctx, in)
	if err != nil {
		return "", err
	}
	return bare(out.HostedZone.Id), nil
}

// setSOA gives the SOA record of a namespace's zone the namespace's TTL, which is
// also how long resolvers remember that a name is not there.
func (s *Service) setSOA(ctx context.Context, n *state.Namespace) error {
	for r := range state.RecordSets.All(s.DB.Read(), n.HostedZoneID+"/") {
		if r.Type != "SOA" || r.TTL == n.SOATTL {
			continue
		}
		var values []route53api.ResourceRecord
		for _, v := range r.Values {
			values = append(values, route53api.ResourceRecord{Value: v})
		}
		_, err := s.zones.ChangeResourceRecordSets(s.itself(ctx), &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: n.HostedZoneID, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{
			Action: route53api.ChangeActionUpsert, ResourceRecordSet: &route53api.ResourceRecordSet{Name: r.Name, Type: route53api.RRTypeSoa, TTL: &n.SOATTL, ResourceRecords: values},
		}}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// changeZone carries out a change of a namespace.
func (s *Service) changeZone(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	if o.Namespace.Type != state.NamespaceHTTP {
		if err := s.setSOA(ctx, o.Namespace); err != nil {
			return nil, err
		}
	}
	return func(tx *store.Tx) error {
		state.Namespaces.Update(tx, o.Namespace.Key(), func(n *state.Namespace) { n.Description, n.SOATTL = o.Namespace.Description, o.Namespace.SOATTL })
		return nil
	}, nil
}

// removeZone deletes a namespace's hosted zone, as the caller.
func (s *Service) removeZone(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	n, ok := state.Namespaces.Get(s.DB.Read(), o.Target())
	if !ok {
		return nil, fmt.Errorf("namespace %s is gone", o.NamespaceID)
	}
	if n.Type != state.NamespaceHTTP {
		if _, err := s.zones.DeleteHostedZone(ctx, &route53api.DeleteHostedZoneRequest{Id: n.HostedZoneID}); err != nil && !isCode(err, "NoSuchHostedZone") {
			return nil, err
		}
	}
	return func(tx *store.Tx) error {
		state.Namespaces.Delete(tx, n.Key())
		return nil
	}, nil
}

// itself is Cloud Map acting for itself, in the account and region of the caller.
func (s *Service) itself(ctx context.Context) context.Context {
	id := caller.From(ctx)
	return caller.With(ctx, caller.ForService(principal, id.Account, id.Region))
}

func isCode(err error, codes ...string) bool {
	var answer wire.Error
	return errors.As(err, &answer) && slices.Contains(codes, answer.ErrorCode())
}
