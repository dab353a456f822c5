package network

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// dual is the example with IPv6: the public subnet leads to the internet gateway,
// the one behind NAT to an egress-only gateway, the isolated one nowhere.
func dual() VPC {
	v := clone(example())
	v.IPv6CIDRs = []netip.Prefix{prefix("2001:db8:0:100::/56")}
	for i, third := range []string{"1", "2", "3"} {
		v.Subnets[i].IPv6CIDR = prefix("2001:db8:0:10" + third + "::/64")
	}
	for i, e := range v.ENIs {
		if e.Kind == Attached {
			s, _ := v.Subnet(e.Subnet)
			b := s.IPv6CIDR.Addr().As16()
			b[15] = e.IP.As4()[3]
			v.ENIs[i].IPv6 = netip.AddrFrom16(b)
		}
	}
	v.RouteTables[0].Routes = append(slices.Clone(v.RouteTables[0].Routes), Route{Destination: everywhere6, Target: Target{InternetGateway, "igw-1"}})
	v.RouteTables[1].Routes = append(slices.Clone(v.RouteTables[1].Routes), Route{Destination: everywhere6, Target: Target{EgressOnlyGateway, "eigw-1"}})
	v.SecurityGroups[0] = SecurityGroup{
		ID:     "sg-task",
		Egress: append(slices.Clone(v.SecurityGroups[0].Egress), Rule{ID: "sgr-all-out6", Protocol: AnyProtocol, CIDR: everywhere6}),
	}
	v.NetworkACLs[0].Entries = append(slices.Clone(v.NetworkACLs[0].Entries),
		ACLEntry{Number: 101, Egress: true, Allow: true, Protocol: AnyProtocol, CIDR: everywhere6},
		ACLEntry{Number: 101, Allow: true, Protocol: AnyProtocol, CIDR: everywhere6})
	return v
}

const (
	public6   = "2001:db8:0:101::a"
	behind6   = "2001:db8:0:102::a"
	isolated6 = "2001:db8:0:103::a"
	internet6 = "[" + networktest.InternetAddr6 + "]:80"
)

func (v VPC) ingress(rules ...Rule) VPC {
	v = clone(v)
	v.SecurityGroups[0].Ingress = rules
	return v
}

