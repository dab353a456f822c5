package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The ids under which AWS's services own the interfaces that they make.
const (
	requesterEndpoints = "727180483921"
	requesterNAT       = "541764021473"
)

// InterfaceSpec asks for the interface of a task, or of a node of a load balancer.
type InterfaceSpec struct {
	Account, Region string
	// Name is the same for the same interface, also after a crash: the id of the
	// attachment, for example.
	Name string
	// Owner is the task's id, or the path of the load balancer; Description and
	// RequesterID are shown by DescribeNetworkInterfaces. AttachedTo is the owner of the
	// attachment: "" for a task, state.OwnerELB for a load balancer.
	Owner, Description, RequesterID, AttachedTo string

	SubnetID         string
	SecurityGroupIDs []string // none: the VPC's default group
	AssignPublicIP   bool
	// NetworkBalancer is for a node of a network load balancer: without groups it has
	// none. It may be given an elastic address (AllocationID) and a private one.
	NetworkBalancer                bool
	AllocationID, PrivateIPAddress string
	// AssignIPv6 asks for an IPv6 address, where the subnet has an IPv6 range.
	AssignIPv6 bool
	Tags       []state.Tag
}

// Interface is an interface that carries traffic, with what a task is told of
// its network.
type Interface struct {
	state.NetworkInterface

	NetNS          string // path of its network namespace
	SubnetCIDR     netip.Prefix
	SubnetIPv6CIDR netip.Prefix // invalid without one
	VpcCIDR        netip.Prefix
	Gateway        netip.Addr   // router of the subnet
	DNSServers     []netip.Addr // of the VPC's DHCP options; not its own resolver when DNS support is off
	SearchDomain   string       // likewise
	HostName       string       // ip-10-0-1-5.ec2.internal
	PrivateDNSName string       // the same, but "" when the VPC has no host names
	PublicDNSName  string
}

// EnsureInterface makes an interface, or finds the one that was made under the
// same name, and returns when its network namespace carries traffic. Errors are
// wire.Errors of the API (InvalidSubnetID.NotFound, InsufficientFreeAddressesInSubnet ...)
// or the data plane's; it may be called again after any.
func (s *Service) EnsureInterface(ctx context.Context, spec InterfaceSpec) (Interface, error) {
	var made state.NetworkInterface
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		q := s.scopeOf(tx, spec.Account, spec.Region)
		if n, ok := first(state.NetworkInterfaces.By(tx, "name", q.key(spec.Name))); ok {
			made = *n
			return nil
		}
		subnet, err := get(q, state.Subnets, kindSubnet, spec.SubnetID)
		if err != nil {
			return err
		}
		attachment := q.attach("eni-attach", ownerAWS, 1)
		if spec.AttachedTo != "" {
			attachment = q.attach("ela-attach", spec.AttachedTo, 1)
		}
		kind := state.InterfaceTypeTask
		if spec.NetworkBalancer {
			kind = state.InterfaceTypeNLB
		}
		n, err := q.makeInterface(newInterface{
			subnet: subnet, groups: spec.SecurityGroupIDs, address: spec.PrivateIPAddress, name: spec.Name, owner: spec.Owner, description: spec.Description,
			interfaceType: kind, requester: spec.RequesterID, attachment: attachment,
			publicIP: spec.AssignPublicIP && spec.AllocationID == "", ipv6: spec.AssignIPv6 && subnet.IPv6CIDR.ID != "", status: "pending", tags: clone(spec.Tags),
		})
		if err != nil {
			return err
		}
		if spec.AllocationID != "" {
			if n, err = q.giveElastic(n, spec.AllocationID); err != nil {
				return err
			}
		}
		made = *n
		return nil
	})
	if made.ID == "" {
		return Interface{}, err
	}
	vpcKey := state.Key(made.Account, made.Region, made.VpcID)
	change := s.changed(vpcKey) // also after an error: see write
	if err != nil {
		return Interface{}, err
	}
	if err := s.settle(ctx, vpcKey, change); err != nil {
		return Interface{}, fmt.Errorf("network interface %s: %w", made.ID, err)
	}
	return s.Interface(made.Account, made.Region, made.ID)
}

