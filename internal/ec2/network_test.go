package ec2_test

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

func TestARegionStartsWithADefaultVpc(t *testing.T) {
	w := newWorld(t)
	vpcs := must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{})).Vpcs
	if len(vpcs) != 1 || !*vpcs[0].IsDefault || vpcs[0].CidrBlock != "172.31.0.0/16" {
		t.Fatalf("default VPC: %+v", vpcs)
	}
	subnets := must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{Filters: []ec2api.Filter{filter("default-for-az", "true")}})).Subnets
	var cidrs, zones []string
	for _, n := range subnets {
		cidrs, zones = append(cidrs, n.CidrBlock), append(zones, n.AvailabilityZone)
		if *n.AvailableIpAddressCount != 4091 || !*n.MapPublicIpOnLaunch {
			t.Errorf("subnet %+v", n)
		}
	}
	slices.Sort(cidrs)
	slices.Sort(zones)
	if !slices.Equal(cidrs, []string{"172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"}) || !slices.Equal(zones, []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"}) {
		t.Errorf("subnets %v in %v", cidrs, zones)
	}
	routes := w.mainTable(vpcs[0].VpcId).Routes
	if len(routes) != 2 || routes[0].GatewayId != "local" || routes[1].DestinationCidrBlock != "0.0.0.0/0" || routes[1].State != "active" {
		t.Errorf("routes %+v", routes)
	}
	again := must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{})).Vpcs
	if len(again) != 1 {
		t.Errorf("%d VPCs at the second look", len(again))
	}
}

func TestVpcsAreChecked(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ cidr, code, part string }{
		{"10.0.0.0", "InvalidParameterValue", "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"2001:db8::/32", "InvalidParameterValue", "not a valid CIDR block"},
		{"10.0.0.0/8", "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."},
		{"10.0.0.0/29", "InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid."},
		{"198.18.0.0/16", "InvalidVpc.Range", "reserved"},
		{"169.254.64.0/20", "InvalidVpc.Range", "reserved"},
		{"", "MissingParameter", "cidrBlock"},
	} {
		_, err := w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: test.cidr})
		fails(t, err, test.code, test.part)
	}
	_, err := w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: "10.0.0.0/16", Ipv6Pool: "ipv6pool-ec2-1"})
	fails(t, err, "UnsupportedOperation", "Ipv6Pool")
	_, err = w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: "10.0.0.0/16", DryRun: ptr(true)})
	fails(t, err, "DryRunOperation", "Request would have succeeded")
	if n := len(must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{})).Vpcs); n != 1 {
		t.Errorf("%d VPCs after requests that failed", n)
	}
	out := must(w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: "10.1.2.3/16"}))
	if out.Vpc.CidrBlock != "10.1.0.0/16" {
		t.Errorf("not canonical: %s", out.Vpc.CidrBlock)
	}
	_, err = w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{"vpc-1"}})
	fails(t, err, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist")
}