// Packets of both families go where routes, groups and gateways say.
func TestDualStack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := dual()
	w.set(v)
	for _, eni := range []string{"eni-public", "eni-behind", "eni-isolated"} {
		w.serve(w.NetNS(eni), "[::]:80", eni)
		w.serve(w.NetNS(eni), "0.0.0.0:81", eni)
	}
	w.serve(w.Internet.Path, internet6, "internet")
	w.serve(w.Internet.Path, internetAddr+":80", "internet")

	w.expect("eni-public", "["+isolated6+"]:80", "time-out") // no rule lets it in
	w.set(v.ingress(Rule{ID: "sgr-in6", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("2001:db8:0:101::/64")}))
	w.expect("eni-public", "["+isolated6+"]:80", "eni-isolated to "+public6+" at "+isolated6)
	w.expect("eni-private", "["+public6+"]:80", "eni-public to 2001:db8:0:101::b at "+public6) // a neighbour
	w.expect("eni-behind", "["+isolated6+"]:80", "time-out")
	w.expect("eni-public", "10.0.3.10:81", "time-out") // the rule is of the other family
	w.set(v.ingress(Rule{ID: "sgr-group", Protocol: AnyProtocol, Group: "sg-task"}))
	w.expect("eni-behind", "["+isolated6+"]:80", "eni-isolated to "+behind6+" at "+isolated6)
	w.expect("eni-behind", "10.0.3.10:81", "eni-isolated to 10.0.2.10 at 10.0.3.10")
	w.expect("eni-closed", "["+isolated6+"]:80", "time-out") // no rule lets it out
	w.expect("eni-public", "[2001:db8:0:101::77]:80", "time-out")

	// Out by the internet gateway and the egress-only one; nowhere from the isolated subnet.
	w.expect("eni-public", internet6, "internet to "+networktest.HostAddr6+" at "+networktest.InternetAddr6)
	w.expect("eni-behind", internet6, "internet to "+networktest.HostAddr6+" at "+networktest.InternetAddr6)
	w.expect("eni-isolated", internet6, "time-out")
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)

	// And in: where the groups and the gateway let.
	in := func(port int) Rule {
		return Rule{ID: "sgr-world", Protocol: TCP, FromPort: port, ToPort: port, CIDR: prefix("3fff::1/128")}
	}
	w.set(v.ingress(in(80)))
	host := w.Host.Path
	for address, want := range map[string]string{
		"[" + public6 + "]:80":   "eni-public to 3fff::1 at " + public6,
		"[" + behind6 + "]:80":   "time-out", // egress-only
		"[" + isolated6 + "]:80": "time-out",
	} {
		if got := from(t, host, address); got != want && !(want == "time-out" && address == "["+isolated6+"]:80") {
			t.Errorf("host -> %s: got %q, want %q", address, got, want)
		}
	}
	w.set(v.ingress(in(81)))
	if got := from(t, host, "["+public6+"]:80"); got != "time-out" {
		t.Errorf("host -> public: got %q", got)
	}

	all, err := w.Connections(v.ID)
	must(t, err)
	if !slices.ContainsFunc(all, func(c Connection) bool {
		return c.From.Addr() == HostClient6 && c.To == netip.MustParseAddrPort("["+public6+"]:80") && c.Protocol == TCP && c.Sent.Packets >= 3
	}) {
		t.Errorf("connections: %+v", all)
	}
	counters, err := w.Counters(context.Background(), v.ID)
	must(t, err)
	if n := counters.IngressDrops["eni-public"]; n.Packets == 0 {
		t.Errorf("counters: %+v", counters)
	}
	if counters.Spoofed.Packets != 0 {
		t.Errorf("spoofed: %+v", counters.Spoofed)
	}
}

// An address that an interface gains or loses leaves its link, and its IPv4
// connections, alone; a restart finds all as it is.
func TestIPv6ComesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := dual().ingress(Rule{ID: "sgr-group", Protocol: AnyProtocol, Group: "sg-task"})
	plain := clone(example()).ingress(Rule{ID: "sgr-group", Protocol: AnyProtocol, Group: "sg-task"})
	w.set(plain)
	networktest.Echo(t, networktest.Listen(t, w.NetNS("eni-isolated"), "0.0.0.0:7"))
	open := w.connect("eni-public", "tcp", "10.0.3.10:7")
	w.set(v)
	networktest.Echo(t, networktest.Listen(t, w.NetNS("eni-isolated"), "[::]:8"))
	open6 := w.connect("eni-public", "tcp", "["+isolated6+"]:8")
	must(t, w.Close())
	w.start()
	must(t, w.Keep(context.Background(), []string{v.ID}))
	w.set(v)
	w.background.Wait()
	s := w.vpcs[v.ID]
	must(t, s.adopt())
	want, got := Plan(w.site, v, int(s.number.Load())), s.applied
	if len(missing(want.Routes, got.Routes)) > 0 || len(missing(got.Routes, want.Routes)) > 0 || len(missing(want.Addresses, got.Addresses)) > 0 ||
		len(missing(got.Addresses, want.Addresses)) > 0 || len(missing(want.Rules, got.Rules)) > 0 || len(missing(got.Rules, want.Rules)) > 0 {
		t.Errorf("the kernel holds\n%s\nand the plan is\n%s", got, want)
	}
	s.applied = want
	for _, c := range []net.Conn{open, open6} {
		if !networktest.Speaks(c, 5*time.Second) {
			t.Error("a connection did not outlive the restart")
		}
	}
	w.set(plain)
	if !networktest.Speaks(open, 5*time.Second) {
		t.Error("an IPv4 connection ended with the IPv6 addresses")
	}
	if networktest.Speaks(open6, 300*time.Millisecond) {
		t.Error("a connection of an address that is gone goes on")
	}
	w.set(v)
	w.connect("eni-public", "tcp", "["+isolated6+"]:8")
}

