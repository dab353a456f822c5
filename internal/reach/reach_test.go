package reach

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

var site = network.DefaultSite("r")

// example is a VPC with a load balancer's group, a task behind it, and an
// endpoint for logs whose two interfaces only one group reaches.
func example() Network {
	all := func(id string) []network.Rule {
		return []network.Rule{{ID: id, Protocol: network.AnyProtocol, CIDR: prefix("0.0.0.0/0")}}
	}
	v := network.VPC{
		ID: "vpc-a", CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, DNSSupport: true,
		Subnets: []network.Subnet{{ID: "subnet-a", CIDR: prefix("10.0.1.0/24"), RouteTable: "rtb-a"}, {ID: "subnet-b", CIDR: prefix("10.0.2.0/24"), RouteTable: "rtb-a"}},
		RouteTables: []network.RouteTable{{ID: "rtb-a", Routes: []network.Route{
			{Destination: prefix("0.0.0.0/0"), Target: network.Target{Kind: network.InternetGateway, ID: "igw-1"}}}}},
		SecurityGroups: []network.SecurityGroup{
			{ID: "sg-alb", Egress: all("sgr-out1"), Ingress: []network.Rule{{ID: "sgr-web", Protocol: network.TCP, FromPort: 443, ToPort: 443, CIDR: prefix("0.0.0.0/0")}}},
			{ID: "sg-task", Egress: all("sgr-out2"), Ingress: []network.Rule{{ID: "sgr-alb", Protocol: network.TCP, FromPort: 80, ToPort: 80, Group: "sg-alb"}}},
			{ID: "sg-vpce", Ingress: []network.Rule{{ID: "sgr-https", Protocol: network.TCP, FromPort: 443, ToPort: 443, Group: "sg-task"}}},
		},
		ENIs: []network.ENI{
			{ID: "eni-alb", Kind: network.Attached, Subnet: "subnet-a", IP: addr("10.0.1.5"), Groups: []string{"sg-alb"}, PublicIP: addr("198.19.0.1")},
			{ID: "eni-task", Kind: network.Attached, Subnet: "subnet-a", IP: addr("10.0.1.10"), Groups: []string{"sg-task"}, PublicIP: addr("198.19.0.2")},
			{ID: "eni-vpce1", Kind: network.InterfaceEndpoint, Owner: "vpce-logs", Subnet: "subnet-a", IP: addr("10.0.1.20"), Groups: []string{"sg-alb"}},
			{ID: "eni-vpce2", Kind: network.InterfaceEndpoint, Owner: "vpce-logs", Subnet: "subnet-b", IP: addr("10.0.2.20"), Groups: []string{"sg-vpce"}},
		},
	}
	zone := dns.Zone{Region: "us-east-1", CIDRs: v.CIDRs, Services: site.Services(), S3: site.S3(), Endpoints: []dns.Endpoint{
		{ID: "vpce-logs", Names: []dns.Name{{Name: "logs.us-east-1.amazonaws.com", Addrs: []netip.Addr{addr("10.0.2.20")}}}}}}
	return Network{Site: site, VPC: v, Zone: zone}
}

func end(n Network, eni string) End {
	e, _ := n.VPC.ENI(eni)
	return End{Name: eni, Kind: Interface, ENI: eni, VPC: n.VPC.ID, Addr: e.IP, Public: e.PublicIP}
}

