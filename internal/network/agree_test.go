package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// TestKernelAgreesWithExplain changes a VPC at random, again and again, with a
// restart now and then, and compares for many flows what Explain says with what
// packets do. It proves the plan, the difference that is applied, adoption and the
// explanation at once.
func TestKernelAgreesWithExplain(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if again, err := strconv.ParseUint(os.Getenv("NEARGATE_SEED"), 10, 64); err == nil {
		seed = again
	}
	t.Logf("NEARGATE_SEED=%d", seed)
	m := &mutator{Rand: rand.New(rand.NewPCG(seed, 0)), w: newWorld(t), open: map[string]bool{}}
	for _, port := range []string{":80", ":443"} {
		m.w.serve(m.w.Internet.Path, "0.0.0.0"+port, "internet")
	}
	m.v = example()
	m.v.SecurityGroups = m.v.SecurityGroups[:0:0]
	for _, id := range []string{"sg-task", "sg-closed", "sg-endpoint"} {
		m.v.SecurityGroups = append(m.v.SecurityGroups, SecurityGroup{ID: id})
	}
	m.v.NetworkACLs = append(m.v.NetworkACLs, NetworkACL{ID: "acl-b"})
	const rounds = 4
	for round := range rounds {
		m.change()
		if round%2 == 1 {
			must(t, m.w.Close())
			m.w.start()
			m.hosted = nil
		}
		m.w.set(m.v)
		must(t, m.w.Keep(context.Background(), []string{m.v.ID}))
		m.serve()
		m.compare(round)
		if t.Failed() {
			t.Fatalf("round %d:\n%s", round, Plan(m.w.site, m.v, 0))
		}
	}
}

// mutator is a VPC that changes.
type mutator struct {
	*rand.Rand
	w      *world
	v      VPC
	open   map[string]bool // ENIs with servers
	hosted []net.Listener
	rules  int
	enis   int
}

func (m *mutator) chance(percent int) bool { return m.IntN(100) < percent }

func pick[T any](m *mutator, all ...T) T { return all[m.IntN(len(all))] }

// change gives some groups, route tables and interfaces new contents.
func (m *mutator) change() {
	m.v = clone(m.v)
	for i := range m.v.SecurityGroups {
		g := &m.v.SecurityGroups[i]
		if m.chance(60) {
			g.Egress = m.someRules()
		}
		if m.chance(60) {
			g.Ingress = m.someRules()
		}
	}
	for i := range m.v.RouteTables {
		if m.chance(40) {
			m.v.RouteTables[i].Routes = m.routes()
		}
	}
	for i := range m.v.NetworkACLs {
		if m.chance(40) {
			m.v.NetworkACLs[i].Entries = append(m.entries(true), m.entries(false)...)
		}
	}
	for i := range m.v.Subnets {
		if m.chance(20) {
			m.v.Subnets[i].NetworkACL = pick(m, "acl-default", "acl-b", "acl-gone")
		}
	}
	for i := range m.v.ENIs {
		e := &m.v.ENIs[i]
		if m.chance(20) {
			e.Groups = []string{pick(m, "sg-task", "sg-closed", "sg-endpoint"), "sg-gone"}[:1+m.IntN(2)]
		}
		if m.chance(20) {
			e.PublicIP = netip.Addr{}
			if m.chance(60) {
				e.PublicIP = netip.AddrFrom4([4]byte{198, 19, 0, byte(1 + i)})
			}
		}
	}
	if m.chance(50) { // one interface goes, another one takes its address
		i := 1 + m.IntN(5)
		delete(m.open, m.v.ENIs[i].ID)
		m.enis++
		m.v.ENIs[i].ID = fmt.Sprintf("eni-new%d", m.enis)
	}
}

func (m *mutator) someRules() []Rule {
	var rules []Rule
	for range m.IntN(5) {
		m.rules++
		r := Rule{ID: fmt.Sprintf("sgr-%d", m.rules), Protocol: pick(m, AnyProtocol, AnyProtocol, TCP, TCP, TCP, UDP, ICMP), ICMPType: -1, ICMPCode: -1}
		r.FromPort, r.ToPort = 0, 65535
		if m.chance(60) {
			r.FromPort = pick(m, 80, 100, 443)
			r.ToPort = max(r.FromPort, pick(m, 80, 443, 500))
		}
		switch m.IntN(4) {
		case 0:
			r.Group = pick(m, "sg-task", "sg-closed", "sg-endpoint", "sg-gone")
		case 1:
			r.PrefixList = "pl-s3"
		default:
			r.CIDR = prefix(pick(m, "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/16", "10.0.3.0/24", "10.0.1.10/32", "203.0.113.0/24", "::/0", "::/0", "2001:db8:0:101::/64", "3fff::/64", "198.18.0.0/15"))
		}
		rules = append(rules, r)
	}
	return rules
}

