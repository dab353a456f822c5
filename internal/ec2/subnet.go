package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var subnetResource = resource[state.Subnet]{
	table: state.Subnets, kind: kindSubnet,
	id:   func(n *state.Subnet) string { return n.ID },
	tags: func(n *state.Subnet) []state.Tag { return n.Tags },
	fields: fields[state.Subnet]{
		"subnet-id":            func(_ *scope, n *state.Subnet) []string { return one(n.ID) },
		"vpc-id":               func(_ *scope, n *state.Subnet) []string { return one(n.VpcID) },
		"availability-zone":    func(_ *scope, n *state.Subnet) []string { return one(n.AvailabilityZone) },
		"availabilityZone":     func(_ *scope, n *state.Subnet) []string { return one(n.AvailabilityZone) },
		"availability-zone-id": func(_ *scope, n *state.Subnet) []string { return one(n.AvailabilityZoneID) },
		"availabilityZoneId":   func(_ *scope, n *state.Subnet) []string { return one(n.AvailabilityZoneID) },
		"available-ip-address-count": func(q *scope, n *state.Subnet) []string {
			return one(strconv.Itoa(q.available(n)))
		},
		"cidr":                    func(_ *scope, n *state.Subnet) []string { return one(n.CIDRBlock) },
		"cidrBlock":               func(_ *scope, n *state.Subnet) []string { return one(n.CIDRBlock) },
		"cidr-block":              func(_ *scope, n *state.Subnet) []string { return one(n.CIDRBlock) },
		"default-for-az":          func(_ *scope, n *state.Subnet) []string { return yes(n.DefaultForAZ) },
		"defaultForAz":            func(_ *scope, n *state.Subnet) []string { return yes(n.DefaultForAZ) },
		"map-public-ip-on-launch": func(_ *scope, n *state.Subnet) []string { return yes(n.MapPublicIPOnLaunch) },
		"owner-id":                func(_ *scope, n *state.Subnet) []string { return one(n.Account) },
		"state":                   func(*scope, *state.Subnet) []string { return one("available") },
		"subnet-arn":              func(_ *scope, n *state.Subnet) []string { return one(resourceARN(n.Account, n.Region, "subnet", n.ID)) },
		"ipv6-native":             func(*scope, *state.Subnet) []string { return yes(false) },
		"enable-dns64":            func(*scope, *state.Subnet) []string { return yes(false) },
		"outpost-arn":             func(*scope, *state.Subnet) []string { return nil },
		"ipv6-cidr-block-association.ipv6-cidr-block": func(_ *scope, n *state.Subnet) []string { return one(n.IPv6CIDR.CIDRBlock) },
		"ipv6-cidr-block-association.association-id":  func(_ *scope, n *state.Subnet) []string { return one(n.IPv6CIDR.ID) },
		"ipv6-cidr-block-association.state": func(_ *scope, n *state.Subnet) []string {
			if n.IPv6CIDR.ID == "" {
				return nil
			}
			return one("associated")
		},
	},
}

// CreateSubnet makes a subnet. Without a zone it comes into the one that has
// the fewest subnets of the VPC.
func (s *Service) CreateSubnet(ctx context.Context, in *ec2api.CreateSubnetRequest) (*ec2api.CreateSubnetResult, error) {
	if err := unsupported(in, "VpcId", "CidrBlock", "Ipv6CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "TagSpecifications"); err != nil {
		return nil, err
	}
	if in.CidrBlock == "" {
		return nil, errorf("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
	}
	cidr, err := parseSize(in.CidrBlock, "cidrBlock", "InvalidSubnet.Range")
	if err != nil {
		return nil, err
	}
	var cidr6 netip.Prefix
	if in.Ipv6CidrBlock != "" {
		if cidr6, err = parseSubnetCIDR6(in.Ipv6CidrBlock); err != nil {
			return nil, err
		}
	}
	var out ec2api.CreateSubnetResult
	err = s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		if err := q.roomForSubnet(vpc, cidr, in.CidrBlock); err != nil {
			return err
		}
		if cidr6.IsValid() {
			if err := q.roomForSubnet6(vpc, cidr6); err != nil {
				return err
			}
		}
		zone, err := q.subnetZone(vpc, in.AvailabilityZone, in.AvailabilityZoneId)
		if err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "subnet")
		if err != nil {
			return err
		}
		subnet := q.makeSubnet(vpc, cidr, zone)
		if subnet.Tags = tags; cidr6.IsValid() {
			subnet.IPv6CIDR = newSubnetCIDR6(cidr6)
		}
		state.Subnets.Put(q.tx, subnet)
		q.touch(vpc.ID)
		out.Subnet = q.subnetOut(subnet)
		return nil
	})
	return &out, err
}