func TestTrace(t *testing.T) {
	n := example()
	off := n
	off.VPC.DNSSupport = false
	internet := End{Name: "internet", Kind: Internet, Addr: Somewhere}
	logs := End{Name: "logs", Kind: Name, Host: "logs.us-east-1.amazonaws.com"}
	elsewhere := End{Name: "eni-b", Kind: Interface, ENI: "eni-b", VPC: "vpc-b", Addr: addr("10.0.1.5")}
	for _, tt := range []struct {
		name     string
		n        Network
		from, to End
		port     int
		pass     bool
		last     network.HopKind
		text     string // part of the last hop's text
	}{
		{"internet to the load balancer", n, internet, end(n, "eni-alb"), 443, true, network.HopIngress, "sgr-web"},
		{"internet to the task", n, internet, end(n, "eni-task"), 80, false, network.HopIngress, "they allow tcp 80 only from sg-alb"},
		{"internet to a port without rules", n, internet, end(n, "eni-task"), 22, false, network.HopIngress, "they allow only tcp 80 from sg-alb"},
		{"load balancer to the task", n, end(n, "eni-alb"), end(n, "eni-task"), 80, true, network.HopIngress, "sgr-alb"},
		{"by private DNS", n, end(n, "eni-task"), logs, 443, true, network.HopIngress, "sgr-https"},
		{"without DNS", off, end(n, "eni-task"), logs, 443, false, hopDNS, "DNS support is off"},
		{"a name that nobody has", n, end(n, "eni-task"), End{Kind: Name, Host: "db.internal"}, 443, false, hopDNS, "no address"},
		{"a name of this machine's resolver", n, end(n, "eni-task"), End{Kind: Name, Host: "example.org", Addr: addr("203.0.113.80")}, 443, true, network.HopInternet, "internet"},
		{"another VPC with the same range", n, end(n, "eni-task"), elsewhere, 80, false, network.HopRoute, "its own range 10.0.0.0/16"},
	} {
		p := Trace(tt.n, tt.from, tt.to, Port{tt.port, network.TCP})
		last := p.Hops[len(p.Hops)-1]
		if p.Pass() != tt.pass || last.Kind != tt.last || !strings.Contains(last.Text, tt.text) {
			t.Errorf("%s: pass %v, last hop %+v", tt.name, p.Pass(), last)
		}
	}
}

// Into another VPC packets go by a peering connection where there is one, else
// by the public IP, and are judged there.
// The same questions of IPv6, which has gateways and rules of its own.
func TestTraceIPv6(t *testing.T) {
	n := example()
	v := &n.VPC
	v.IPv6CIDRs = []netip.Prefix{prefix("2001:db8:0:100::/56")}
	v.Subnets[0].IPv6CIDR = prefix("2001:db8:0:101::/64")
	v.ENIs[0].IPv6, v.ENIs[1].IPv6 = addr("2001:db8:0:101::5"), addr("2001:db8:0:101::10")
	six := func(eni string) End {
		e := end(n, eni)
		full, _ := n.VPC.ENI(eni)
		e.IPv6, e.Addr, e.Public = full.IPv6, full.IPv6, full.IPv6
		return e
	}
	internet := End{Name: "internet", Kind: Internet, Addr: Somewhere6}
	all6 := network.Rule{ID: "sgr-out6", Protocol: network.AnyProtocol, CIDR: prefix("::/0")}
	for _, tt := range []struct {
		name     string
		change   func()
		from, to End
		port     Port
		pass     bool
		last     network.HopKind
		text     string
	}{
		{"out without a rule", func() {}, end(n, "eni-task"), internet, Port{443, network.TCP}, false, network.HopEgress, "no egress rule"},
		{"out without a route", func() { v.SecurityGroups[1].Egress = append(v.SecurityGroups[1].Egress, all6) }, end(n, "eni-task"), internet, Port{443, network.TCP}, false, network.HopRoute, "no route of rtb-a"},
		{"out by an egress-only gateway", func() {
			v.RouteTables[0].Routes = append(v.RouteTables[0].Routes, network.Route{Destination: prefix("::/0"), Target: network.Target{Kind: network.EgressOnlyGateway, ID: "eigw-1"}})
		}, end(n, "eni-task"), internet, Port{443, network.TCP}, true, network.HopInternet, "internet"},
		{"but not in", func() {}, internet, six("eni-task"), Port{80, network.TCP}, false, network.HopRoute, "not to an internet gateway"},
		{"in by an internet gateway, without a rule", func() {
			v.RouteTables[0].Routes[1].Target = network.Target{Kind: network.InternetGateway, ID: "igw-1"}
		}, internet, six("eni-task"), Port{80, network.TCP}, false, network.HopIngress, "from sg-alb"},
		{"by group", func() { v.SecurityGroups[0].Egress = append(v.SecurityGroups[0].Egress, all6) }, end(n, "eni-alb"), six("eni-task"), Port{80, network.TCP}, true, network.HopIngress, "sgr-alb"},
		{"echo without a rule", func() {}, end(n, "eni-alb"), six("eni-task"), Port{8, network.ICMP}, false, network.HopIngress, "icmpv6 type 128"},
		{"echo", func() {
			v.SecurityGroups[1].Ingress = append(v.SecurityGroups[1].Ingress, network.Rule{ID: "sgr-echo", Protocol: network.ICMPv6, ICMPType: 128, ICMPCode: -1, CIDR: prefix("::/0")})
		}, end(n, "eni-alb"), six("eni-task"), Port{8, network.ICMP}, true, network.HopIngress, "sgr-echo"},
		{"from an interface without IPv6", func() { v.ENIs[0].IPv6 = netip.Addr{} }, end(n, "eni-alb"), six("eni-task"), Port{80, network.TCP}, false, network.HopENI, "has no IPv6 address"},
	} {
		tt.change()
		p := Trace(n, tt.from, tt.to, tt.port)
		last := p.Hops[len(p.Hops)-1]
		if p.Pass() != tt.pass || last.Kind != tt.last || !strings.Contains(last.Text, tt.text) {
			t.Errorf("%s: %+v", tt.name, p.Hops)
		}
	}
}