func TestSubnetsAreChecked(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	w.subnet(vpc, "10.0.0.0/24")
	for _, test := range []struct{ cidr, zone, code, part string }{
		{"10.0.0.128/25", "", "InvalidSubnet.Conflict", "The CIDR '10.0.0.128/25' conflicts with another subnet"},
		{"10.1.0.0/24", "", "InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."},
		{"10.0.1.0/29", "", "InvalidSubnet.Range", "The CIDR '10.0.1.0/29' is invalid."},
		{"10.0.1.0/24", "eu-west-1z", "InvalidParameterValue", "Value (eu-west-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: eu-west-1a, eu-west-1b, eu-west-1c."},
	} {
		_, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: test.cidr, AvailabilityZone: test.zone})
		fails(t, err, test.code, test.part)
	}
	_, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: "vpc-0", CidrBlock: "10.0.1.0/24"})
	fails(t, err, "InvalidVpcID.NotFound", "vpc-0")
	n := must(w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: "10.0.1.0/24", AvailabilityZoneId: "euw1-az3"})).Subnet
	if n.AvailabilityZone != "eu-west-1c" || *n.AvailableIpAddressCount != 251 {
		t.Errorf("%s with %d addresses", n.AvailabilityZone, *n.AvailableIpAddressCount)
	}
}

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	vpc, other := w.vpc("10.0.0.0/16"), w.vpc("10.1.0.0/16")
	table := w.createTable(vpc)
	gateway := must(w.service.CreateInternetGateway(w.ctx, &ec2api.CreateInternetGatewayRequest{})).InternetGateway.InternetGatewayId
	route := func(cidr, target string) error {
		_, err := w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: table, DestinationCidrBlock: cidr, GatewayId: target})
		return err
	}
	fails(t, route("0.0.0.0/0", gateway), "InvalidParameterValue", "belong to different networks")
	attach := func(vpc string) error {
		return w.service.AttachInternetGateway(w.ctx, &ec2api.AttachInternetGatewayRequest{InternetGatewayId: gateway, VpcId: vpc})
	}
	if err := attach(vpc); err != nil {
		t.Fatal(err)
	}
	fails(t, attach(other), "Resource.AlreadyAssociated", "is already attached to network "+vpc)
	if err := route("0.0.0.0/0", gateway); err != nil {
		t.Fatal(err)
	}
	second := w.attachedGateway(other)
	fails(t, route("0.0.0.0/0", second), "InvalidParameterValue", "belong to different networks")
	fails(t, route("10.0.0.0/16", gateway), "RouteAlreadyExists", "10.0.0.0/16")
	fails(t, route("9.9.9.0/24", "igw-1"), "InvalidInternetGatewayID.NotFound", "The internetGateway ID 'igw-1' does not exist")
	_, err := w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: "rtb-1", DestinationCidrBlock: "0.0.0.0/0", GatewayId: gateway})
	fails(t, err, "InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-1' does not exist")

	if err := w.service.DetachInternetGateway(w.ctx, &ec2api.DetachInternetGatewayRequest{InternetGatewayId: gateway, VpcId: vpc}); err != nil {
		t.Fatal(err)
	}
	got := must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{table}})).RouteTables[0].Routes
	if len(got) != 2 || got[1].State != "blackhole" {
		t.Errorf("a route to a detached gateway: %+v", got)
	}
	if err := w.service.DeleteRoute(w.ctx, &ec2api.DeleteRouteRequest{RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0"}); err != nil {
		t.Fatal(err)
	}
	err = w.service.DeleteRoute(w.ctx, &ec2api.DeleteRouteRequest{RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0"})
	fails(t, err, "InvalidRoute.NotFound", "no route with destination-cidr-block 0.0.0.0/0 in route table "+table)
}

func TestRouteTableAssociations(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet, one, two := w.subnet(vpc, "10.0.0.0/24"), w.createTable(vpc), w.createTable(vpc)
	associate := func(table string) (string, error) {
		out, err := w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: table, SubnetId: subnet})
		return out.AssociationId, err
	}
	first := must(associate(one))
	if again := must(associate(one)); again != first {
		t.Errorf("the same again made %s beside %s", again, first)
	}
	_, err := associate(two)
	fails(t, err, "Resource.AlreadyAssociated", "the specified association for route table "+two+" conflicts with an existing association")
	err = w.service.DeleteRouteTable(w.ctx, &ec2api.DeleteRouteTableRequest{RouteTableId: one})
	fails(t, err, "DependencyViolation", "The routeTable '"+one+"' has dependencies and cannot be deleted.")

	moved := must(w.service.ReplaceRouteTableAssociation(w.ctx, &ec2api.ReplaceRouteTableAssociationRequest{AssociationId: first, RouteTableId: two})).NewAssociationId
	err = w.service.DisassociateRouteTable(w.ctx, &ec2api.DisassociateRouteTableRequest{AssociationId: first})
	fails(t, err, "InvalidAssociationID.NotFound", "The association ID '"+first+"' does not exist")
	if err := w.service.DisassociateRouteTable(w.ctx, &ec2api.DisassociateRouteTableRequest{AssociationId: moved}); err != nil {
		t.Fatal(err)
	}
	main := w.mainTable(vpc)
	must(w.service.ReplaceRouteTableAssociation(w.ctx, &ec2api.ReplaceRouteTableAssociationRequest{
		AssociationId: main.Associations[0].RouteTableAssociationId, RouteTableId: two,
	}))
	if got := w.mainTable(vpc).RouteTableId; got != two {
		t.Errorf("main table is %s, want %s", got, two)
	}
}