// Data fills packets as large as the narrowest link allows, which nobody knows before.
func TestIPv6BulkData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(dual())
	l := networktest.Listen(t, w.Internet.Path, internet6)
	got := make(chan int64, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		n, _ := io.Copy(io.Discard, c)
		got <- n
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.Dialer("eni-behind")(ctx, "tcp", internet6)
	must(t, err)
	const size = 4 << 20
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = c.Write(make([]byte, size))
	must(t, err)
	must(t, c.Close())
	select {
	case n := <-got:
		if n != size {
			t.Errorf("%d of %d bytes arrived", n, size)
		}
	case <-ctx.Done():
		t.Error("the data does not arrive")
	}
}

// Network ACLs judge IPv6 by their IPv6 entries, and Explain says what packets do.
func TestIPv6NetworkACLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := dual().ingress(Rule{ID: "sgr-in6", Protocol: AnyProtocol, CIDR: everywhere6})
	v.NetworkACLs = append(v.NetworkACLs, NetworkACL{ID: "acl-own", Entries: []ACLEntry{allOut, allIn,
		entry(90, false, true, TCP, 80, 80, "2001:db8:0:101::/64"), entry(91, true, true, TCP, 1024, 65535, "::/0"),
	}})
	v.Subnets[2].NetworkACL = "acl-own"
	w.set(v)
	w.serve(w.NetNS("eni-isolated"), "[::]:80", "task")
	w.serve(w.NetNS("eni-isolated"), "[::]:81", "task")
	for _, tt := range []struct {
		from string
		port int
		pass bool
	}{{"eni-public", 80, true}, {"eni-public", 81, false}, {"eni-behind", 80, false}} {
		want := "time-out"
		if tt.pass {
			want = "task to " + public6 + " at " + isolated6
		}
		w.expect(tt.from, netip.AddrPortFrom(addr(isolated6), uint16(tt.port)).String(), want)
		hops := Explain(w.site, v, Flow{From: tt.from, To: addr(isolated6), Port: tt.port, Protocol: TCP})
		if last := hops[len(hops)-1]; last.Pass != tt.pass || !tt.pass && last.ID != "acl-own" {
			t.Errorf("%s to port %d: %+v", tt.from, tt.port, hops)
		}
	}
	if w.vpcs[v.ID].drops == nil {
		return
	}
	for _, d := range w.Drops("eni-behind") {
		if d.To == addr(isolated6) && d.From == addr(behind6) && d.Port == 80 && d.ACL.ACL == "acl-own" {
			return
		}
	}
	t.Errorf("drops: %+v", w.Drops("eni-behind"))
}

