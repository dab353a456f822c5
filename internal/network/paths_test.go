package network

import (
	"net/netip"
	"strings"
	"testing"
)

// site is what the pure tests use.
var site = DefaultSite("t")

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

// example is a VPC with a public, a NATed and an isolated subnet.
func example() VPC {
	all := []Rule{{ID: "sgr-all-out", Protocol: AnyProtocol, CIDR: defaultRoute}}
	return VPC{
		ID: "vpc-a", CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, DNSSupport: true,
		Subnets: []Subnet{
			{ID: "subnet-public", CIDR: prefix("10.0.1.0/24"), RouteTable: "rtb-public", NetworkACL: "acl-default"},
			{ID: "subnet-nat", CIDR: prefix("10.0.2.0/24"), RouteTable: "rtb-nat", NetworkACL: "acl-default"},
			{ID: "subnet-isolated", CIDR: prefix("10.0.3.0/24"), RouteTable: "rtb-isolated", NetworkACL: "acl-default"},
		},
		NetworkACLs: []NetworkACL{{ID: "acl-default", Entries: []ACLEntry{
			{Number: 100, Egress: true, Allow: true, Protocol: AnyProtocol, CIDR: defaultRoute},
			{Number: 100, Allow: true, Protocol: AnyProtocol, CIDR: defaultRoute},
		}}},
		RouteTables: []RouteTable{
			{ID: "rtb-public", Routes: []Route{{Destination: defaultRoute, Target: Target{InternetGateway, "igw-1"}}}},
			{ID: "rtb-nat", Routes: []Route{
				{Destination: defaultRoute, Target: Target{NATGateway, "nat-1"}},
				{Destination: prefix("203.0.113.128/25"), Target: Target{Kind: Blackhole}},
			}},
			{ID: "rtb-isolated", Routes: []Route{{PrefixList: "pl-s3", Target: Target{GatewayEndpoint, "vpce-s3"}}}},
		},
		PrefixLists: []PrefixList{{ID: "pl-s3", Prefixes: []netip.Prefix{prefix("198.18.0.0/20")}}},
		SecurityGroups: []SecurityGroup{
			{ID: "sg-task", Egress: all},
			{ID: "sg-closed"},
			{ID: "sg-endpoint", Ingress: []Rule{
				{ID: "sgr-https", Protocol: TCP, FromPort: 443, ToPort: 443, Group: "sg-task"},
				{ID: "sgr-ping", Protocol: ICMP, ICMPType: 8, ICMPCode: -1, CIDR: prefix("10.0.3.0/24")},
			}},
		},
		ENIs: []ENI{
			{ID: "eni-nat", Kind: NAT, Owner: "nat-1", Subnet: "subnet-public", IP: addr("10.0.1.5"), PublicIP: addr("198.19.0.1")},
			{ID: "eni-public", Kind: Attached, Subnet: "subnet-public", IP: addr("10.0.1.10"), Groups: []string{"sg-task"}, PublicIP: addr("198.19.0.2")},
			{ID: "eni-private", Kind: Attached, Subnet: "subnet-public", IP: addr("10.0.1.11"), Groups: []string{"sg-task"}},
			{ID: "eni-behind", Kind: Attached, Subnet: "subnet-nat", IP: addr("10.0.2.10"), Groups: []string{"sg-task"}},
			{ID: "eni-isolated", Kind: Attached, Subnet: "subnet-isolated", IP: addr("10.0.3.10"), Groups: []string{"sg-task"}},
			{ID: "eni-closed", Kind: Attached, Subnet: "subnet-isolated", IP: addr("10.0.3.11"), Groups: []string{"sg-closed"}},
			{ID: "eni-vpce", Kind: InterfaceEndpoint, Owner: "vpce-logs", Subnet: "subnet-isolated", IP: addr("10.0.3.20"), Groups: []string{"sg-endpoint"}},
		},
	}
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name string
		flow Flow
		want string // the last hop: kind id rule pass
	}{
		{"public ip reaches the internet", Flow{From: "eni-public", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "internet 203.0.113.9  true"},
		{"public ip reaches AWS", Flow{From: "eni-public", To: addr("198.18.9.9"), Port: 443, Protocol: TCP}, "aws 198.18.9.9  true"},
		{"gateways carry no private addresses", Flow{From: "eni-public", To: addr("192.168.1.1"), Port: 80, Protocol: TCP}, "route rtb-public 0.0.0.0/0 false"},
		{"without public ip an igw drops", Flow{From: "eni-private", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "route rtb-public 0.0.0.0/0 false"},
		{"NAT reaches the internet", Flow{From: "eni-behind", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "internet 203.0.113.9  true"},
		{"NAT reaches AWS", Flow{From: "eni-behind", To: addr("198.18.0.9"), Port: 443, Protocol: TCP}, "aws 198.18.0.9  true"},
		{"a longer blackhole wins over NAT", Flow{From: "eni-behind", To: addr("203.0.113.200"), Port: 80, Protocol: TCP}, "route rtb-nat 203.0.113.128/25 false"},
		{"a public IP has its interface's groups", Flow{From: "eni-behind", To: addr("198.19.0.2"), Port: 443, Protocol: TCP}, "ingress sg-task  false"},
		{"a NAT gateway answers nobody", Flow{From: "eni-public", To: addr("198.19.0.1"), Port: 443, Protocol: TCP}, "target eni-nat  false"},
		{"a public IP of another VPC", Flow{From: "eni-public", To: addr("198.19.0.9"), Port: 443, Protocol: TCP}, "internet 198.19.0.9  true"},
		{"isolated has no route", Flow{From: "eni-isolated", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "route rtb-isolated  false"},
		{"isolated reaches S3 by its endpoint", Flow{From: "eni-isolated", To: addr("198.18.1.1"), Port: 443, Protocol: TCP}, "aws 198.18.1.1  true"},
		{"but no other AWS address", Flow{From: "eni-isolated", To: addr("198.18.200.1"), Port: 443, Protocol: TCP}, "route rtb-isolated  false"},
		{"endpoint allows by group", Flow{From: "eni-isolated", To: addr("10.0.3.20"), Port: 443, Protocol: TCP}, "ingress sg-endpoint sgr-https true"},
		{"endpoint denies another port", Flow{From: "eni-isolated", To: addr("10.0.3.20"), Port: 80, Protocol: TCP}, "ingress sg-endpoint  false"},
		{"icmp by type", Flow{From: "eni-isolated", To: addr("10.0.3.20"), Port: 8, Protocol: ICMP}, "ingress sg-endpoint sgr-ping true"},
		{"icmp by type, from elsewhere", Flow{From: "eni-public", To: addr("10.0.3.20"), Port: 8, Protocol: ICMP}, "ingress sg-endpoint  false"},
		{"no egress rule", Flow{From: "eni-closed", To: addr("10.0.3.20"), Port: 443, Protocol: TCP}, "egress sg-closed  false"},
		{"nobody there", Flow{From: "eni-public", To: addr("10.0.1.77"), Port: 443, Protocol: TCP}, "target 10.0.1.77  false"},
		{"resolver needs no rule", Flow{From: "eni-closed", To: addr("10.0.0.2"), Port: 53, Protocol: UDP}, "link 10.0.0.2  true"},
		{"metadata needs no rule", Flow{From: "eni-closed", To: addr("169.254.170.2"), Port: 80, Protocol: TCP}, "link 169.254.170.2  true"},
		{"unknown eni", Flow{From: "eni-x", To: addr("10.0.1.1"), Port: 80, Protocol: TCP}, "eni eni-x  false"},
	}
	v := example()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hops := Explain(site, v, tt.flow)
			last := hops[len(hops)-1]
			pass := "false"
			if last.Pass {
				pass = "true"
			}
			got := strings.Join([]string{string(last.Kind), last.ID, last.Rule, pass}, " ")
			if got != tt.want {
				t.Errorf("got %q, want %q; hops:\n%+v", got, tt.want, hops)
			}
			for _, h := range hops[:len(hops)-1] {
				if !h.Pass {
					t.Errorf("a hop before the last does not pass: %+v", h)
				}
			}
		})
	}
}

