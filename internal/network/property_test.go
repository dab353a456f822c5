package network

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

var property = flag.Duration("property", 10*time.Second, "for how long random networks are tried")

// TestRandomNetworks makes VPCs at random and changes them at random. After each
// change real packets between random pairs must do what the model says, Explain must
// say the same, and connections that were open before must live or die as AWS says.
func TestRandomNetworks(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if again, err := strconv.ParseUint(os.Getenv("NEARGATE_SEED"), 10, 64); err == nil {
		seed = again
	}
	t.Logf("NEARGATE_SEED=%d", seed)
	g := &gambler{mutator: &mutator{Rand: rand.New(rand.NewPCG(seed, 1)), w: newWorld(t), open: map[string]bool{}}}
	networktest.Echo(t, networktest.Listen(t, g.w.Internet.Path, "0.0.0.0:80"))
	networktest.EchoPackets(t, networktest.ListenPacket(t, g.w.Internet.Path, internetAddr+":80"))
	networktest.Echo(t, networktest.Listen(t, g.w.Internet.Path, internet6))
	networktest.EchoPackets(t, networktest.ListenPacket(t, g.w.Internet.Path, internet6))
	end := time.Now().Add(*property)
	for n := 0; time.Now().Before(end) && !t.Failed(); n++ {
		g.newNetwork(n)
		for round := 0; round < 5 && time.Now().Before(end) && !t.Failed(); round++ {
			g.round(round)
		}
		must(t, g.w.Remove(context.Background(), g.v.ID))
	}
	t.Logf("%d probes passed (%d by IPv6), %d were dropped; of the open connections %d lived and %d died", g.passed, g.passed6, g.dropped, g.lived, g.died)
	if g.passed == 0 || g.dropped == 0 || g.lived == 0 {
		t.Error("nothing was proved")
	}
}

// gambler makes networks and tries them.
type gambler struct {
	*mutator
	held                 []holding
	mu                   sync.Mutex
	passed, passed6      int
	dropped, lived, died int
}

// holding is an open connection.
type holding struct {
	net.Conn
	probe
}

// newNetwork is a VPC of random size with an endpoint and a NAT gateway.
func (g *gambler) newNetwork(n int) {
	v := VPC{
		ID: fmt.Sprint("vpc-r", n), CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, DNSSupport: true, IPv6CIDRs: []netip.Prefix{prefix("2001:db8:0:100::/56")},
		PrefixLists: []PrefixList{{ID: "pl-s3", Prefixes: []netip.Prefix{prefix("198.18.0.0/20"), prefix("198.18.64.0/24")}}},
	}
	for i := range 1 + g.IntN(3) {
		v.SecurityGroups = append(v.SecurityGroups, SecurityGroup{ID: fmt.Sprint("sg-", i)})
	}
	for i := range 1 + g.IntN(3) {
		v.RouteTables = append(v.RouteTables, RouteTable{ID: fmt.Sprint("rtb-", i), Routes: g.routes()})
	}
	for i := range 1 + g.IntN(2) {
		v.NetworkACLs = append(v.NetworkACLs, NetworkACL{ID: fmt.Sprint("acl-", i), Entries: append(g.entries(true), g.entries(false)...)})
	}
	for i := range 2 + g.IntN(3) {
		v.Subnets = append(v.Subnets, Subnet{ID: fmt.Sprint("subnet-", i), CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i + 1), 0}), 24), IPv6CIDR: prefix(fmt.Sprintf("2001:db8:0:10%d::/64", i+1))})
	}
	for i := range 6 + g.IntN(3) {
		s := g.IntN(len(v.Subnets))
		e := ENI{ID: fmt.Sprintf("eni-r%d-%d", n, i), Kind: Attached, Subnet: v.Subnets[s].ID, IP: netip.AddrFrom4([4]byte{10, 0, byte(s + 1), byte(10 + i)})}
		switch i {
		case 0:
			e.Kind, e.Owner = InterfaceEndpoint, "vpce-1"
		case 1:
			e.Kind, e.Owner, e.PublicIP = NAT, "nat-1", addr("198.19.0.1")
		default:
			if g.chance(80) {
				e.IPv6 = addr(fmt.Sprintf("2001:db8:0:10%d::%x", s+1, 10+i))
			}
		}
		v.ENIs = append(v.ENIs, e)
	}
	g.v, g.held, g.hosted = v, nil, nil
	g.shuffle(true)
}

