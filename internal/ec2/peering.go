package ec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// Texts and times of peering connections.
const (
	peeringExpires = 7 * 24 * time.Hour
	peeringFailed  = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
)

// peering is a peering connection as one account and region sees it.
type peering struct {
	*state.VpcPeeringConnection
	tags []state.Tag
}

var peeringResource = resource[peering]{
	kind: kindPeering,
	id:   func(p *peering) string { return p.ID },
	tags: func(p *peering) []state.Tag { return p.tags },
	fields: fields[peering]{
		"vpc-peering-connection-id":     func(_ *scope, p *peering) []string { return one(p.ID) },
		"requester-vpc-info.vpc-id":     func(_ *scope, p *peering) []string { return one(p.Requester.VpcID) },
		"requester-vpc-info.owner-id":   func(_ *scope, p *peering) []string { return one(p.Requester.Account) },
		"requester-vpc-info.cidr-block": func(q *scope, p *peering) []string { return q.cidrsOfSide(p.Requester) },
		"accepter-vpc-info.vpc-id":      func(_ *scope, p *peering) []string { return one(p.Accepter.VpcID) },
		"accepter-vpc-info.owner-id":    func(_ *scope, p *peering) []string { return one(p.Accepter.Account) },
		"accepter-vpc-info.cidr-block":  func(q *scope, p *peering) []string { return q.cidrsOfSide(p.Accepter) },
		"expiration-time":               func(_ *scope, p *peering) []string { return one(p.ExpiresAt.Format(time.RFC3339)) },
		"status-code":                   func(q *scope, p *peering) []string { return one(q.peeringState(p.VpcPeeringConnection)) },
		"status-message":                func(_ *scope, p *peering) []string { return one(p.Message) },
	},
}

// here reports whether a side is of the scope's account and region.
func (q *scope) here(s state.PeeringSide) bool { return s.Account == q.account && s.Region == q.region }

// peerings lists what the scope's account and region sees, in the order of ids.
func (q *scope) peerings() []*peering {
	var all []*peering
	for p := range state.VpcPeeringConnections.All(q.tx, "") {
		if v, ok := q.peeringView(p); ok {
			all = append(all, v)
		}
	}
	return all
}

func (q *scope) peeringView(p *state.VpcPeeringConnection) (*peering, bool) {
	switch {
	case !p.EndedAt.IsZero() && q.now.Sub(p.EndedAt) > deletedFor:
		return nil, false
	case q.here(p.Requester):
		return &peering{p, p.Requester.Tags}, true
	case q.here(p.Accepter):
		return &peering{p, p.Accepter.Tags}, true
	}
	return nil, false
}

// peering returns the connection with the given id.
func (q *scope) peering(id string) (*peering, error) {
	if p, ok := state.VpcPeeringConnections.Get(q.tx, id); ok {
		if v, ok := q.peeringView(p); ok {
			return v, nil
		}
	}
	return nil, kindPeering.notFound(id)
}

// peeringState is the status code now.
func (q *scope) peeringState(p *state.VpcPeeringConnection) string {
	if p.State == "pending-acceptance" && q.now.After(p.ExpiresAt) {
		return "expired"
	}
	return p.State
}

func (q *scope) cidrsOfSide(s state.PeeringSide) []string {
	if v, ok := state.Vpcs.Get(q.tx, s.Key()); ok {
		return each(vpcCIDRs(v), netip.Prefix.String)
	}
	return nil
}

