package ec2

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

var testSite = network.DefaultSite("test")

func TestRulesBecomePackets(t *testing.T) {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	for _, test := range []struct {
		name string
		rule state.SecurityGroupRule
		want network.Rule
		ok   bool
	}{
		{"all", state.SecurityGroupRule{Protocol: "-1", FromPort: -1, ToPort: -1, CIDRIPv4: "0.0.0.0/0"},
			network.Rule{Protocol: network.AnyProtocol, FromPort: -1, ToPort: -1, ICMPType: -1, ICMPCode: -1, CIDR: any4}, true},
		{"tcp", state.SecurityGroupRule{Protocol: "tcp", FromPort: 80, ToPort: 90, ReferencedGroupID: "sg-1"},
			network.Rule{Protocol: network.TCP, FromPort: 80, ToPort: 90, ICMPType: -1, ICMPCode: -1, Group: "sg-1"}, true},
		{"icmp", state.SecurityGroupRule{Protocol: "icmp", FromPort: 8, ToPort: -1, CIDRIPv4: "0.0.0.0/0"},
			network.Rule{Protocol: network.ICMP, FromPort: -1, ToPort: -1, ICMPType: 8, ICMPCode: -1, CIDR: any4}, true},
		{"number", state.SecurityGroupRule{Protocol: "50", FromPort: -1, ToPort: -1, PrefixListID: "pl-1"},
			network.Rule{Protocol: 50, FromPort: -1, ToPort: -1, ICMPType: -1, ICMPCode: -1, PrefixList: "pl-1"}, true},
		{"IPv6", state.SecurityGroupRule{Protocol: "tcp", FromPort: 80, ToPort: 80, CIDRIPv6: "::/0"},
			network.Rule{Protocol: network.TCP, FromPort: 80, ToPort: 80, ICMPType: -1, ICMPCode: -1, CIDR: netip.MustParsePrefix("::/0")}, true},
		{"icmpv6", state.SecurityGroupRule{Protocol: "icmpv6", FromPort: 128, ToPort: -1, CIDRIPv6: "::/0"},
			network.Rule{Protocol: network.ICMPv6, FromPort: -1, ToPort: -1, ICMPType: 128, ICMPCode: -1, CIDR: netip.MustParsePrefix("::/0")}, true},
	} {
		got, ok := ruleView(test.rule)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %+v %v, want %+v", test.name, got, ok, test.want)
		}
	}
}

func TestSubnetsFollowTheirTableOrTheMainOne(t *testing.T) {
	v := hostView(vpcRecords{
		vpc:     &state.Vpc{ID: "vpc-1", CIDRBlock: "10.0.0.0/16"},
		subnets: []*state.Subnet{{ID: "subnet-1", CIDRBlock: "10.0.1.0/24"}, {ID: "subnet-2", CIDRBlock: "10.0.2.0/24"}},
		tables: []*state.RouteTable{
			{ID: "rtb-main", Main: true, Routes: []state.Route{{DestinationCIDRBlock: "0.0.0.0/0", InternetGatewayID: "igw-gone"}}},
			{ID: "rtb-2", Associations: []state.RouteTableAssociation{{SubnetID: "subnet-2"}}, Routes: []state.Route{
				{DestinationCIDRBlock: "0.0.0.0/0", InternetGatewayID: "igw-1"}, {DestinationCIDRBlock: "9.0.0.0/8", NATGatewayID: "nat-1"}, {DestinationCIDRBlock: "8.0.0.0/8", NATGatewayID: "nat-2"},
			}},
		},
		gateway: "igw-1",
		nats:    []*state.NatGateway{{ID: "nat-1", State: "available"}, {ID: "nat-2", State: "deleting"}},
		interfaces: []*state.NetworkInterface{
			{ID: "eni-1", InterfaceType: state.InterfaceTypeNAT, Owner: "nat-1", SubnetID: "subnet-2", PrivateIPAddress: "10.0.2.4"},
			{ID: "eni-2", InterfaceType: state.InterfaceTypeNAT, Owner: "nat-2", SubnetID: "subnet-2", PrivateIPAddress: "10.0.2.5"},
			{ID: "eni-3", InterfaceType: state.InterfaceTypeTask, SubnetID: "subnet-1", PrivateIPAddress: "10.0.1.4"},
		},
	})
	if v.Subnets[0].RouteTable != "rtb-main" || v.Subnets[1].RouteTable != "rtb-2" {
		t.Errorf("subnets %+v", v.Subnets)
	}
	var kinds []network.TargetKind
	for _, table := range v.RouteTables {
		for _, r := range table.Routes {
			kinds = append(kinds, r.Target.Kind)
		}
	}
	want := []network.TargetKind{network.Blackhole, network.InternetGateway, network.NATGateway, network.Blackhole}
	for i := range want {
		if kinds[i] != want[i] {
			t.Errorf("targets %v, want %v", kinds, want)
			break
		}
	}
	if len(v.ENIs) != 2 || v.ENIs[0].Kind != network.NAT || v.ENIs[1].Kind != network.Detached {
		t.Errorf("interfaces %+v", v.ENIs)
	}
}