func TestAVpcIsDeletedLast(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet, group, table, gateway := w.subnet(vpc, "10.0.0.0/24"), w.group(vpc, "web"), w.createTable(vpc), w.attachedGateway(vpc)
	remove := func() error { return w.service.DeleteVpc(w.ctx, &ec2api.DeleteVpcRequest{VpcId: vpc}) }
	steps := []func() error{
		func() error { return w.service.DeleteSubnet(w.ctx, &ec2api.DeleteSubnetRequest{SubnetId: subnet}) },
		func() error {
			_, err := w.service.DeleteSecurityGroup(w.ctx, &ec2api.DeleteSecurityGroupRequest{GroupId: group})
			return err
		},
		func() error {
			return w.service.DeleteRouteTable(w.ctx, &ec2api.DeleteRouteTableRequest{RouteTableId: table})
		},
		func() error {
			return w.service.DetachInternetGateway(w.ctx, &ec2api.DetachInternetGatewayRequest{VpcId: vpc, InternetGatewayId: gateway})
		},
	}
	for _, step := range steps {
		fails(t, remove(), "DependencyViolation", "The vpc '"+vpc+"' has dependencies and cannot be deleted.")
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	fails(t, remove(), "InvalidVpcID.NotFound", vpc)
	for _, list := range []int{
		len(must(w.service.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc)}})).SecurityGroups),
		len(must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc)}})).RouteTables),
		len(must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc)}})).NetworkAcls),
	} {
		if list != 0 {
			t.Errorf("%d things outlived their VPC", list)
		}
	}
}

func TestFiltersAndPages(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	for _, cidr := range []string{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24", "10.0.5.0/24", "10.0.6.0/24"} {
		id := w.subnet(vpc, cidr)
		if err := w.service.CreateTags(w.ctx, &ec2api.CreateTagsRequest{Resources: []string{id}, Tags: []ec2api.Tag{{Key: "Name", Value: "net-" + cidr}}}); err != nil {
			t.Fatal(err)
		}
	}
	find := func(filters ...ec2api.Filter) int {
		return len(must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{Filters: append(filters, filter("vpc-id", vpc))})).Subnets)
	}
	for _, test := range []struct {
		filter ec2api.Filter
		want   int
	}{
		{filter("cidr-block", "10.0.?.0/24"), 7},
		{filter("cidr-block", "10.0.1.0/24", "10.0.2.0/24"), 2},
		{filter("tag:Name", "net-10.0.[1].*"), 0},
		{filter("tag:Name", "net-*.3.0/24"), 1},
		{filter("tag-key", "Name"), 7},
		{filter("tag-key", "name"), 0},
		{filter("available-ip-address-count", "251"), 7},
	} {
		if got := find(test.filter); got != test.want {
			t.Errorf("%v finds %d, want %d", test.filter, got, test.want)
		}
	}
	_, err := w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{Filters: []ec2api.Filter{filter("colour", "red")}})
	fails(t, err, "InvalidParameterValue", "The filter 'colour' is invalid")

	seen, token := map[string]bool{}, ""
	for range 2 {
		out := must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{MaxResults: ptr(int32(5)), NextToken: token, Filters: []ec2api.Filter{filter("vpc-id", vpc)}}))
		for _, n := range out.Subnets {
			seen[n.SubnetId] = true
		}
		token = out.NextToken
	}
	if len(seen) != 7 || token != "" {
		t.Errorf("two pages hold %d subnets, token %q", len(seen), token)
	}
	_, err = w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{MaxResults: ptr(int32(2))})
	fails(t, err, "InvalidParameterValue", "maxResults")
	_, err = w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{NextToken: "nonsense"})
	fails(t, err, "InvalidNextToken", "nonsense")
}
