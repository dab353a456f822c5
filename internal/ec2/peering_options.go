package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// ModifyVpcPeeringConnectionOptions sets whether a VPC's public host names resolve
// to private addresses in the other one; each side says so for its own.
func (s *Service) ModifyVpcPeeringConnectionOptions(ctx context.Context, in *ec2api.ModifyVpcPeeringConnectionOptionsRequest) (*ec2api.ModifyVpcPeeringConnectionOptionsResult, error) {
	for _, o := range []*ec2api.PeeringConnectionOptionsRequest{in.RequesterPeeringConnectionOptions, in.AccepterPeeringConnectionOptions} {
		if o != nil {
			if err := unsupported(o, "AllowDnsResolutionFromRemoteVpc"); err != nil {
				return nil, err
			}
		}
	}
	var out ec2api.ModifyVpcPeeringConnectionOptionsResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		p, err := q.peering(in.VpcPeeringConnectionId)
		if err != nil {
			return err
		}
		if now := q.peeringState(p.VpcPeeringConnection); now != "active" {
			return errorf("OperationNotPermitted", "Peering pcx options can be added only to active peerings. Peering %s is not active", p.ID)
		}
		changed := *p.VpcPeeringConnection
		if err := q.setDNSOption(&changed.Requester, in.RequesterPeeringConnectionOptions); err != nil {
			return err
		}
		if err := q.setDNSOption(&changed.Accepter, in.AccepterPeeringConnectionOptions); err != nil {
			return err
		}
		state.VpcPeeringConnections.Put(q.tx, &changed)
		q.touched[p.Requester.Key()], q.touched[p.Accepter.Key()] = true, true
		out.RequesterPeeringConnectionOptions = optionsOut(changed.Requester, in.RequesterPeeringConnectionOptions)
		out.AccepterPeeringConnectionOptions = optionsOut(changed.Accepter, in.AccepterPeeringConnectionOptions)
		return nil
	})
	return &out, err
}

func (q *scope) setDNSOption(s *state.PeeringSide, o *ec2api.PeeringConnectionOptionsRequest) error {
	if o == nil || o.AllowDnsResolutionFromRemoteVpc == nil {
		return nil
	}
	if !q.here(*s) {
		return errorf("OperationNotPermitted", "User %s cannot modify the options of the VPC %s", q.account, s.VpcID)
	}
	s.AllowDNS = *o.AllowDnsResolutionFromRemoteVpc
	return nil
}

func optionsOut(s state.PeeringSide, asked *ec2api.PeeringConnectionOptionsRequest) *ec2api.PeeringConnectionOptions {
	if asked == nil {
		return nil
	}
	no, dns := false, s.AllowDNS
	return &ec2api.PeeringConnectionOptions{AllowDnsResolutionFromRemoteVpc: &dns, AllowEgressFromLocalClassicLinkToRemoteVpc: &no, AllowEgressFromLocalVpcToRemoteClassicLink: &no}
}

// taggedPeerings are the peering connections, of which each side tags its own.
func taggedPeerings() taggable {
	return taggable{
		prefix: "pcx", resourceType: "vpc-peering-connection", kind: kindPeering,
		get: func(q *scope, id string) ([]state.Tag, bool) {
			p, err := q.peering(id)
			if err != nil {
				return nil, false
			}
			return p.tags, true
		},
		put: func(q *scope, id string, tags []state.Tag) {
			state.VpcPeeringConnections.Update(q.tx, id, func(p *state.VpcPeeringConnection) {
				side := &p.Accepter
				if q.here(p.Requester) {
					side = &p.Requester
				}
				side.Tags = tags
			})
		},
		all: func(q *scope, yield func(string, []state.Tag)) {
			for _, p := range q.peerings() {
				yield(p.ID, p.tags)
			}
		},
	}
}
