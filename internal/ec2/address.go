package ec2

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var addressResource = resource[state.Address]{
	table: state.Addresses, kind: kindAllocation, least: 1,
	id:   func(a *state.Address) string { return a.AllocationID },
	tags: func(a *state.Address) []state.Tag { return a.Tags },
	fields: fields[state.Address]{
		"allocation-id":        func(_ *scope, a *state.Address) []string { return one(a.AllocationID) },
		"association-id":       func(_ *scope, a *state.Address) []string { return one(a.AssociationID) },
		"domain":               func(*scope, *state.Address) []string { return one("vpc") },
		"network-interface-id": func(_ *scope, a *state.Address) []string { return one(a.NetworkInterfaceID) },
		"private-ip-address":   func(_ *scope, a *state.Address) []string { return one(a.PrivateIPAddress) },
		"public-ip":            func(_ *scope, a *state.Address) []string { return one(a.PublicIP) },
		"network-border-group": func(q *scope, _ *state.Address) []string { return one(q.region) },
		"instance-id":          func(*scope, *state.Address) []string { return nil },
		"network-interface-owner-id": func(_ *scope, a *state.Address) []string {
			if a.NetworkInterfaceID == "" {
				return nil
			}
			return one(a.Account)
		},
	},
}

// AllocateAddress takes an elastic address.
func (s *Service) AllocateAddress(ctx context.Context, in *ec2api.AllocateAddressRequest) (*ec2api.AllocateAddressResult, error) {
	if err := unsupported(in, "Domain", "NetworkBorderGroup", "PublicIpv4Pool", "TagSpecifications"); err != nil {
		return nil, err
	}
	if in.PublicIpv4Pool != "" && in.PublicIpv4Pool != "amazon" {
		return nil, errorf("InvalidPublicIpv4PoolID.NotFound", "The pool ID '%s' does not exist", in.PublicIpv4Pool)
	}
	if in.Domain != "" && in.Domain != "vpc" {
		return nil, errUnsupported("The domain " + string(in.Domain))
	}
	var out ec2api.AllocateAddressResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		if in.NetworkBorderGroup != "" && in.NetworkBorderGroup != q.region {
			return errParameter(in.NetworkBorderGroup, "networkBorderGroup", "The network border group is not of this region.")
		}
		if err := oneMore(quotaAddresses, state.Addresses.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "elastic-ip")
		if err != nil {
			return err
		}
		ip, err := q.takePublicAddress()
		if err != nil {
			return err
		}
		a := &state.Address{Account: q.account, Region: q.region, AllocationID: ids.New("eipalloc"), PublicIP: ip, Tags: tags}
		state.Addresses.Put(q.tx, a)
		out = ec2api.AllocateAddressResult{AllocationId: a.AllocationID, PublicIp: ip, Domain: "vpc", PublicIpv4Pool: "amazon", NetworkBorderGroup: q.region}
		return nil
	})
	return &out, err
}

// DescribeAddresses lists elastic addresses.
func (s *Service) DescribeAddresses(ctx context.Context, in *ec2api.DescribeAddressesRequest) (*ec2api.DescribeAddressesResult, error) {
	var out ec2api.DescribeAddressesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		wanted := slices.Clone(in.AllocationIds)
		for _, ip := range in.PublicIps {
			a, err := q.addressByIP(ip)
			if err != nil {
				return err
			}
			wanted = append(wanted, a.AllocationID)
		}
		found, _, err := list(q, addressResource, query{ids: wanted, filters: in.Filters})
		out.Addresses = each(found, q.addressOut)
		return err
	})
	return &out, err
}

func (q *scope) addressByIP(ip string) (*state.Address, error) {
	a, ok := first(state.Addresses.By(q.tx, "public", ip))
	if !ok || a.Account != q.account || a.Region != q.region {
		return nil, kindAddress.notFound(ip)
	}
	return a, nil
}

func (q *scope) addressOut(a *state.Address) ec2api.Address {
	out := ec2api.Address{
		AllocationId: a.AllocationID, PublicIp: a.PublicIP, Domain: "vpc", PublicIpv4Pool: "amazon", NetworkBorderGroup: q.region,
		AssociationId: a.AssociationID, NetworkInterfaceId: a.NetworkInterfaceID, PrivateIpAddress: a.PrivateIPAddress, Tags: apiTags(a.Tags),
	}
	if a.NetworkInterfaceID != "" {
		out.NetworkInterfaceOwnerId = a.Account
	}
	return out
}

// DescribeAddressesAttribute lists the reverse names of addresses, of which
// none has one.
func (s *Service) DescribeAddressesAttribute(ctx context.Context, in *ec2api.DescribeAddressesAttributeRequest) (*ec2api.DescribeAddressesAttributeResult, error) {
	var out ec2api.DescribeAddressesAttributeResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, addressResource, query{ids: in.AllocationIds, idsName: "allocationIds", max: in.MaxResults, token: in.NextToken})
		out.NextToken = next
		out.Addresses = each(found, func(a *state.Address) ec2api.AddressAttribute {
			return ec2api.AddressAttribute{PublicIp: a.PublicIP, AllocationId: a.AllocationID}
		})
		return err
	})
	return &out, err
}