// What stops a flow has a code of AWS's.
func TestCodes(t *testing.T) {
	v := example()
	for flow, want := range map[Flow]Code{
		{From: "eni-x", To: addr("10.0.1.1"), Port: 80, Protocol: TCP}:             CodeNoDestination,
		{From: "eni-private", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}:    CodeNoPublicIP,
		{From: "eni-public", To: addr("192.168.1.1"), Port: 80, Protocol: TCP}:     CodePrivateTarget,
		{From: "eni-behind", To: addr("203.0.113.200"), Port: 80, Protocol: TCP}:   CodeRouteState,
		{From: "eni-isolated", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}:   CodeNoRoute,
		{From: "eni-isolated", To: addr("10.0.3.20"), Port: 80, Protocol: TCP}:     CodeGroupRules,
		{From: "eni-isolated", To: addr("10.0.1.10"), Port: 80, Protocol: TCP}:     CodeGroupEmpty,
		{From: "eni-closed", To: addr("10.0.3.20"), Port: 443, Protocol: TCP}:      CodeGroupEmpty,
		{From: "eni-public", To: addr("10.0.1.77"), Port: 443, Protocol: TCP}:      CodeNoDestination,
		{From: "eni-public", To: addr("169.254.170.2"), Port: 443, Protocol: TCP}:  CodeProtocol,
		{From: "eni-public", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}:     "",
		{From: "eni-isolated", To: addr("169.254.170.2"), Port: 80, Protocol: TCP}: "",
	} {
		hops := Explain(site, v, flow)
		if last := hops[len(hops)-1]; last.Code != want || last.Pass != (want == "") {
			t.Errorf("%s to %s: code %q, want %q: %+v", flow.From, flow.To, last.Code, want, last)
		}
	}
}