// A peering connection carries both families, each by its own routes.
func TestIPv6Peering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	six := func(v VPC, third string) VPC {
		v.IPv6CIDRs = []netip.Prefix{prefix("2001:db8:" + third + ":100::/56")}
		v.Subnets[2].IPv6CIDR = prefix("2001:db8:" + third + ":103::/64")
		v.ENIs[4].IPv6 = addr("2001:db8:" + third + ":103::a")
		v.SecurityGroups[0].Ingress = append(v.SecurityGroups[0].Ingress, Rule{ID: "sgr-six" + third, Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("2001:db8::/32")})
		v.SecurityGroups[0].Egress = append(v.SecurityGroups[0].Egress, Rule{ID: "sgr-out" + third, Protocol: AnyProtocol, CIDR: everywhere6})
		v.NetworkACLs = nil
		return v
	}
	a, b := six(peerable("-a", "1"), "1"), six(peerable("-b", "2"), "2")
	join := func(v, with VPC) VPC {
		v = peered(v, with, "pcx-ab")
		v.Peerings[0].IPv6CIDRs = with.IPv6CIDRs
		v.RouteTables[2].Routes = append(v.RouteTables[2].Routes, Route{Destination: with.IPv6CIDRs[0], Target: Target{VPCPeering, "pcx-ab"}})
		return v
	}
	ab, ba := join(a, b), join(b, a)
	for range 2 {
		w.set(ab)
		w.set(ba)
	}
	w.serve(w.NetNS("eni-isolated-b"), "[::]:80", "six")
	w.serve(w.NetNS("eni-isolated-b"), "0.0.0.0:80", "four")
	w.expect("eni-isolated-a", "[2001:db8:2:103::a]:80", "six to 2001:db8:1:103::a at 2001:db8:2:103::a")
	w.expect("eni-isolated-a", "10.2.3.10:80", "four to 10.1.3.10 at 10.2.3.10")
	must(t, w.Close())
	w.start()
	w.set(ba)
	w.set(ab)
	w.expect("eni-isolated-a", "[2001:db8:2:103::a]:80", "six to 2001:db8:1:103::a at 2001:db8:2:103::a")
	ab.RouteTables[2].Routes = ab.RouteTables[2].Routes[:len(ab.RouteTables[2].Routes)-1]
	w.set(ab)
	w.expect("eni-isolated-a", "[2001:db8:2:103::a]:80", "time-out")
}

// An interface sends from its own address only.
func TestSpoofedIPv6(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := dual().ingress(Rule{ID: "sgr-in6", Protocol: AnyProtocol, CIDR: everywhere6})
	w.set(v)
	w.serve(w.NetNS("eni-isolated"), "[::]:80", "task")
	if out, err := exec.Command("nsenter", "--net="+w.NetNS("eni-public"), "ip", "address", "add", "2001:db8:0:101::99/128", "dev", "eth0", "nodad").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	err := networktest.Enter(w.NetNS("eni-public"), func() error {
		d := net.Dialer{Timeout: 300 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP("2001:db8:0:101::99")}}
		c, err := d.Dial("tcp6", "["+isolated6+"]:80")
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	if err == nil {
		t.Error("a packet with a false source arrives")
	}
	counters, err := w.Counters(context.Background(), v.ID)
	must(t, err)
	if counters.Spoofed.Packets == 0 {
		t.Errorf("counters: %+v", counters)
	}
}

// What the host forwards, and whom it asks for routers, is put back as it was.
func TestIPv6ForwardingIsPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	setting := func(name, value string) (now string) {
		must(t, networktest.Enter(w.Host.Path, func() error {
			path := "/proc/sys/net/ipv6/conf/" + name
			if value != "" {
				return os.WriteFile(path, []byte(value), 0o644)
			}
			b, err := os.ReadFile(path)
			now = strings.TrimSpace(string(b))
			return err
		}))
		return now
	}
	setting("all/forwarding", "0")
	setting("wan/accept_ra", "1")
	w.set(example())
	if setting("all/forwarding", "") != "0" {
		t.Error("a VPC without IPv6 lets the host forward it")
	}
	w.set(dual())
	if f, ra := setting("all/forwarding", ""), setting("wan/accept_ra", ""); f != "1" || ra != "2" {
		t.Errorf("forwarding is %s and accept_ra %s", f, ra)
	}
	must(t, w.Close())
	w.start() // another process puts it back
	w.set(dual())
	must(t, w.Purge(context.Background()))
	if f, ra := setting("all/forwarding", ""), setting("wan/accept_ra", ""); f != "0" || ra != "1" {
		t.Errorf("forwarding is left at %s and accept_ra at %s", f, ra)
	}
	if out := w.onHost("nft", "list", "tables") + w.onHost("ip", "-6", "route"); strings.Contains(out, "neargate") || strings.Contains(out, "2001:db8") {
		t.Errorf("left on the host: %s", out)
	}
}