// entries allow most of the time: a network that drops everything proves little.
func (m *mutator) entries(egress bool) []ACLEntry {
	var entries []ACLEntry
	for n := range m.IntN(4) {
		e := ACLEntry{Number: 10 * (n + 1), Egress: egress, Allow: m.chance(50), Protocol: pick(m, AnyProtocol, TCP, TCP, UDP), FromPort: 1024, ToPort: 65535, ICMPType: -1, ICMPCode: -1}
		if m.chance(70) {
			e.FromPort = pick(m, 80, 100, 443)
			e.ToPort = max(e.FromPort, pick(m, 80, 443, 500))
		}
		e.CIDR = prefix(pick(m, "0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/16", "10.0.3.0/24", "10.0.1.10/32", "203.0.113.0/24", "198.18.0.0/15", "::/0", "2001:db8:0:101::/64"))
		entries = append(entries, e)
	}
	if m.chance(75) {
		entries = append(entries, ACLEntry{Number: 100, Egress: egress, Allow: true, Protocol: AnyProtocol, CIDR: defaultRoute},
			ACLEntry{Number: 101, Egress: egress, Allow: true, Protocol: AnyProtocol, CIDR: everywhere6})
	}
	return entries
}

func (m *mutator) routes() []Route {
	var routes []Route
	for _, d := range []string{"0.0.0.0/0", "203.0.113.0/25", "198.18.128.0/17", "128.0.0.0/1", "203.0.113.9/32"} {
		if m.chance(50) {
			t := pick(m, Target{InternetGateway, "igw-1"}, Target{InternetGateway, "igw-1"}, Target{NATGateway, "nat-1"}, Target{NATGateway, "nat-gone"}, Target{Kind: Blackhole})
			routes = append(routes, Route{Destination: prefix(d), Target: t})
		}
	}
	for _, d := range []string{"::/0", "3fff::/32", "3fff::9/128"} {
		if m.chance(50) {
			t := pick(m, Target{InternetGateway, "igw-1"}, Target{EgressOnlyGateway, "eigw-1"}, Target{EgressOnlyGateway, "eigw-1"}, Target{Kind: Blackhole})
			routes = append(routes, Route{Destination: prefix(d), Target: t})
		}
	}
	if m.chance(50) {
		routes = append(routes, Route{PrefixList: "pl-s3", Target: Target{GatewayEndpoint, "vpce-s3"}})
	}
	return routes
}

// serve lets every address of the VPC answer on both ports.
func (m *mutator) serve() {
	for _, e := range m.v.ENIs {
		if e.Kind == Attached && !m.open[e.ID] {
			m.open[e.ID] = true
			for _, port := range []string{":80", ":443"} {
				m.w.serve(m.w.NetNS(e.ID), "0.0.0.0"+port, "task")
			}
		}
	}
	if m.hosted == nil {
		for _, port := range []string{":80", ":443"} {
			l, err := m.w.Listen(context.Background(), m.v.ID, "tcp4", "0.0.0.0"+port)
			must(m.w.t, err)
			networktest.Greet(m.w.t, l, "us")
			m.hosted = append(m.hosted, l)
		}
	}
}

// compare tries all flows at the same time.
func (m *mutator) compare(round int) {
	targets := []string{"203.0.113.9", "198.18.0.77", "198.18.200.1", "10.0.1.77"}
	for _, e := range m.v.ENIs {
		targets = append(targets, e.IP.String())
		if e.PublicIP.IsValid() {
			targets = append(targets, e.PublicIP.String())
		}
	}
	var flows sync.WaitGroup
	var mu sync.Mutex
	passed, dropped := 0, 0
	for _, e := range m.v.ENIs {
		for _, to := range targets {
			for _, port := range []int{80, 443} {
				if e.Kind == Attached {
					flows.Go(func() {
						f := Flow{From: e.ID, To: addr(to), Port: port, Protocol: TCP}
						hops := Explain(m.w.site, m.v, f)
						want, got := hops[len(hops)-1].Pass, m.reaches(f, 500*time.Millisecond)
						if want && !got {
							got = m.reaches(f, 5*time.Second) // a busy machine is no disagreement
						}
						mu.Lock()
						defer mu.Unlock()
						if want {
							passed++
						} else {
							dropped++
						}
						if want != got {
							m.w.t.Errorf("round %d: %s -> %s:%d passes: explained %v, tried %v\n%+v", round, e.ID, to, port, want, got, hops)
						}
					})
				}
			}
		}
	}
	flows.Wait()
	m.w.t.Logf("round %d: %d flows pass, %d do not", round, passed, dropped)
}

// reaches tries a flow. A flow is dropped in silence, or nobody has the address.
func (m *mutator) reaches(f Flow, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c, err := m.w.Dialer(f.From)(ctx, "tcp", netip.AddrPortFrom(f.To, uint16(f.Port)).String())
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "timeout") && !strings.Contains(err.Error(), "no route to host") {
			m.w.t.Errorf("%v: %v", f, err)
		}
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	said, err := networktest.ReadAll(c)
	if err != nil || said == "" {
		m.w.t.Errorf("%v: connected, and then %q, %v", f, said, err)
	}
	return true
}
