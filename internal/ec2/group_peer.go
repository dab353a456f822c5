package ec2

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// referencedGroup finds the group that a rule of g names: one of the same VPC, or
// of a VPC of the same region that is peered with it. The rule that it returns has
// its peer only.
func (q *scope) referencedGroup(g *state.SecurityGroup, pair ec2api.UserIdGroupPair) (state.SecurityGroupRule, error) {
	account := cmp.Or(pair.UserId, q.account)
	for _, r := range g.Rules { // also one that is stale, so that it can be taken away
		if r.ReferencedGroupID == pair.GroupId && r.VpcPeeringConnectionID != "" && r.ReferencedAccount == account {
			return state.SecurityGroupRule{ReferencedGroupID: r.ReferencedGroupID, ReferencedAccount: r.ReferencedAccount, ReferencedVpcID: r.ReferencedVpcID, VpcPeeringConnectionID: r.VpcPeeringConnectionID}, nil
		}
	}
	other, err := q.groupOf(account, pair)
	if err != nil {
		return state.SecurityGroupRule{}, err
	}
	if other.VpcID == g.VpcID {
		return state.SecurityGroupRule{ReferencedGroupID: other.ID}, nil
	}
	for p := range state.VpcPeeringConnections.By(q.tx, "vpc", q.key(g.VpcID)) {
		side := p.Other(q.key(g.VpcID))
		if p.State != "active" || side.Key() != state.Key(other.Account, q.region, other.VpcID) || pair.VpcPeeringConnectionId != "" && pair.VpcPeeringConnectionId != p.ID {
			continue
		}
		return state.SecurityGroupRule{ReferencedGroupID: other.ID, ReferencedAccount: other.Account, ReferencedVpcID: other.VpcID, VpcPeeringConnectionID: p.ID}, nil
	}
	return state.SecurityGroupRule{}, errorf("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
}

// groupOf finds a group by the id or, in the own account, the name that a rule gives.
func (q *scope) groupOf(account string, pair ec2api.UserIdGroupPair) (*state.SecurityGroup, error) {
	if account == q.account {
		if pair.GroupId != "" {
			return q.group(pair.GroupId, "")
		}
		return q.group("", pair.GroupName)
	}
	if other, ok := state.SecurityGroups.Get(q.tx, state.Key(account, q.region, pair.GroupId)); ok {
		return other, nil
	}
	return nil, kindSecurityGroup.notFound(cmp.Or(pair.GroupId, pair.GroupName))
}

// pairOut is the group that a rule of g names.
func (q *scope) pairOut(g *state.SecurityGroup, r state.SecurityGroupRule) ec2api.UserIdGroupPair {
	pair := ec2api.UserIdGroupPair{GroupId: r.ReferencedGroupID, UserId: cmp.Or(r.ReferencedAccount, g.Account), Description: r.Description}
	if r.VpcPeeringConnectionID != "" {
		pair.VpcId, pair.VpcPeeringConnectionId, pair.PeeringStatus = r.ReferencedVpcID, r.VpcPeeringConnectionID, "deleted"
		if p, ok := state.VpcPeeringConnections.Get(q.tx, r.VpcPeeringConnectionID); ok {
			pair.PeeringStatus = q.peeringState(p)
		}
	}
	return pair
}

// namedAtHome reports whether a rule of another group of the same VPC names the
// group. Those of peered VPCs do not keep it: they are stale when it is gone.
func (q *scope) namedAtHome(g *state.SecurityGroup) bool {
	for other := range state.SecurityGroups.By(q.tx, "referenced", g.Key()) {
		if other.VpcID == g.VpcID {
			return true
		}
	}
	return false
}

// touchPeers lets the VPCs follow whose rules name groups of those that changed.
func (q *scope) touchPeers() {
	for key := range maps.Clone(q.touched) {
		_, _, vpc := state.SplitKey(key)
		for p := range state.VpcPeeringConnections.By(q.tx, "vpc", key) {
			other := p.Other(key).Key()
			if p.State != "active" || q.touched[other] {
				continue
			}
			for g := range state.SecurityGroups.By(q.tx, "vpc", other) {
				if slices.ContainsFunc(g.Rules, func(r state.SecurityGroupRule) bool { return r.ReferencedVpcID == vpc }) {
					q.touched[other] = true
				}
			}
		}
	}
}

// loadPeerGroups are the groups of peered VPCs that rules name, with their
// members. Without an active connection a rule names nobody.
func (r vpcRecords) loadPeerGroups(tx *store.Tx) []network.PeerGroup {
	groups := map[string]network.PeerGroup{}
	for _, g := range r.groups {
		for _, rule := range g.Rules {
			key := state.Key(rule.ReferencedAccount, g.Region, rule.ReferencedGroupID)
			other, ok := state.SecurityGroups.Get(tx, key)
			if !ok || !slices.ContainsFunc(r.peers, func(p peerRecord) bool { return p.id == rule.VpcPeeringConnectionID }) {
				continue
			}
			peer := network.PeerGroup{ID: other.ID}
			for n := range state.NetworkInterfaces.By(tx, "group", key) {
				peer.Members = append(peer.Members, mustAddr(n.PrivateIPAddress))
				if n.IPv6Address != "" {
					peer.IPv6Members = append(peer.IPv6Members, mustAddr(n.IPv6Address))
				}
			}
			slices.SortFunc(peer.Members, netip.Addr.Compare)
			slices.SortFunc(peer.IPv6Members, netip.Addr.Compare)
			groups[other.ID] = peer
		}
	}
	return slices.SortedFunc(maps.Values(groups), func(a, b network.PeerGroup) int { return cmp.Compare(a.ID, b.ID) })
}