func TestTraceIntoAnotherVPC(t *testing.T) {
	n, other := example(), example().VPC
	other.ID, other.CIDRs = "vpc-b", []netip.Prefix{prefix("10.9.0.0/16")}
	other.Subnets, other.ENIs = slices.Clone(other.Subnets), slices.Clone(other.ENIs)
	other.Subnets[0].CIDR = prefix("10.9.1.0/24")
	other.ENIs[1].ID, other.ENIs[1].IP, other.ENIs[1].PublicIP = "eni-b", addr("10.9.1.10"), addr("198.19.0.9")
	n.Other = other
	to := End{Name: "eni-b", Kind: Interface, ENI: "eni-b", VPC: "vpc-b", Addr: addr("10.9.1.10"), Public: addr("198.19.0.9")}
	p := Trace(n, end(n, "eni-alb"), to, Port{80, network.TCP})
	last := p.Hops[len(p.Hops)-1]
	if p.Pass() || p.Addr != to.Public || last.Kind != network.HopIngress || !strings.Contains(last.Text, "they allow tcp 80 only from sg-alb") {
		t.Errorf("by the internet: %+v", p)
	}
	other.SecurityGroups = slices.Clone(other.SecurityGroups)
	other.SecurityGroups[1].Ingress = []network.Rule{{ID: "sgr-nat", Protocol: network.TCP, FromPort: 80, ToPort: 80, CIDR: prefix("198.19.0.1/32")}}
	n.Other = other
	if p = Trace(n, end(n, "eni-alb"), to, Port{80, network.TCP}); !p.Pass() {
		t.Errorf("by the internet, from the public IP that is let in: %+v", p.Hops)
	}
	n.Other.RouteTables = []network.RouteTable{{ID: "rtb-a", Routes: []network.Route{{Destination: prefix("10.0.0.0/16"), Target: network.Target{Kind: network.VPCPeering, ID: "pcx-1"}}}}}
	n.VPC.RouteTables = []network.RouteTable{{ID: "rtb-a", Routes: []network.Route{{Destination: prefix("10.9.0.0/16"), Target: network.Target{Kind: network.VPCPeering, ID: "pcx-1"}}}}}
	n.VPC.Peerings = []network.Peering{{ID: "pcx-1", VPC: "vpc-b", CIDRs: other.CIDRs, Present: true}}
	p = Trace(n, end(n, "eni-alb"), to, Port{80, network.TCP})
	if last = p.Hops[len(p.Hops)-1]; p.Pass() || p.Addr != to.Addr || last.Kind != network.HopIngress || !strings.Contains(last.Text, "they allow tcp 80 only from 198.19.0.1/32") {
		t.Errorf("by peering: %+v", p)
	}
}

