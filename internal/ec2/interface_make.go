package ec2

import (
	"cmp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// newInterface describes an interface that is to be made.
type newInterface struct {
	subnet        *state.Subnet
	groups        []string // none: the VPC's default group
	address       string   // "" lets us choose
	name, owner   string
	description   string
	interfaceType string
	requester     string
	attachment    state.NetworkInterfaceAttachment
	publicIP      bool
	ipv6          bool
	address6      string // "" lets us choose
	status        string
	tags          []state.Tag
}

// The identities under which AWS's services own what they attach.
const (
	ownerAWS = "amazon-aws"
)

// makeInterface stores a new interface with an address of its subnet.
func (q *scope) makeInterface(want newInterface) (*state.NetworkInterface, error) {
	var groups []string
	var err error
	if len(want.groups) > 0 || want.interfaceType != state.InterfaceTypeNLB {
		if groups, err = q.interfaceGroups(want.subnet, want.groups); err != nil {
			return nil, err
		}
	}
	address, err := q.takeAddress(want.subnet, want.address)
	if err != nil {
		return nil, err
	}
	n := &state.NetworkInterface{
		Account: q.account, Region: q.region, ID: ids.New("eni"), VpcID: want.subnet.VpcID, SubnetID: want.subnet.ID,
		Name: want.name, Owner: want.owner, AvailabilityZone: want.subnet.AvailabilityZone,
		PrivateIPAddress: address, MACAddress: newMAC(), SecurityGroupIDs: groups,
		Description: want.description, InterfaceType: want.interfaceType, RequesterID: want.requester,
		Status: want.status, Attachment: want.attachment, CreatedAt: q.now, Tags: want.tags,
	}
	if want.publicIP {
		if n.PublicIPAddress, err = q.takePublicAddress(); err != nil {
			return nil, err
		}
		n.AssociationID = ids.New("eipassoc")
	}
	if want.ipv6 {
		if n.IPv6Address, err = q.takeAddress6(want.subnet, want.address6); err != nil {
			return nil, err
		}
	}
	state.NetworkInterfaces.Put(q.tx, n)
	q.touch(n.VpcID)
	return n, nil
}

// interfaceGroups checks the groups of an interface; none stands for the VPC's default one.
func (q *scope) interfaceGroups(subnet *state.Subnet, groups []string) ([]string, error) {
	if len(groups) == 0 {
		return []string{q.defaultGroupOf(subnet.VpcID).ID}, nil
	}
	for _, id := range groups {
		g, err := get(q, state.SecurityGroups, kindEndpointGroup, id)
		if err != nil {
			return nil, err
		}
		if g.VpcID != subnet.VpcID {
			return nil, errorf("InvalidParameter", "Security group %s and subnet %s belong to different networks.", id, subnet.ID)
		}
	}
	groups = unique(groups)
	return groups, quotaInterfaceGroups.allows(len(groups))
}

// attach makes the record of an attachment that is there from the beginning.
func (q *scope) attach(prefix, owner string, index int32) state.NetworkInterfaceAttachment {
	return state.NetworkInterfaceAttachment{ID: ids.New(prefix), InstanceOwnerID: owner, DeviceIndex: index, AttachedAt: q.now}
}

// removeInterface deletes an interface; an elastic address becomes free.
func (q *scope) removeInterface(n *state.NetworkInterface) {
	if n.AllocationID != "" {
		state.Addresses.Update(q.tx, q.key(n.AllocationID), func(a *state.Address) {
			a.AssociationID, a.NetworkInterfaceID, a.PrivateIPAddress = "", "", ""
		})
	}
	state.NetworkInterfaces.Delete(q.tx, n.Key())
	q.touch(n.VpcID)
}

// newMAC returns a random, locally administered hardware address.
func newMAC() string {
	hex := ids.Hex(10)
	parts := []string{"0a"}
	for i := 0; i < len(hex); i += 2 {
		parts = append(parts, hex[i:i+2])
	}
	return strings.Join(parts, ":")
}

// unique returns the values in order, each once.
func unique(in []string) []string {
	var out []string
	for _, v := range in {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// internalDomain is the domain of private host names in a region.
func internalDomain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// privateName is the private host name of an address: ip-10-0-1-5.ec2.internal.
func privateName(region, address string) string {
	return "ip-" + strings.ReplaceAll(address, ".", "-") + "." + internalDomain(region)
}

// publicName is the public host name of an address.
func publicName(region, address string) string {
	domain := cmp.Or(region, "us-east-1") + ".compute.amazonaws.com"
	if region == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(address, ".", "-") + "." + domain
}
