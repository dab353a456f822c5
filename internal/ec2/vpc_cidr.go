package ec2

import (
	"context"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// vpcCIDRs are the IPv4 ranges of a VPC, the primary one first.
func vpcCIDRs(v *state.Vpc) []netip.Prefix {
	all := []netip.Prefix{mustPrefix(v.CIDRBlock)}
	for _, a := range v.SecondaryCIDRs {
		all = append(all, mustPrefix(a.CIDRBlock))
	}
	return all
}

// vpcAssociations are the associations of a VPC with its IPv4 ranges, in the same order.
func vpcAssociations(v *state.Vpc) []state.CIDRAssociation {
	return append([]state.CIDRAssociation{{ID: v.CIDRAssociationID, CIDRBlock: v.CIDRBlock}}, v.SecondaryCIDRs...)
}

// families are the private ranges of which a VPC may have one kind only.
var families = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.19.0.0/16"),
}

// AssociateVpcCidrBlock gives a VPC a further range.
func (s *Service) AssociateVpcCidrBlock(ctx context.Context, in *ec2api.AssociateVpcCidrBlockRequest) (*ec2api.AssociateVpcCidrBlockResult, error) {
	if err := unsupported(in, "VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock"); err != nil {
		return nil, err
	}
	six := wire.Or(in.AmazonProvidedIpv6CidrBlock, false)
	switch {
	case six && in.CidrBlock != "":
		return nil, errorf("InvalidParameterCombination", "The parameter amazonProvidedIpv6CidrBlock cannot be used with the parameter cidrBlock")
	case six:
		return s.associateCIDR6(ctx, in.VpcId)
	case in.CidrBlock == "":
		return nil, errMissing("cidrBlock")
	}
	cidr, err := s.options.parseVpcCIDR(in.CidrBlock)
	if err != nil {
		return nil, err
	}
	var out ec2api.AssociateVpcCidrBlockResult
	err = s.write(ctx, nil, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		if err := q.roomForCIDR(vpc, cidr); err != nil {
			return err
		}
		a := state.CIDRAssociation{ID: ids.New("vpc-cidr-assoc"), CIDRBlock: cidr.String()}
		state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) { v.SecondaryCIDRs = append(slices.Clone(v.SecondaryCIDRs), a) })
		q.touchWithPeers(vpc)
		association := cidrAssociationOut(a, "associating")
		out = ec2api.AssociateVpcCidrBlockResult{VpcId: vpc.ID, CidrBlockAssociation: &association}
		return nil
	})
	return &out, err
}

func (s *Service) associateCIDR6(ctx context.Context, vpcID string) (*ec2api.AssociateVpcCidrBlockResult, error) {
	var out ec2api.AssociateVpcCidrBlockResult
	err := s.write(ctx, nil, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, vpcID)
		if err != nil {
			return err
		}
		out.VpcId = vpc.ID
		out.Ipv6CidrBlockAssociation, err = q.addCIDR6(vpc)
		return err
	})
	return &out, err
}

// roomForCIDR checks a further range against those of the VPC and its peers.
func (q *scope) roomForCIDR(vpc *state.Vpc, cidr netip.Prefix) error {
	if slices.ContainsFunc(vpcCIDRs(vpc), cidr.Overlaps) {
		return errorf("InvalidVpc.Range", "The CIDR '%s' conflicts with another CIDR of the VPC %s", cidr, vpc.ID)
	}
	if restricted(mustPrefix(vpc.CIDRBlock), cidr) {
		return errorf("InvalidVpc.Range", "The CIDR '%s' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable CIDR. For additional restrictions, see https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Subnets.html#vpc-resize", cidr)
	}
	for p := range state.VpcPeeringConnections.By(q.tx, "vpc", vpc.Key()) {
		other, ok := state.Vpcs.Get(q.tx, p.Other(vpc.Key()).Key())
		if ok && p.State == "active" && slices.ContainsFunc(vpcCIDRs(other), cidr.Overlaps) {
			return errorf("InvalidVpc.Range", "The CIDR '%s' conflicts with a CIDR of the peered VPC %s", cidr, other.ID)
		}
	}
	return quotaCIDRs.allows(len(vpcCIDRs(vpc)) + 1)
}

// restricted reports whether a range is of another private family than the VPC's first.
func restricted(primary, cidr netip.Prefix) bool {
	for _, f := range families {
		if f.Overlaps(cidr) && !f.Overlaps(primary) && slices.ContainsFunc(families, primary.Overlaps) {
			return true
		}
	}
	return false
}

// touchWithPeers lets the VPC and those that it is connected with follow.
func (q *scope) touchWithPeers(vpc *state.Vpc) {
	q.touch(vpc.ID)
	for p := range state.VpcPeeringConnections.By(q.tx, "vpc", vpc.Key()) {
		q.touched[p.Other(vpc.Key()).Key()] = true
	}
}

// DisassociateVpcCidrBlock takes a range off a VPC in which there is no subnet.
func (s *Service) DisassociateVpcCidrBlock(ctx context.Context, in *ec2api.DisassociateVpcCidrBlockRequest) (*ec2api.DisassociateVpcCidrBlockResult, error) {
	var out ec2api.DisassociateVpcCidrBlockResult
	err := s.write(ctx, nil, func(q *scope) error {
		if vpc, a, ok := q.vpcAssociation6(in.AssociationId); ok {
			association, err := q.removeCIDR6(vpc, a)
			out = ec2api.DisassociateVpcCidrBlockResult{VpcId: vpc.ID, Ipv6CidrBlockAssociation: association}
			return err
		}
		vpc, a, ok := q.vpcAssociation(in.AssociationId)
		switch {
		case !ok:
			return kindCIDRAssociation.notFound(in.AssociationId)
		case a.ID == vpc.CIDRAssociationID:
			return errorf("OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", a.ID)
		}
		for n := range state.Subnets.By(q.tx, "vpc", vpc.Key()) {
			if mustPrefix(a.CIDRBlock).Overlaps(mustPrefix(n.CIDRBlock)) {
				return errorf("InvalidCidrBlock.InUse", "The vpc %s currently has a subnet within CIDR block %s", vpc.ID, a.CIDRBlock)
			}
		}
		state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) {
			v.SecondaryCIDRs = slices.DeleteFunc(slices.Clone(v.SecondaryCIDRs), func(o state.CIDRAssociation) bool { return o.ID == a.ID })
		})
		q.touchWithPeers(vpc)
		association := cidrAssociationOut(a, "disassociating")
		out = ec2api.DisassociateVpcCidrBlockResult{VpcId: vpc.ID, CidrBlockAssociation: &association}
		return nil
	})
	return &out, err
}

func (q *scope) vpcAssociation(id string) (*state.Vpc, state.CIDRAssociation, bool) {
	for v := range state.Vpcs.All(q.tx, q.prefix()) {
		for _, a := range vpcAssociations(v) {
			if a.ID == id {
				return v, a, true
			}
		}
	}
	return nil, state.CIDRAssociation{}, false
}

func cidrAssociationOut(a state.CIDRAssociation, code ec2api.VpcCidrBlockStateCode) ec2api.VpcCidrBlockAssociation {
	return ec2api.VpcCidrBlockAssociation{AssociationId: a.ID, CidrBlock: a.CIDRBlock, CidrBlockState: &ec2api.VpcCidrBlockState{State: code}}
}