// ReleaseAddress gives an elastic address back.
func (s *Service) ReleaseAddress(ctx context.Context, in *ec2api.ReleaseAddressRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		a, err := q.address(in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		if a.AssociationID != "" {
			return errorf("InvalidIPAddress.InUse", "Address %s is in use.", a.PublicIP)
		}
		state.Addresses.Delete(q.tx, a.Key())
		return nil
	})
}

func (q *scope) address(allocationID, ip string) (*state.Address, error) {
	switch {
	case allocationID != "":
		return get(q, state.Addresses, kindAllocation, allocationID)
	case ip != "":
		return q.addressByIP(ip)
	}
	return nil, errMissing("allocationId")
}

// AssociateAddress gives an elastic address to a network interface.
func (s *Service) AssociateAddress(ctx context.Context, in *ec2api.AssociateAddressRequest) (*ec2api.AssociateAddressResult, error) {
	if err := unsupported(in, "AllocationId", "PublicIp", "NetworkInterfaceId", "PrivateIpAddress", "AllowReassociation"); err != nil {
		return nil, err
	}
	if in.NetworkInterfaceId == "" {
		return nil, errMissing("networkInterfaceId")
	}
	var out ec2api.AssociateAddressResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		a, err := q.address(in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		n, err := q.userInterface(in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if in.PrivateIpAddress != "" && in.PrivateIpAddress != n.PrivateIPAddress {
			return errParameter(in.PrivateIpAddress, "privateIpAddress", "The address is not assigned to the network interface.")
		}
		if !exists(state.InternetGateways.By(q.tx, "vpc", q.key(n.VpcID))) {
			return errorf("Gateway.NotAttached", "Network %s is not attached to any internet gateway", n.VpcID)
		}
		if a.AssociationID != "" && a.NetworkInterfaceID != n.ID && !wire.Or(in.AllowReassociation, true) {
			return errorf("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", a.AllocationID, a.AssociationID)
		}
		out.AssociationId = q.associateAddress(a, n)
		return nil
	})
	return &out, err
}

// associateAddress moves an elastic address to an interface, which loses the
// public address that it had.
func (q *scope) associateAddress(a *state.Address, n *state.NetworkInterface) string {
	if a.NetworkInterfaceID == n.ID {
		return a.AssociationID
	}
	q.freeAddress(a)
	if n.AllocationID != "" {
		if other, ok := state.Addresses.Get(q.tx, q.key(n.AllocationID)); ok {
			q.freeAddress(other)
		}
	}
	id := ids.New("eipassoc")
	state.Addresses.Update(q.tx, a.Key(), func(a *state.Address) {
		a.AssociationID, a.NetworkInterfaceID, a.PrivateIPAddress = id, n.ID, n.PrivateIPAddress
	})
	state.NetworkInterfaces.Update(q.tx, n.Key(), func(n *state.NetworkInterface) {
		n.PublicIPAddress, n.AllocationID, n.AssociationID = a.PublicIP, a.AllocationID, id
	})
	q.touch(n.VpcID)
	return id
}

// freeAddress takes an elastic address off its interface.
func (q *scope) freeAddress(a *state.Address) {
	if a.NetworkInterfaceID == "" {
		return
	}
	state.NetworkInterfaces.Update(q.tx, q.key(a.NetworkInterfaceID), func(n *state.NetworkInterface) {
		n.PublicIPAddress, n.AllocationID, n.AssociationID = "", "", ""
		q.touch(n.VpcID)
	})
	state.Addresses.Update(q.tx, a.Key(), func(a *state.Address) {
		a.AssociationID, a.NetworkInterfaceID, a.PrivateIPAddress = "", "", ""
	})
}

// DisassociateAddress takes an elastic address off its interface.
func (s *Service) DisassociateAddress(ctx context.Context, in *ec2api.DisassociateAddressRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		a, ok := first(state.Addresses.By(q.tx, "association", q.key(in.AssociationId)))
		switch {
		case in.AssociationId != "" && !ok:
			return kindAssociation.notFound(in.AssociationId)
		case in.AssociationId == "":
			var err error
			if a, err = q.address("", in.PublicIp); err != nil {
				return err
			}
		}
		if n, ok := state.NetworkInterfaces.Get(q.tx, q.key(a.NetworkInterfaceID)); ok && managed(n) {
			return errorf("AuthFailure", "You do not have permission to access the specified resource: %s.", cmp.Or(n.Owner, n.ID))
		}
		q.freeAddress(a)
		return nil
	})
}