// CreateVpcPeeringConnection asks the owner of another VPC for a connection. As on AWS
// it fails afterwards, in its status, when there is no such VPC or ranges overlap.
func (s *Service) CreateVpcPeeringConnection(ctx context.Context, in *ec2api.CreateVpcPeeringConnectionRequest) (*ec2api.CreateVpcPeeringConnectionResult, error) {
	var out ec2api.CreateVpcPeeringConnectionResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		if in.PeerVpcId == "" {
			return errMissing("peerVpcId")
		}
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "vpc-peering-connection")
		if err != nil {
			return err
		}
		other := state.PeeringSide{Account: cmp.Or(in.PeerOwnerId, q.account), Region: cmp.Or(in.PeerRegion, q.region), VpcID: in.PeerVpcId}
		for p := range state.VpcPeeringConnections.By(q.tx, "vpc", vpc.Key()) {
			if p.Other(vpc.Key()).Key() != other.Key() {
				continue
			}
			switch q.peeringState(p) {
			case "active":
				return errorf("VpcPeeringConnectionAlreadyExists", "A VPC peering connection between %s and %s already exists: %s", vpc.ID, other.VpcID, p.ID)
			case "pending-acceptance": // the same request again
				out.VpcPeeringConnection = q.peeringOut(&peering{p, tags})
				return nil
			}
		}
		p := &state.VpcPeeringConnection{
			ID: ids.New("pcx"), Requester: state.PeeringSide{Account: q.account, Region: q.region, VpcID: vpc.ID, Tags: tags}, Accepter: other,
			State: "pending-acceptance", Message: "Pending Acceptance by " + other.Account, ExpiresAt: q.now.Add(peeringExpires),
		}
		if !q.canPeer(vpc, other) {
			p.State, p.Message, p.EndedAt = "failed", peeringFailed, q.now
		}
		state.VpcPeeringConnections.Put(q.tx, p)
		out.VpcPeeringConnection = q.peeringOut(&peering{p, tags})
		return nil
	})
	return &out, err
}

// canPeer reports whether the other VPC exists and shares no address with vpc.
func (q *scope) canPeer(vpc *state.Vpc, other state.PeeringSide) bool {
	peer, ok := state.Vpcs.Get(q.tx, other.Key())
	return ok && peer.ID != vpc.ID && !overlapAny(vpcCIDRs(vpc), vpcCIDRs(peer))
}

func overlapAny(a, b []netip.Prefix) bool {
	return slices.ContainsFunc(a, func(p netip.Prefix) bool { return slices.ContainsFunc(b, p.Overlaps) })
}

// AcceptVpcPeeringConnection makes a connection active; the owner of the VPC that was
// asked for does so, in that VPC's region.
func (s *Service) AcceptVpcPeeringConnection(ctx context.Context, in *ec2api.AcceptVpcPeeringConnectionRequest) (*ec2api.AcceptVpcPeeringConnectionResult, error) {
	var out ec2api.AcceptVpcPeeringConnectionResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		p, err := q.answerPeering(in.VpcPeeringConnectionId, "accept", "active")
		if err != nil {
			return err
		}
		p = q.setPeering(p, "active", "Active")
		out.VpcPeeringConnection = q.peeringOut(p)
		return nil
	})
	return &out, err
}

// RejectVpcPeeringConnection declines a connection.
func (s *Service) RejectVpcPeeringConnection(ctx context.Context, in *ec2api.RejectVpcPeeringConnectionRequest) (*ec2api.RejectVpcPeeringConnectionResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		p, err := q.answerPeering(in.VpcPeeringConnectionId, "reject", "rejected")
		if err == nil {
			q.setPeering(p, "rejected", "Rejected by "+q.account)
		}
		return err
	})
	yes := true
	return &ec2api.RejectVpcPeeringConnectionResult{Return: &yes}, err
}

// answerPeering checks that the caller may answer a connection's request now.
func (q *scope) answerPeering(id, verb, wanted string) (*peering, error) {
	p, err := q.peering(id)
	if err != nil {
		return nil, err
	}
	if !q.here(p.Accepter) {
		return nil, errorf("OperationNotPermitted", "User %s cannot %s peering %s", q.account, verb, p.ID)
	}
	if now := q.peeringState(p.VpcPeeringConnection); now != "pending-acceptance" {
		return nil, errorf("InvalidStateTransition", "Invalid state transition for %s, attempted to transition from %s to %s", p.ID, now, wanted)
	}
	return p, nil
}

// setPeering changes the status; both VPCs have to follow.
func (q *scope) setPeering(p *peering, status, message string) *peering {
	state.VpcPeeringConnections.Update(q.tx, p.ID, func(p *state.VpcPeeringConnection) {
		p.State, p.Message = status, message
		if status != "active" {
			p.EndedAt = q.now
		}
	})
	q.touched[p.Requester.Key()], q.touched[p.Accepter.Key()] = true, true
	now, _ := state.VpcPeeringConnections.Get(q.tx, p.ID)
	return &peering{now, p.tags}
}

