package ec2

import (
	"context"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// parseSubnetCIDR6 reads an IPv6 range of a subnet.
func parseSubnetCIDR6(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4() || p.Addr().Is4In6():
		return p, errParameter(text, "ipv6CidrBlock", "This is not a valid CIDR block.")
	case p.Bits() >= 44 && p.Bits() < subnetBits6 && p.Bits()%4 == 0:
		return p, errUnsupported("An IPv6 range of a subnet that is larger than a /64")
	case p.Bits() != subnetBits6:
		return p, errorf("InvalidParameterValue", "invalid value for parameter ipv6-cidr-block: %s", text)
	}
	return p.Masked(), nil
}

// roomForSubnet6 checks a subnet's new IPv6 range against the VPC and its subnets.
func (q *scope) roomForSubnet6(vpc *state.Vpc, cidr netip.Prefix) error {
	if !slices.ContainsFunc(vpcCIDRs6(vpc), func(p netip.Prefix) bool { return contains(p, cidr) }) {
		return errorf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	}
	for other := range state.Subnets.By(q.tx, "vpc", vpc.Key()) {
		if mustPrefix(other.IPv6CIDR.CIDRBlock).Overlaps(cidr) {
			return errorf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", cidr)
		}
	}
	return nil
}

func newSubnetCIDR6(cidr netip.Prefix) state.CIDRAssociation {
	return state.CIDRAssociation{ID: ids.New("subnet-cidr-assoc"), CIDRBlock: cidr.String()}
}

func subnetCIDR6Out(a state.CIDRAssociation, code ec2api.SubnetCidrBlockStateCode) ec2api.SubnetIpv6CidrBlockAssociation {
	return ec2api.SubnetIpv6CidrBlockAssociation{
		AssociationId: a.ID, Ipv6CidrBlock: a.CIDRBlock, Ipv6CidrBlockState: &ec2api.SubnetCidrBlockState{State: code},
		Ipv6AddressAttribute: "public", IpSource: "amazon",
	}
}

// subnetCIDRs6Out lists the IPv6 ranges of a subnet: one or none.
func subnetCIDRs6Out(n *state.Subnet) []ec2api.SubnetIpv6CidrBlockAssociation {
	out := []ec2api.SubnetIpv6CidrBlockAssociation{}
	if n.IPv6CIDR.ID != "" {
		out = append(out, subnetCIDR6Out(n.IPv6CIDR, "associated"))
	}
	return out
}

// AssociateSubnetCidrBlock gives a subnet its IPv6 range.
func (s *Service) AssociateSubnetCidrBlock(ctx context.Context, in *ec2api.AssociateSubnetCidrBlockRequest) (*ec2api.AssociateSubnetCidrBlockResult, error) {
	if err := unsupported(in, "SubnetId", "Ipv6CidrBlock"); err != nil {
		return nil, err
	}
	if in.Ipv6CidrBlock == "" {
		return nil, errMissing("ipv6CidrBlock")
	}
	cidr, err := parseSubnetCIDR6(in.Ipv6CidrBlock)
	if err != nil {
		return nil, err
	}
	var out ec2api.AssociateSubnetCidrBlockResult
	err = s.write(ctx, nil, func(q *scope) error {
		subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
		if err != nil {
			return err
		}
		vpc, err := get(q, state.Vpcs, kindVpc, subnet.VpcID)
		if err != nil {
			return err
		}
		if subnet.IPv6CIDR.ID != "" {
			return errorf("SubnetCidrBlockLimitExceeded", "The maximum number of IPv6 CIDR blocks for the subnet %s has been reached.", subnet.ID)
		}
		if err := q.roomForSubnet6(vpc, cidr); err != nil {
			return err
		}
		a := newSubnetCIDR6(cidr)
		state.Subnets.Update(q.tx, subnet.Key(), func(n *state.Subnet) { n.IPv6CIDR = a })
		q.touch(vpc.ID)
		association := subnetCIDR6Out(a, "associating")
		out = ec2api.AssociateSubnetCidrBlockResult{SubnetId: subnet.ID, Ipv6CidrBlockAssociation: &association}
		return nil
	})
	return &out, err
}

// DisassociateSubnetCidrBlock takes a subnet's IPv6 range away, when no interface
// has an address of it, and none would get one.
func (s *Service) DisassociateSubnetCidrBlock(ctx context.Context, in *ec2api.DisassociateSubnetCidrBlockRequest) (*ec2api.DisassociateSubnetCidrBlockResult, error) {
	var out ec2api.DisassociateSubnetCidrBlockResult
	err := s.write(ctx, nil, func(q *scope) error {
		subnet, ok := first(state.Subnets.By(q.tx, "cidr-association", q.key(in.AssociationId)))
		if !ok {
			return kindSubnetCIDRAssociation.notFound(in.AssociationId)
		}
		const inUse = "The subnet IPv6 CIDR block with association ID %s may not be disassociated, because "
		if subnet.AssignIPv6OnCreation {
			return errorf("InvalidCidrBlock.InUse", inUse+"its subnet has assign-ipv6-address-on-creation set to true.", in.AssociationId)
		}
		for n := range state.NetworkInterfaces.By(q.tx, "subnet", subnet.Key()) {
			if n.IPv6Address != "" {
				return errorf("InvalidCidrBlock.InUse", inUse+"one or more interfaces in the subnet have an IPv6 address from it.", in.AssociationId)
			}
		}
		association := subnetCIDR6Out(subnet.IPv6CIDR, "disassociating")
		state.Subnets.Update(q.tx, subnet.Key(), func(n *state.Subnet) { n.IPv6CIDR = state.CIDRAssociation{} })
		q.touch(subnet.VpcID)
		out = ec2api.DisassociateSubnetCidrBlockResult{SubnetId: subnet.ID, Ipv6CidrBlockAssociation: &association}
		return nil
	})
	return &out, err
}