// shuffle gives parts of the network new contents; all of them at first.
func (g *gambler) shuffle(all bool) {
	g.v = clone(g.v)
	names := make([]string, len(g.v.SecurityGroups))
	for i, s := range g.v.SecurityGroups {
		names[i] = s.ID
	}
	for i := range g.v.SecurityGroups {
		s := &g.v.SecurityGroups[i]
		if all || g.chance(40) {
			s.Egress = g.groupRules(names)
		}
		if all || g.chance(40) {
			s.Ingress = g.groupRules(names)
		}
	}
	for i := range g.v.RouteTables {
		if all || g.chance(20) {
			g.v.RouteTables[i].Routes = g.routes()
		}
	}
	for i := range g.v.NetworkACLs {
		if all || g.chance(20) {
			g.v.NetworkACLs[i].Entries = append(g.entries(true), g.entries(false)...)
		}
	}
	for i := range g.v.Subnets {
		if all || g.chance(20) {
			g.v.Subnets[i].RouteTable = g.v.RouteTables[g.IntN(len(g.v.RouteTables))].ID
			g.v.Subnets[i].NetworkACL = append([]string{""}, g.v.NetworkACLs[g.IntN(len(g.v.NetworkACLs))].ID)[min(1, g.IntN(4))]
		}
	}
	for i := range g.v.ENIs {
		e := &g.v.ENIs[i]
		if e.Kind == NAT {
			continue
		}
		if all || g.chance(15) {
			e.Groups = []string{names[g.IntN(len(names))]}
			if g.chance(30) {
				e.Groups = slices.Compact(append(e.Groups, names[g.IntN(len(names))]))
			}
		}
		if e.Kind == Attached && (all || g.chance(15)) {
			e.PublicIP = netip.Addr{}
			if g.chance(50) {
				e.PublicIP = netip.AddrFrom4([4]byte{198, 19, 1, byte(1 + i)})
			}
		}
	}
}

// groupRules are someRules of a network with these groups, open ones more often.
func (g *gambler) groupRules(names []string) []Rule {
	rules := g.someRules()
	for i := range rules {
		if rules[i].Group != "" && g.chance(80) {
			rules[i].Group = names[g.IntN(len(names))]
		}
	}
	if g.chance(50) {
		g.rules++
		rules = append(rules, Rule{ID: fmt.Sprintf("sgr-%d", g.rules), Protocol: AnyProtocol, FromPort: -1, ToPort: -1, ICMPType: -1, ICMPCode: -1, CIDR: pick(g.mutator, defaultRoute, everywhere6)})
	}
	return rules
}

// round changes the network, looks after the open connections, and tries pairs.
func (g *gambler) round(round int) {
	before := model{g.v}
	if round > 0 {
		g.shuffle(false)
	}
	if round == 3 {
		must(g.w.t, g.w.Close())
		g.w.start()
		g.hosted = nil
	}
	g.w.set(g.v)
	g.serve()
	now := model{g.v}
	var tries sync.WaitGroup
	for _, h := range g.held {
		tries.Go(func() { g.recheck(before, now, h) })
	}
	g.held = nil
	for _, e := range g.v.ENIs {
		if e.Kind != Attached {
			continue
		}
		for range 8 {
			p := probe{from: e, to: g.target(), port: 80, protocol: pick(g.mutator, TCP, TCP, UDP)}
			if target, ok := now.at(p.to); (!ok && p.to != addr(internetAddr) && p.to != addr(networktest.InternetAddr6) || ok && target.Kind != Attached) && p.protocol == UDP {
				p.protocol = TCP // nobody answers datagrams there
			}
			tries.Go(func() { g.try(now, p) })
		}
	}
	tries.Wait()
	if g.w.t.Failed() {
		g.w.t.Logf("round %d:\n%s", round, Plan(g.w.site, g.v, 0))
	}
}

