package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// NetworkInterface is an elastic network interface: an address of a subnet with
// its security groups. A task's interface is a network namespace and a veth
// pair; those of endpoints, NAT gateways and load balancers are addresses that
// end at Neargate. Written by ec2.
type NetworkInterface struct {
	Account, Region, ID, VpcID, SubnetID string

	// Name is a stable name that its owner gives ("ecs/TASK-ID"), so that making
	// it again after a crash finds the same interface.
	Name string
	// Owner is what the interface is for: the id of a task, an endpoint or a NAT
	// gateway; "" for one that a user made.
	Owner string

	AvailabilityZone string
	PrivateIPAddress string
	IPv6Address      string // "" for none
	MACAddress       string
	SecurityGroupIDs []string

	Description   string
	InterfaceType string // one of those below
	RequesterID   string // who made it: an account or AWS's name of a service
	// Status is "pending" until the data plane holds the interface, then "in-use".
	Status     string
	Attachment NetworkInterfaceAttachment

	PublicIPAddress string // automatic or elastic; "" for none
	AllocationID    string // eipalloc-... of an elastic address
	AssociationID   string // eipassoc-... while it has a public address

	CreatedAt time.Time
	Tags      []Tag
}

// NetworkInterfaceAttachment says what an interface is attached to.
type NetworkInterfaceAttachment struct {
	ID              string // eni-attach-... or ela-attach-...
	InstanceOwnerID string // "amazon-aws", "amazon-elb" or an account
	DeviceIndex     int32
	AttachedAt      time.Time
}

// OwnerELB is the owner of the attachments of load balancers' nodes.
const OwnerELB = "amazon-elb"

// The kinds of interfaces.
const (
	InterfaceTypeTask     = "interface"
	InterfaceTypeEndpoint = "vpc_endpoint"
	InterfaceTypeNAT      = "nat_gateway"
	InterfaceTypeNLB      = "network_load_balancer"
)

// Key is the record's key.
func (n *NetworkInterface) Key() string { return Key(n.Account, n.Region, n.ID) }

// NetworkInterfaces holds the network interfaces. Index "vpc", "subnet" and
// "group" take the key of such a resource, "name" the key of a stable name,
// "bare-id" the bare id, "public" a public address, and "address" the key of a
// subnet, a slash and an address in it.
var NetworkInterfaces = store.Define("ec2.network-interface", (*NetworkInterface).Key,
	store.By("vpc", func(n *NetworkInterface) []string { return []string{Key(n.Account, n.Region, n.VpcID)} }),
	store.By("subnet", func(n *NetworkInterface) []string { return []string{Key(n.Account, n.Region, n.SubnetID)} }),
	store.By("group", func(n *NetworkInterface) []string { return keys(n.Account, n.Region, n.SecurityGroupIDs) }),
	store.By("bare-id", func(n *NetworkInterface) []string { return []string{n.ID} }),
	store.By("name", func(n *NetworkInterface) []string {
		if n.Name == "" {
			return nil
		}
		return []string{Key(n.Account, n.Region, n.Name)}
	}),
	store.By("address", func(n *NetworkInterface) []string {
		subnet := Key(n.Account, n.Region, n.SubnetID) + "/"
		if n.IPv6Address == "" {
			return []string{subnet + n.PrivateIPAddress}
		}
		return []string{subnet + n.PrivateIPAddress, subnet + n.IPv6Address}
	}),
	store.By("public", func(n *NetworkInterface) []string {
		if n.PublicIPAddress == "" {
			return nil
		}
		return []string{n.PublicIPAddress}
	}))

// keys are the keys of resources of one account and region.
func keys(account, region string, ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = Key(account, region, id)
	}
	return out
}