// roomForSubnet checks a new subnet's range against the VPC and its subnets.
func (q *scope) roomForSubnet(vpc *state.Vpc, cidr netip.Prefix, asGiven string) error {
	if !slices.ContainsFunc(vpcCIDRs(vpc), func(p netip.Prefix) bool { return contains(p, cidr) }) {
		return errorf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", asGiven)
	}
	n := 0
	for other := range state.Subnets.By(q.tx, "vpc", vpc.Key()) {
		if mustPrefix(other.CIDRBlock).Overlaps(cidr) {
			return errorf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", asGiven)
		}
		n++
	}
	return quotaSubnets.allows(n + 1)
}

// subnetZone finds the zone that a request names, or chooses one.
func (q *scope) subnetZone(vpc *state.Vpc, name, id string) (zone, error) {
	parameter, value := "availabilityZone", name
	switch {
	case name != "" && id != "":
		return zone{}, errorf("InvalidParameterCombination", "Only one of AvailabilityZone and AvailabilityZoneId may be specified.")
	case id != "":
		parameter, value = "availabilityZoneId", id
	case name == "":
		return q.emptiestZone(vpc), nil
	}
	for _, z := range zones(q.region) {
		if name != "" && z.Name == name || id != "" && z.ID == id {
			return z, nil
		}
	}
	return zone{}, errParameter(value, parameter, "Subnets can currently only be created in the following availability zones: "+zoneNames(q.region)+".")
}

func (q *scope) emptiestZone(vpc *state.Vpc) zone {
	used := map[string]int{}
	for n := range state.Subnets.By(q.tx, "vpc", vpc.Key()) {
		used[n.AvailabilityZone]++
	}
	all := zones(q.region)
	best := all[0]
	for _, z := range all {
		if used[z.Name] < used[best.Name] {
			best = z
		}
	}
	return best
}

// makeSubnet builds a subnet's record, guarded by the VPC's default network ACL.
func (q *scope) makeSubnet(vpc *state.Vpc, cidr netip.Prefix, z zone) *state.Subnet {
	return &state.Subnet{
		Account: q.account, Region: q.region, ID: ids.New("subnet"), VpcID: vpc.ID, Tool: q.tool(),
		CIDRBlock: cidr.String(), AvailabilityZone: z.Name, AvailabilityZoneID: z.ID,
		NetworkACLID: q.defaultACL(vpc.Key()).ID, NetworkACLAssociationID: ids.New("aclassoc"),
	}
}

func (q *scope) subnetOut(n *state.Subnet) *ec2api.Subnet {
	no := false
	available := int32(q.available(n))
	return &ec2api.Subnet{
		SubnetId: n.ID, VpcId: n.VpcID, OwnerId: n.Account, State: ec2api.SubnetStateAvailable,
		SubnetArn: resourceARN(n.Account, n.Region, "subnet", n.ID),
		CidrBlock: n.CIDRBlock, AvailableIpAddressCount: &available,
		AvailabilityZone: n.AvailabilityZone, AvailabilityZoneId: n.AvailabilityZoneID,
		DefaultForAz: &n.DefaultForAZ, MapPublicIpOnLaunch: &n.MapPublicIPOnLaunch,
		MapCustomerOwnedIpOnLaunch: &no, AssignIpv6AddressOnCreation: &n.AssignIPv6OnCreation, EnableDns64: &no, Ipv6Native: &no,
		Ipv6CidrBlockAssociationSet: subnetCIDRs6Out(n),
		PrivateDnsNameOptionsOnLaunch: &ec2api.PrivateDnsNameOptionsOnLaunch{
			HostnameType: "ip-name", EnableResourceNameDnsARecord: &no, EnableResourceNameDnsAAAARecord: &no,
		},
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: "off"},
		Tags:                    apiTags(n.Tags),
	}
}