// giveElastic associates an elastic address, which must be free, with a new interface.
func (q *scope) giveElastic(n *state.NetworkInterface, allocation string) (*state.NetworkInterface, error) {
	a, err := get(q, state.Addresses, kindAllocation, allocation)
	if err != nil {
		return nil, err
	}
	if a.AssociationID != "" {
		return nil, errorf("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", a.AllocationID, a.AssociationID)
	}
	q.associateAddress(a, n)
	return get(q, state.NetworkInterfaces, kindInterface, n.ID)
}

// Interface returns an interface that exists.
func (s *Service) Interface(account, region, id string) (Interface, error) {
	q := s.scopeOf(s.db.Read(), account, region)
	n, err := get(q, state.NetworkInterfaces, kindInterface, id)
	if err != nil {
		return Interface{}, err
	}
	subnet, err := get(q, state.Subnets, kindSubnet, n.SubnetID)
	if err != nil {
		return Interface{}, err
	}
	vpc, err := get(q, state.Vpcs, kindVpc, n.VpcID)
	if err != nil {
		return Interface{}, err
	}
	out := Interface{
		NetworkInterface: *n, NetNS: s.engine.NetNS(n.ID),
		SubnetCIDR: mustPrefix(subnet.CIDRBlock), SubnetIPv6CIDR: mustPrefix(subnet.IPv6CIDR.CIDRBlock), VpcCIDR: mustPrefix(vpc.CIDRBlock),
		HostName: privateName(region, n.PrivateIPAddress), PrivateDNSName: q.privateNameOf(n), PublicDNSName: q.publicNameOf(n),
	}
	out.Gateway = out.SubnetCIDR.Addr().Next()
	out.SearchDomain, out.DNSServers = q.nameServiceOf(vpc)
	return out, nil
}

// RemoveInterface takes an interface away; one that is not there is no error.
// Its address rests before it is used again.
func (s *Service) RemoveInterface(ctx context.Context, account, region, id string) error {
	var vpcKey string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		q := s.scopeOf(tx, account, region)
		if n, ok := state.NetworkInterfaces.Get(tx, q.key(id)); ok {
			vpcKey = q.key(n.VpcID)
			q.removeInterface(n)
		}
		return nil
	})
	return s.inForce(ctx, vpcKey, err)
}

// SetInterfaceGroups gives an interface that a service made other security groups,
// and returns when they are in force.
func (s *Service) SetInterfaceGroups(ctx context.Context, account, region, id string, groups []string) error {
	var vpcKey string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		q := s.scopeOf(tx, account, region)
		n, err := get(q, state.NetworkInterfaces, kindInterface, id)
		if err != nil || slices.Equal(n.SecurityGroupIDs, groups) {
			return err
		}
		vpcKey = q.key(n.VpcID)
		state.NetworkInterfaces.Update(tx, n.Key(), func(n *state.NetworkInterface) { n.SecurityGroupIDs = slices.Clone(groups) })
		q.touch(n.VpcID)
		return nil
	})
	return s.inForce(ctx, vpcKey, err)
}

// inForce returns when the data plane has what a write to a VPC said; "" for a
// write that changed nothing. err is the write's own.
func (s *Service) inForce(ctx context.Context, vpcKey string, err error) error {
	if vpcKey == "" {
		return err
	}
	change := s.changed(vpcKey) // also after an error: see write
	if err != nil {
		return err
	}
	return s.settle(ctx, vpcKey, change)
}

// scopeOf is a scope of an account and region without a caller.
func (s *Service) scopeOf(tx *store.Tx, account, region string) *scope {
	return &scope{tx: tx, account: account, region: region, now: s.now(), options: &s.options, touched: map[string]bool{}}
}
