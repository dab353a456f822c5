package ec2

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// reservedPerSubnet is how many addresses of each subnet AWS keeps: network,
// router, resolver, one for later, and broadcast.
const reservedPerSubnet = 5

// capacity is how many interfaces a subnet has room for.
func capacity(subnet netip.Prefix) int { return 1<<(32-subnet.Bits()) - reservedPerSubnet }

// nextAddress chooses an address of a subnet for a new interface: the first free
// one behind last, going round at the end, so that an address rests as long as
// possible before it is used again. It reports false when none is free.
func nextAddress(subnet netip.Prefix, last netip.Addr, used func(netip.Addr) bool) (netip.Addr, bool) {
	base := number(subnet.Masked().Addr())
	lowest, size := uint32(4), uint32(capacity(subnet))
	start := lowest
	if last.Is4() && subnet.Contains(last) {
		start = number(last) - base + 1
	}
	for i := range size {
		host := lowest + (start-lowest+i)%size
		if a := address(base + host); !used(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// usable reports whether an interface may have the address.
func usable(subnet netip.Prefix, a netip.Addr) bool {
	if !a.Is4() || !subnet.Contains(a) {
		return false
	}
	host := number(a) - number(subnet.Masked().Addr())
	return host >= 4 && host < uint32(1)<<(32-subnet.Bits())-1
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func address(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

// available is how many more interfaces a subnet has room for.
func (q *scope) available(n *state.Subnet) int {
	return capacity(mustPrefix(n.CIDRBlock)) - count(state.NetworkInterfaces.By(q.tx, "subnet", n.Key()))
}

// takeAddress chooses an address for a new interface, the wanted one if any, and
// notes it on the subnet.
func (q *scope) takeAddress(subnet *state.Subnet, wanted string) (string, error) {
	used := func(a netip.Addr) bool {
		return exists(state.NetworkInterfaces.By(q.tx, "address", subnet.Key()+"/"+a.String()))
	}
	cidr := mustPrefix(subnet.CIDRBlock)
	if wanted != "" {
		a := mustAddr(wanted)
		switch {
		case !usable(cidr, a):
			return "", errParameter(wanted, "privateIpAddress", "Address does not fall within the subnet's address range")
		case used(a):
			return "", errorf("InvalidIPAddress.InUse", "The specified address is already in use.")
		}
		return wanted, nil
	}
	// The subnet may have moved on within this transaction.
	now, _ := state.Subnets.Get(q.tx, subnet.Key())
	a, ok := nextAddress(cidr, mustAddr(now.LastAddress), used)
	if !ok {
		return "", errorf("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
	}
	state.Subnets.Update(q.tx, subnet.Key(), func(n *state.Subnet) { n.LastAddress = a.String() })
	return a.String(), nil
}

// takePublicAddress chooses a public address that nothing has.
func (q *scope) takePublicAddress() (string, error) {
	pool := q.options.Addresses
	if !pool.IsValid() || pool.Bits() > 30 {
		return "", errorf("InsufficientAddressCapacity", "Not enough available addresses to satisfy the requested number of addresses.")
	}
	size := uint32(1) << (32 - pool.Bits())
	base, start := number(pool.Masked().Addr()), rand.Uint32N(size)
	for i := range size {
		host := (start + i) % size
		if host == 0 || host == size-1 {
			continue
		}
		a := address(base + host).String()
		if !exists(state.Addresses.By(q.tx, "public", a)) && !exists(state.NetworkInterfaces.By(q.tx, "public", a)) {
			return a, nil
		}
	}
	return "", errorf("InsufficientAddressCapacity", "Not enough available addresses to satisfy the requested number of addresses.")
}