// DescribeSubnets lists subnets.
func (s *Service) DescribeSubnets(ctx context.Context, in *ec2api.DescribeSubnetsRequest) (*ec2api.DescribeSubnetsResult, error) {
	var out ec2api.DescribeSubnetsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, subnetResource, query{in.SubnetIds, "subnetIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.Subnets = each(found, func(n *state.Subnet) ec2api.Subnet { return *q.subnetOut(n) })
		return err
	})
	return &out, err
}

// ModifySubnetAttribute sets MapPublicIpOnLaunch and AssignIpv6AddressOnCreation; turning off what is always
// off is accepted too.
func (s *Service) ModifySubnetAttribute(ctx context.Context, in *ec2api.ModifySubnetAttributeRequest) error {
	for name, value := range map[string]*ec2api.AttributeBooleanValue{
		"MapCustomerOwnedIpOnLaunch":              in.MapCustomerOwnedIpOnLaunch,
		"EnableDns64":                             in.EnableDns64,
		"EnableResourceNameDnsARecordOnLaunch":    in.EnableResourceNameDnsARecordOnLaunch,
		"EnableResourceNameDnsAAAARecordOnLaunch": in.EnableResourceNameDnsAAAARecordOnLaunch,
	} {
		if value != nil && wire.Or(value.Value, false) {
			return errUnsupported("The parameter " + name)
		}
	}
	if in.PrivateDnsHostnameTypeOnLaunch != "" && in.PrivateDnsHostnameTypeOnLaunch != "ip-name" {
		return errUnsupported("The host name type " + string(in.PrivateDnsHostnameTypeOnLaunch))
	}
	if err := unsupported(in, "SubnetId", "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "MapCustomerOwnedIpOnLaunch", "EnableDns64",
		"EnableResourceNameDnsARecordOnLaunch", "EnableResourceNameDnsAAAARecordOnLaunch", "PrivateDnsHostnameTypeOnLaunch"); err != nil {
		return err
	}
	return s.write(ctx, nil, func(q *scope) error {
		subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
		if err != nil {
			return err
		}
		six := in.AssignIpv6AddressOnCreation
		if six != nil && wire.Or(six.Value, false) && subnet.IPv6CIDR.ID == "" {
			return errorf("InvalidParameterValue", "Invalid value 'true' for assign-ipv6-address-on-creation. Cannot set assign-ipv6-address-on-creation to true unless the subnet (%s) has an IPv6 CIDR block associated with it.", subnet.ID)
		}
		state.Subnets.Update(q.tx, subnet.Key(), func(n *state.Subnet) {
			if in.MapPublicIpOnLaunch != nil {
				n.MapPublicIPOnLaunch = wire.Or(in.MapPublicIpOnLaunch.Value, false)
			}
			if six != nil {
				n.AssignIPv6OnCreation = wire.Or(six.Value, false)
			}
		})
		return nil
	})
}

// DeleteSubnet deletes a subnet in which no interface is left; its association
// with a route table goes with it.
func (s *Service) DeleteSubnet(ctx context.Context, in *ec2api.DeleteSubnetRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
		if err != nil {
			return err
		}
		if exists(state.NetworkInterfaces.By(q.tx, "subnet", subnet.Key())) {
			return errDependency("subnet", subnet.ID)
		}
		if table, ok := first(state.RouteTables.By(q.tx, "subnet", subnet.Key())); ok {
			q.dissociate(table, func(a state.RouteTableAssociation) bool { return a.SubnetID == subnet.ID })
		}
		state.Subnets.Delete(q.tx, subnet.Key())
		q.touch(subnet.VpcID)
		return nil
	})
}