// DeleteVpcPeeringConnection ends a connection; either side may. Routes to it turn
// into black holes.
func (s *Service) DeleteVpcPeeringConnection(ctx context.Context, in *ec2api.DeleteVpcPeeringConnectionRequest) (*ec2api.DeleteVpcPeeringConnectionResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		p, err := q.peering(in.VpcPeeringConnectionId)
		if err != nil {
			return err
		}
		switch now := q.peeringState(p.VpcPeeringConnection); {
		case now == "deleted":
		case now == "active", now == "pending-acceptance" && q.here(p.Requester):
			q.setPeering(p, "deleted", "Deleted by "+q.account)
		default:
			return errorf("InvalidStateTransition", "Invalid state transition for %s, attempted to transition from %s to deleted", p.ID, now)
		}
		return nil
	})
	yes := true
	return &ec2api.DeleteVpcPeeringConnectionResult{Return: &yes}, err
}

// DescribeVpcPeeringConnections lists peering connections, ended ones for an hour too.
func (s *Service) DescribeVpcPeeringConnections(ctx context.Context, in *ec2api.DescribeVpcPeeringConnectionsRequest) (*ec2api.DescribeVpcPeeringConnectionsResult, error) {
	var out ec2api.DescribeVpcPeeringConnectionsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		all := q.peerings()
		if len(in.VpcPeeringConnectionIds) > 0 {
			all = nil
			for _, id := range slices.Compact(slices.Sorted(slices.Values(in.VpcPeeringConnectionIds))) {
				p, err := q.peering(id)
				if err != nil {
					return err
				}
				all = append(all, p)
			}
		}
		found, next, err := page(q, slices.Values(all), peeringResource, query{in.VpcPeeringConnectionIds, "vpcPeeringConnectionIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.VpcPeeringConnections = each(found, func(p *peering) ec2api.VpcPeeringConnection { return *q.peeringOut(p) })
		return err
	})
	return &out, err
}

func (q *scope) peeringOut(p *peering) *ec2api.VpcPeeringConnection {
	out := &ec2api.VpcPeeringConnection{
		VpcPeeringConnectionId: p.ID, RequesterVpcInfo: q.sideOut(p.Requester), AccepterVpcInfo: q.sideOut(p.Accepter), Tags: apiTags(p.tags),
		Status: &ec2api.VpcPeeringConnectionStateReason{Code: ec2api.VpcPeeringConnectionStateReasonCode(q.peeringState(p.VpcPeeringConnection)), Message: p.Message},
	}
	if p.State == "pending-acceptance" {
		out.ExpirationTime = p.ExpiresAt
		if q.here(p.Requester) && !q.here(p.Accepter) { // not told before they accept
			out.AccepterVpcInfo = &ec2api.VpcPeeringConnectionVpcInfo{OwnerId: p.Accepter.Account, VpcId: p.Accepter.VpcID, Region: p.Accepter.Region}
		}
	}
	return out
}

func (q *scope) sideOut(s state.PeeringSide) *ec2api.VpcPeeringConnectionVpcInfo {
	no, dns := false, s.AllowDNS
	out := &ec2api.VpcPeeringConnectionVpcInfo{OwnerId: s.Account, Region: s.Region, VpcId: s.VpcID, PeeringOptions: &ec2api.VpcPeeringConnectionOptionsDescription{
		AllowDnsResolutionFromRemoteVpc: &dns, AllowEgressFromLocalClassicLinkToRemoteVpc: &no, AllowEgressFromLocalVpcToRemoteClassicLink: &no,
	}}
	for i, c := range q.cidrsOfSide(s) {
		if i == 0 {
			out.CidrBlock = c
		}
		out.CidrBlockSet = append(out.CidrBlockSet, ec2api.CidrBlock{CidrBlock: c})
	}
	if v, ok := state.Vpcs.Get(q.tx, s.Key()); ok {
		out.Ipv6CidrBlockSet = each(vpcCIDRs6(v), func(p netip.Prefix) ec2api.Ipv6CidrBlock { return ec2api.Ipv6CidrBlock{Ipv6CidrBlock: p.String()} })
	}
	return out
}

// endPeerings ends the connections of a VPC that is deleted.
func (q *scope) endPeerings(vpc *state.Vpc) {
	for p := range state.VpcPeeringConnections.By(q.tx, "vpc", vpc.Key()) {
		if p.EndedAt.IsZero() {
			q.setPeering(&peering{VpcPeeringConnection: p}, "deleted", "Deleted by "+q.account)
		}
	}
}
