package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

var interfaceResource = resource[state.NetworkInterface]{
	table: state.NetworkInterfaces, kind: kindInterface,
	id:   func(n *state.NetworkInterface) string { return n.ID },
	tags: func(n *state.NetworkInterface) []state.Tag { return n.Tags },
	fields: fields[state.NetworkInterface]{
		"network-interface-id":             func(_ *scope, n *state.NetworkInterface) []string { return one(n.ID) },
		"vpc-id":                           func(_ *scope, n *state.NetworkInterface) []string { return one(n.VpcID) },
		"subnet-id":                        func(_ *scope, n *state.NetworkInterface) []string { return one(n.SubnetID) },
		"availability-zone":                func(_ *scope, n *state.NetworkInterface) []string { return one(n.AvailabilityZone) },
		"description":                      func(_ *scope, n *state.NetworkInterface) []string { return one(n.Description) },
		"group-id":                         func(_ *scope, n *state.NetworkInterface) []string { return n.SecurityGroupIDs },
		"group-name":                       func(q *scope, n *state.NetworkInterface) []string { return q.groupNames(n.SecurityGroupIDs) },
		"interface-type":                   func(_ *scope, n *state.NetworkInterface) []string { return one(n.InterfaceType) },
		"mac-address":                      func(_ *scope, n *state.NetworkInterface) []string { return one(n.MACAddress) },
		"owner-id":                         func(_ *scope, n *state.NetworkInterface) []string { return one(n.Account) },
		"private-ip-address":               func(_ *scope, n *state.NetworkInterface) []string { return one(n.PrivateIPAddress) },
		"addresses.private-ip-address":     func(_ *scope, n *state.NetworkInterface) []string { return one(n.PrivateIPAddress) },
		"addresses.primary":                func(*scope, *state.NetworkInterface) []string { return yes(true) },
		"addresses.association.public-ip":  func(_ *scope, n *state.NetworkInterface) []string { return one(n.PublicIPAddress) },
		"association.public-ip":            func(_ *scope, n *state.NetworkInterface) []string { return one(n.PublicIPAddress) },
		"association.allocation-id":        func(_ *scope, n *state.NetworkInterface) []string { return one(n.AllocationID) },
		"association.association-id":       func(_ *scope, n *state.NetworkInterface) []string { return one(n.AssociationID) },
		"association.ip-owner-id":          func(_ *scope, n *state.NetworkInterface) []string { return one(ipOwner(n)) },
		"private-dns-name":                 func(q *scope, n *state.NetworkInterface) []string { return one(q.privateNameOf(n)) },
		"requester-id":                     func(_ *scope, n *state.NetworkInterface) []string { return one(n.RequesterID) },
		"requester-managed":                func(_ *scope, n *state.NetworkInterface) []string { return yes(managed(n)) },
		"source-dest-check":                func(_ *scope, n *state.NetworkInterface) []string { return yes(sourceDestCheck(n)) },
		"status":                           func(_ *scope, n *state.NetworkInterface) []string { return one(n.Status) },
		"attachment.attachment-id":         func(_ *scope, n *state.NetworkInterface) []string { return one(n.Attachment.ID) },
		"attachment.instance-owner-id":     func(_ *scope, n *state.NetworkInterface) []string { return one(n.Attachment.InstanceOwnerID) },
		"attachment.instance-id":           func(*scope, *state.NetworkInterface) []string { return nil },
		"attachment.status":                func(_ *scope, n *state.NetworkInterface) []string { return attachmentStatus(n) },
		"attachment.delete-on-termination": func(_ *scope, n *state.NetworkInterface) []string { return yes(false) },
		"ipv6-addresses.ipv6-address":      func(_ *scope, n *state.NetworkInterface) []string { return one(n.IPv6Address) },
	},
}

func attachmentStatus(n *state.NetworkInterface) []string {
	if n.Attachment.ID == "" {
		return nil
	}
	return one("attached")
}

// managed reports whether one of AWS's services made the interface.
func managed(n *state.NetworkInterface) bool { return n.Owner != "" }

// sourceDestCheck is off for interfaces that forward for others.
func sourceDestCheck(n *state.NetworkInterface) bool {
	return n.InterfaceType != state.InterfaceTypeNAT
}

// ipOwner is who owns the interface's public address.
func ipOwner(n *state.NetworkInterface) string {
	switch {
	case n.PublicIPAddress == "":
		return ""
	case n.AllocationID != "":
		return n.Account
	}
	return "amazon"
}