func (g *gambler) target() netip.Addr {
	if g.chance(35) {
		return addr(pick(g.mutator, internetAddr, "198.18.0.77", "198.18.64.9", "198.18.200.1", "10.0.1.77", networktest.InternetAddr6, networktest.InternetAddr6, "2001:db8:0:101::77"))
	}
	e := g.v.ENIs[g.IntN(len(g.v.ENIs))]
	if e.IPv6.IsValid() && g.chance(50) {
		return e.IPv6
	}
	return e.IP
}

// serve lets every address of the network answer.
func (g *gambler) serve() {
	for _, e := range g.v.ENIs {
		if e.Kind == Attached && !g.open[e.ID] {
			g.open[e.ID] = true
			networktest.Echo(g.w.t, networktest.Listen(g.w.t, g.w.NetNS(e.ID), "0.0.0.0:80"))
			networktest.EchoPackets(g.w.t, networktest.ListenPacket(g.w.t, g.w.NetNS(e.ID), "0.0.0.0:80"))
			networktest.Echo(g.w.t, networktest.Listen(g.w.t, g.w.NetNS(e.ID), "[::]:80"))
			networktest.EchoPackets(g.w.t, networktest.ListenPacket(g.w.t, g.w.NetNS(e.ID), "[::]:80"))
		}
	}
	if g.hosted == nil {
		l, err := g.w.Listen(context.Background(), g.v.ID, "tcp4", "0.0.0.0:80")
		must(g.w.t, err)
		networktest.Echo(g.w.t, l)
		g.hosted = append(g.hosted, l)
	}
}

// try compares what a probe does with what is predicted.
func (g *gambler) try(now model, p probe) {
	p.source = 50000 // any of those that Linux chooses: no ACL here tells them apart
	want := now.passes(p)
	hops := Explain(g.w.site, now.VPC, Flow{From: p.from.ID, To: p.to, Port: p.port, Protocol: p.protocol})
	if said := hops[len(hops)-1].Pass; said != want {
		g.w.t.Errorf("%s -> %s protocol %d: the model says %v, Explain %v: %+v", p.from.ID, p.to, p.protocol, want, said, hops)
	}
	c := g.dial(p, 400*time.Millisecond)
	if c == nil && want {
		c = g.dial(p, 5*time.Second) // a busy machine is no disagreement
	}
	if got := c != nil; got != want {
		g.w.t.Errorf("%s (%s) -> %s protocol %d passes: predicted %v, tried %v", p.from.ID, p.from.IP, p.to, p.protocol, want, got)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c == nil {
		g.dropped++
		return
	}
	g.passed++
	if p.to.Is6() {
		g.passed6++
	}
	if target, ok := now.at(p.to); ok && target.Kind == Attached && target.IP != p.from.IP {
		p.source = int(c.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort().Port())
		g.held = append(g.held, holding{c, p})
	}
}

// dial returns a connection over which an echo came back, or nil.
func (g *gambler) dial(p probe, within time.Duration) net.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c, err := g.w.Dialer(p.from.ID)(ctx, map[int]string{TCP: "tcp", UDP: "udp"}[p.protocol], netip.AddrPortFrom(p.to, uint16(p.port)).String())
	if err != nil {
		return nil
	}
	if !networktest.Speaks(c, within) {
		_ = c.Close()
		return nil
	}
	g.w.t.Cleanup(func() { c.Close() })
	return c
}

// recheck looks whether an open connection lives as it should.
func (g *gambler) recheck(before, now model, h holding) {
	want := now.lives(before, h.probe)
	got := networktest.Speaks(h, 400*time.Millisecond)
	if want && !got && h.protocol == TCP {
		_ = h.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _ := h.Read(make([]byte, 5))
		got = n > 0
	} else if want && !got {
		got = networktest.Speaks(h, 2*time.Second)
	}
	if got != want {
		g.w.t.Errorf("the open connection %s -> %s protocol %d from port %d lives: predicted %v, tried %v", h.from.IP, h.to, h.protocol, h.source, want, got)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if got {
		g.lived++
	} else {
		g.died++
	}
}