func TestSplitPort(t *testing.T) {
	for target, want := range map[string]struct {
		name string
		port Port
	}{
		"service/web:80":   {"service/web", Port{80, network.TCP}},
		"10.0.0.2:53/udp":  {"10.0.0.2", Port{53, network.UDP}},
		"service/web":      {"service/web", Port{}},
		"web:icmp":         {"web", Port{8, network.ICMP}},
		"web:0":            {"web:0", Port{}},
		"2001:db8::a":      {"2001:db8::a", Port{}},
		"[2001:db8::a]":    {"2001:db8::a", Port{}},
		"[2001:db8::a]:80": {"2001:db8::a", Port{80, network.TCP}},
		"web:80/sctp":      {"web:80/sctp", Port{}},
		"arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef":    {"arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef", Port{}},
		"arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef:81": {"arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef", Port{81, network.TCP}},
	} {
		if name, port := splitPort(target); name != want.name || port != want.port {
			t.Errorf("%s is %s and %v", target, name, port)
		}
	}
}

func TestListener(t *testing.T) {
	to, web := End{ENI: "eni-1", Addr: addr("10.0.1.10")}, Port{80, network.TCP}
	local := network.Socket{Protocol: network.TCP, Addr: addr("127.0.0.1"), Port: 80}
	wrong := network.Socket{Protocol: network.TCP, Addr: addr("::"), Port: 8080}
	right := network.Socket{Protocol: network.TCP, Addr: addr("0.0.0.0"), Port: 80}
	udp := network.Socket{Protocol: network.UDP, Addr: addr("0.0.0.0"), Port: 80}
	for _, tt := range []struct {
		sockets []network.Socket
		pass    bool
		text    string
	}{
		{[]network.Socket{local, wrong}, false, "tcp 80 of 127.0.0.1 only"},
		{[]network.Socket{udp, wrong}, false, "listens on tcp 8080"},
		{[]network.Socket{udp}, false, "nothing listens on tcp 80"},
		{[]network.Socket{local, right}, true, "tcp 80 of 0.0.0.0"},
	} {
		if hop := listener(tt.sockets, to, web); hop.Pass != tt.pass || !strings.Contains(hop.Text, tt.text) {
			t.Errorf("%v: %+v", tt.sockets, hop)
		}
	}
}

// The probe has the last word, and is said to differ where it does.
func TestJudge(t *testing.T) {
	pass := network.Hop{Kind: network.HopIngress, Pass: true}
	block := network.Hop{Kind: network.HopIngress, Code: network.CodeGroupRules, Text: "no rule"}
	deaf := network.Hop{Kind: hopListener, Text: "nothing listens"}
	for _, tt := range []struct {
		hop       network.Hop
		outcome   Outcome
		reachable bool
		differ    bool
		why       string
	}{
		{pass, Connected, true, false, ""},
		{pass, TimedOut, false, true, "the probe timed out"},
		{pass, NotTried, true, false, ""},
		{pass, Refused, false, false, "packets arrive, but nothing listens on tcp 80"},
		{pass, Silent, true, false, ""},
		{block, TimedOut, false, false, "no rule"},
		{block, Connected, true, true, ""},
		{block, NotTried, false, false, "no rule"},
		{deaf, Refused, false, false, "nothing listens"},
	} {
		a := Answer{Port: Port{80, network.TCP}, Path: Path{Hops: []network.Hop{tt.hop}}, Probe: Probe{Outcome: tt.outcome, Latency: time.Millisecond}}
		a.judge()
		if a.Reachable != tt.reachable || (a.Differ != "") != tt.differ || !strings.HasPrefix(a.Why, tt.why) || tt.why == "" && a.Why != "" {
			t.Errorf("%s and probe %s: %+v", tt.hop.Text, tt.outcome, a)
		}
	}
}