func (q *scope) groupNames(groupIDs []string) []string {
	var names []string
	for _, id := range groupIDs {
		if g, ok := state.SecurityGroups.Get(q.tx, q.key(id)); ok {
			names = append(names, g.Name)
		}
	}
	return names
}

// privateNameOf is the private host name of an interface, where the VPC has host names.
func (q *scope) privateNameOf(n *state.NetworkInterface) string {
	if vpc, ok := state.Vpcs.Get(q.tx, q.key(n.VpcID)); ok && vpc.EnableDNSHostnames {
		return privateName(n.Region, n.PrivateIPAddress)
	}
	return ""
}

// publicNameOf is its public host name, likewise.
func (q *scope) publicNameOf(n *state.NetworkInterface) string {
	if n.PublicIPAddress == "" || q.privateNameOf(n) == "" {
		return ""
	}
	return publicName(n.Region, n.PublicIPAddress)
}

// DescribeNetworkInterfaces lists network interfaces.
func (s *Service) DescribeNetworkInterfaces(ctx context.Context, in *ec2api.DescribeNetworkInterfacesRequest) (*ec2api.DescribeNetworkInterfacesResult, error) {
	var out ec2api.DescribeNetworkInterfacesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, interfaceResource, query{in.NetworkInterfaceIds, "networkInterfaceIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.NetworkInterfaces = each(found, func(n *state.NetworkInterface) ec2api.NetworkInterface { return *q.interfaceOut(n) })
		return err
	})
	return &out, err
}

func (q *scope) interfaceOut(n *state.NetworkInterface) *ec2api.NetworkInterface {
	yes, byService, check := true, managed(n), sourceDestCheck(n)
	subnet, _ := state.Subnets.Get(q.tx, q.key(n.SubnetID))
	out := &ec2api.NetworkInterface{
		NetworkInterfaceId: n.ID, VpcId: n.VpcID, SubnetId: n.SubnetID, OwnerId: n.Account,
		AvailabilityZone: n.AvailabilityZone, Description: n.Description, Groups: q.groupsOut(n.SecurityGroupIDs),
		InterfaceType: ec2api.NetworkInterfaceType(n.InterfaceType), MacAddress: n.MACAddress,
		PrivateDnsName: q.privateNameOf(n), PrivateIpAddress: n.PrivateIPAddress,
		Ipv6Addresses: addresses6Out(n),
		RequesterId:   n.RequesterID, RequesterManaged: &byService, SourceDestCheck: &check,
		Status: ec2api.NetworkInterfaceStatus(n.Status), TagSet: apiTags(n.Tags),
		Association: q.associationOut(n), Attachment: attachmentOut(n),
		PrivateIpAddresses: []ec2api.NetworkInterfacePrivateIpAddress{{
			Primary: &yes, PrivateDnsName: q.privateNameOf(n), PrivateIpAddress: n.PrivateIPAddress, Association: q.associationOut(n),
		}},
	}
	if subnet != nil {
		out.AvailabilityZoneId = subnet.AvailabilityZoneID
	}
	return out
}

func (q *scope) associationOut(n *state.NetworkInterface) *ec2api.NetworkInterfaceAssociation {
	if n.PublicIPAddress == "" {
		return nil
	}
	return &ec2api.NetworkInterfaceAssociation{
		PublicIp: n.PublicIPAddress, PublicDnsName: q.publicNameOf(n), IpOwnerId: ipOwner(n),
		AllocationId: n.AllocationID, AssociationId: n.AssociationID,
	}
}

func attachmentOut(n *state.NetworkInterface) *ec2api.NetworkInterfaceAttachment {
	if n.Attachment.ID == "" {
		return nil
	}
	no, index := false, n.Attachment.DeviceIndex
	return &ec2api.NetworkInterfaceAttachment{
		AttachmentId: n.Attachment.ID, InstanceOwnerId: n.Attachment.InstanceOwnerID, Status: "attached",
		DeviceIndex: &index, AttachTime: n.Attachment.AttachedAt, DeleteOnTermination: &no,
	}
}

func (q *scope) groupsOut(groupIDs []string) []ec2api.GroupIdentifier {
	return each(groupIDs, func(id string) ec2api.GroupIdentifier {
		out := ec2api.GroupIdentifier{GroupId: id}
		if g, ok := state.SecurityGroups.Get(q.tx, q.key(id)); ok {
			out.GroupName = g.Name
		}
		return out
	})
}