func TestExplainInbound(t *testing.T) {
	v := example()
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-web", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: defaultRoute}}
	v.ENIs = append(v.ENIs, ENI{ID: "eni-lost", Kind: Attached, Subnet: "subnet-nat", IP: addr("10.0.2.11"), Groups: []string{"sg-task"}, PublicIP: addr("198.19.0.3")})
	for _, tt := range []struct {
		to   string
		port int
		want Code
		kind HopKind
	}{
		{"eni-public", 80, "", HopNACL}, // of the reply
		{"eni-public", 443, CodeGroupRules, HopIngress},
		{"eni-private", 80, CodeNotPublic, HopGateway},
		{"eni-private", 443, CodeGroupRules, HopIngress}, // that too
		{"eni-behind", 80, CodeNotPublic, HopGateway},
		{"eni-lost", 80, CodeNoRoute, HopRoute},
		{"eni-gone", 80, CodeNoDestination, HopTarget},
	} {
		hops := ExplainInbound(site, v, addr("203.0.113.1"), tt.to, tt.port, TCP)
		if last := hops[len(hops)-1]; last.Code != tt.want || last.Kind != tt.kind || last.Pass != (tt.want == "") {
			t.Errorf("internet to %s:%d: %+v", tt.to, tt.port, hops)
		}
	}
}

// A NAT gateway is only as good as the routes of its own subnet.
func TestNATFollowsItsOwnSubnet(t *testing.T) {
	v := example()
	v.RouteTables[0].Routes = nil
	flow := Flow{From: "eni-behind", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}
	hops := Explain(site, v, flow)
	if last := hops[len(hops)-1]; last.Kind != HopNAT || last.Pass {
		t.Errorf("NAT in a subnet without routes: last hop %+v", last)
	}
	v.RouteTables[0].Routes = []Route{{PrefixList: "pl-s3", Target: Target{GatewayEndpoint, "vpce-public"}}}
	flow.To, flow.Port = addr("198.18.0.9"), 443
	hops = Explain(site, v, flow)
	if last := hops[len(hops)-1]; last.Kind != HopAWS || !last.Pass || hops[len(hops)-2].ID != "vpce-public" {
		t.Errorf("S3 through NAT and the endpoint of the NAT gateway's subnet: %+v", hops)
	}
	// A longer route of the gateway's subnet decides, also about AWS's addresses, which a shorter one has a part of its own for.
	v.RouteTables[0].Routes = []Route{{Destination: defaultRoute, Target: Target{InternetGateway, "igw-1"}}, {Destination: prefix("128.0.0.0/1"), Target: Target{NATGateway, "nat-1"}}}
	for _, to := range []string{"198.18.64.9", "203.0.113.9"} {
		flow.To = addr(to)
		hops = Explain(site, v, flow)
		if last := hops[len(hops)-1]; last.Kind != HopNAT || last.Pass {
			t.Errorf("%s by a NAT gateway whose subnet leads there by itself: last hop %+v", to, last)
		}
	}
}
