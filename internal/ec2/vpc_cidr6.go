package ec2

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// The sizes of the ranges that AWS gives and takes.
const (
	vpcBits6    = 56
	subnetBits6 = 64
)

// vpcCIDRs6 are the IPv6 ranges of a VPC.
func vpcCIDRs6(v *state.Vpc) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range v.IPv6CIDRs {
		all = append(all, mustPrefix(a.CIDRBlock))
	}
	return all
}

// provideCIDR6 chooses an IPv6 range for a VPC, as Amazon provides them: a /56
// that no other VPC of this instance has, of whatever account and region.
func (q *scope) provideCIDR6(vpc *state.Vpc) (state.CIDRAssociation, error) {
	if err := quotaCIDRs6.allows(len(vpc.IPv6CIDRs) + 1); err != nil {
		return state.CIDRAssociation{}, err
	}
	taken := map[netip.Prefix]bool{}
	for v := range state.Vpcs.All(q.tx, "") {
		for _, p := range vpcCIDRs6(v) {
			taken[p] = true
		}
	}
	pool := q.options.Site.IPv6
	size := uint64(1) << (vpcBits6 - pool.Bits())
	start := rand.Uint64N(size)
	for i := range size {
		p := nth6(pool, vpcBits6, (start+i)%size)
		if !taken[p] {
			return state.CIDRAssociation{ID: ids.New("vpc-cidr-assoc"), CIDRBlock: p.String()}, nil
		}
	}
	return state.CIDRAssociation{}, errorf("InsufficientCidrBlocks", "Not enough available CIDR blocks to satisfy the request.")
}

// nth6 is the n-th prefix of a length, at most 64, in a larger one.
func nth6(in netip.Prefix, bits int, n uint64) netip.Prefix {
	b := in.Masked().Addr().As16()
	binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(b[:8])+n<<(64-bits))
	return netip.PrefixFrom(netip.AddrFrom16(b), bits)
}

// addCIDR6 gives a VPC a further IPv6 range.
func (q *scope) addCIDR6(vpc *state.Vpc) (*ec2api.VpcIpv6CidrBlockAssociation, error) {
	a, err := q.provideCIDR6(vpc)
	if err != nil {
		return nil, err
	}
	state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) { v.IPv6CIDRs = append(slices.Clone(v.IPv6CIDRs), a) })
	q.welcome6(vpc)
	q.touchWithPeers(vpc)
	out := q.cidr6Out(a, "associating")
	return &out, nil
}

// welcome6 gives the default network ACL and the default security group of a VPC
// their rules for IPv6, where nobody has changed what they came with.
func (q *scope) welcome6(vpc *state.Vpc) {
	acl := q.defaultACL(vpc.Key())
	if acl.Entries == nil {
		state.NetworkAcls.Update(q.tx, acl.Key(), func(a *state.NetworkAcl) { a.IPv6 = true })
	}
	g := q.defaultGroupOf(vpc.ID)
	var egress []state.SecurityGroupRule
	for _, r := range g.Rules {
		if r.Egress {
			egress = append(egress, r)
		}
	}
	if len(egress) == 1 && same(egress[0], allowAllOut()) {
		state.SecurityGroups.Update(q.tx, g.Key(), func(g *state.SecurityGroup) { g.Rules = append(slices.Clone(g.Rules), allowAllOut6()) })
	}
}

func (q *scope) cidr6Out(a state.CIDRAssociation, code ec2api.VpcCidrBlockStateCode) ec2api.VpcIpv6CidrBlockAssociation {
	return ec2api.VpcIpv6CidrBlockAssociation{
		AssociationId: a.ID, Ipv6CidrBlock: a.CIDRBlock, Ipv6CidrBlockState: &ec2api.VpcCidrBlockState{State: code},
		NetworkBorderGroup: q.region, Ipv6Pool: "Amazon", Ipv6AddressAttribute: "public", IpSource: "amazon",
	}
}

// removeCIDR6 takes an IPv6 range off a VPC in which no subnet has a part of it.
func (q *scope) removeCIDR6(vpc *state.Vpc, a state.CIDRAssociation) (*ec2api.VpcIpv6CidrBlockAssociation, error) {
	for n := range state.Subnets.By(q.tx, "vpc", vpc.Key()) {
		if n.IPv6CIDR.ID != "" && mustPrefix(a.CIDRBlock).Overlaps(mustPrefix(n.IPv6CIDR.CIDRBlock)) {
			return nil, errorf("InvalidCidrBlock.InUse", "The vpc %s currently has a subnet within CIDR block %s", vpc.ID, a.CIDRBlock)
		}
	}
	state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) {
		v.IPv6CIDRs = slices.DeleteFunc(slices.Clone(v.IPv6CIDRs), func(o state.CIDRAssociation) bool { return o.ID == a.ID })
	})
	q.touchWithPeers(vpc)
	out := q.cidr6Out(a, "disassociating")
	return &out, nil
}

// vpcAssociation6 finds a VPC by its association with an IPv6 range.
func (q *scope) vpcAssociation6(id string) (*state.Vpc, state.CIDRAssociation, bool) {
	for v := range state.Vpcs.All(q.tx, q.prefix()) {
		for _, a := range v.IPv6CIDRs {
			if a.ID == id {
				return v, a, true
			}
		}
	}
	return nil, state.CIDRAssociation{}, false
}
