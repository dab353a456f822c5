package ec2

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// An interface has one IPv6 address here, or none. What AWS allows for more
// depends on the type of an instance, and tasks have one there, too.

// takeAddress6 chooses an IPv6 address of a subnet, the wanted one if any. AWS
// keeps the first four of a range and the last.
func (q *scope) takeAddress6(subnet *state.Subnet, wanted string) (string, error) {
	cidr := mustPrefix(subnet.IPv6CIDR.CIDRBlock)
	if !cidr.IsValid() {
		return "", errorf("InvalidParameterValue", "The subnet %s does not have an IPv6 CIDR block associated with it.", subnet.ID)
	}
	used := func(a netip.Addr) bool {
		return exists(state.NetworkInterfaces.By(q.tx, "address", subnet.Key()+"/"+a.String()))
	}
	if wanted != "" {
		a := mustAddr(wanted)
		switch {
		case !usable6(cidr, a):
			return "", errParameter(wanted, "ipv6Addresses", "Address does not fall within the subnet's address range")
		case used(a):
			return "", errorf("InvalidIPAddress.InUse", "The specified address is already in use.")
		}
		return a.String(), nil
	}
	for {
		b := cidr.Addr().As16()
		binary.BigEndian.PutUint64(b[8:], rand.Uint64())
		if a := netip.AddrFrom16(b); usable6(cidr, a) && !used(a) {
			return a.String(), nil
		}
	}
}

// usable6 reports whether an interface may have the address.
func usable6(subnet netip.Prefix, a netip.Addr) bool {
	if !a.Is6() || !subnet.Contains(a) {
		return false
	}
	b := a.As16()
	host := binary.BigEndian.Uint64(b[8:])
	return host >= 4 && host != 1<<64-1
}

// asked6 is how many IPv6 addresses a request asks for, and which one.
func asked6(count *int32, addresses []string) (n int, wanted string, err error) {
	n = int(wire.Or(count, 0))
	switch {
	case n < 0:
		return 0, "", errParameter(n, "ipv6AddressCount", "Must not be negative.")
	case n > 0 && len(addresses) > 0:
		return 0, "", errorf("InvalidParameterCombination", "The parameter ipv6Addresses cannot be used with the parameter ipv6AddressCount")
	case len(addresses) > 0:
		n, wanted = len(addresses), addresses[0]
	}
	if n > 1 {
		return 0, "", errUnsupported("More than one IPv6 address of an interface")
	}
	return n, wanted, nil
}

// AssignIpv6Addresses gives an interface its IPv6 address.
func (s *Service) AssignIpv6Addresses(ctx context.Context, in *ec2api.AssignIpv6AddressesRequest) (*ec2api.AssignIpv6AddressesResult, error) {
	if err := unsupported(in, "NetworkInterfaceId", "Ipv6Addresses", "Ipv6AddressCount"); err != nil {
		return nil, err
	}
	count, wanted, err := asked6(in.Ipv6AddressCount, in.Ipv6Addresses)
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, errorf("MissingParameter", "Either 'ipv6Addresses' or 'ipv6AddressCount' should be provided.")
	}
	var out ec2api.AssignIpv6AddressesResult
	err = s.write(ctx, nil, func(q *scope) error {
		n, err := q.userInterface(in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		subnet, err := get(q, state.Subnets, kindSubnet, n.SubnetID)
		if err != nil {
			return err
		}
		if n.IPv6Address != "" {
			return errUnsupported("More than one IPv6 address of an interface")
		}
		address, err := q.takeAddress6(subnet, wanted)
		if err != nil {
			return err
		}
		q.setAddress6(n, address)
		out = ec2api.AssignIpv6AddressesResult{NetworkInterfaceId: n.ID, AssignedIpv6Addresses: one(address)}
		return nil
	})
	return &out, err
}

// UnassignIpv6Addresses takes an interface's IPv6 address away.
func (s *Service) UnassignIpv6Addresses(ctx context.Context, in *ec2api.UnassignIpv6AddressesRequest) (*ec2api.UnassignIpv6AddressesResult, error) {
	if err := unsupported(in, "NetworkInterfaceId", "Ipv6Addresses"); err != nil {
		return nil, err
	}
	if len(in.Ipv6Addresses) == 0 {
		return nil, errMissing("ipv6Addresses")
	}
	var out ec2api.UnassignIpv6AddressesResult
	err := s.write(ctx, nil, func(q *scope) error {
		n, err := q.userInterface(in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		for _, text := range in.Ipv6Addresses {
			if a := mustAddr(text); !a.IsValid() || a != mustAddr(n.IPv6Address) {
				return errorf("InvalidParameterValue", "Some of the specified addresses are not assigned to interface %s", n.ID)
			}
		}
		out = ec2api.UnassignIpv6AddressesResult{NetworkInterfaceId: n.ID, UnassignedIpv6Addresses: one(n.IPv6Address)}
		q.setAddress6(n, "")
		return nil
	})
	return &out, err
}

func (q *scope) setAddress6(n *state.NetworkInterface, address string) {
	state.NetworkInterfaces.Update(q.tx, n.Key(), func(n *state.NetworkInterface) { n.IPv6Address = address })
	q.touch(n.VpcID)
}

func addresses6Out(n *state.NetworkInterface) []ec2api.NetworkInterfaceIpv6Address {
	primary := false
	return each(one(n.IPv6Address), func(a string) ec2api.NetworkInterfaceIpv6Address {
		return ec2api.NetworkInterfaceIpv6Address{Ipv6Address: a, IsPrimaryIpv6: &primary}
	})
}
