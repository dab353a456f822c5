package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// After rules change, connections that AWS tracks live on, and those that it does
// not live on rules alone.
func TestRevokedRulesAndOpenConnections(t *testing.T) {
	t.Parallel()
	everywhere := func(id string, protocol, port int) Rule {
		r := Rule{ID: id, Protocol: protocol, FromPort: port, ToPort: port, ICMPType: -1, ICMPCode: -1, CIDR: defaultRoute}
		if port == 0 {
			r.ToPort = 65535
		}
		return r
	}
	near := func(id string, protocol, port int) Rule {
		r := everywhere(id, protocol, port)
		r.CIDR = prefix("10.0.0.0/16")
		return r
	}
	all, inner := everywhere("sgr-all", AnyProtocol, 0), near("sgr-near", AnyProtocol, 0)
	for name, c := range map[string]struct {
		network                          string
		clientOut, clientIn, in, out     []Rule // before
		clientOut2, clientIn2, in2, out2 []Rule // after
		lives                            bool
	}{
		"tracked: allowed from a range":            {"tcp", []Rule{all}, nil, []Rule{near("sgr-1", TCP, 7)}, []Rule{all}, []Rule{all}, nil, nil, []Rule{all}, true},
		"untracked: open in both directions":       {"tcp", []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, []Rule{all}, []Rule{all}, nil, nil, []Rule{all}, false},
		"untracked, and another rule allows it":    {"tcp", []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, []Rule{all}, []Rule{all}, nil, []Rule{near("sgr-2", TCP, 7)}, []Rule{all}, true},
		"tracked: replies are not open":            {"tcp", []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, []Rule{inner}, []Rule{all}, nil, nil, []Rule{inner}, true},
		"tracked: replies are open for some ports": {"tcp", []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, []Rule{{ID: "sgr-2", Protocol: TCP, FromPort: 1024, ToPort: 65535, CIDR: defaultRoute}}, []Rule{all}, nil, nil, nil, true},
		"untracked: the replies' rule goes":        {"tcp", []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, []Rule{all}, []Rule{all}, nil, []Rule{everywhere("sgr-1", TCP, 7)}, nil, false},
		"tracked at the client":                    {"tcp", []Rule{all}, nil, []Rule{inner}, nil, nil, nil, []Rule{inner}, nil, true},
		"untracked at the client":                  {"tcp", []Rule{all}, []Rule{everywhere("sgr-3", TCP, 0)}, []Rule{inner}, nil, nil, []Rule{everywhere("sgr-3", TCP, 0)}, []Rule{inner}, nil, false},
		"untracked UDP":                            {"udp", []Rule{all}, nil, []Rule{everywhere("sgr-1", UDP, 7)}, []Rule{all}, []Rule{all}, nil, nil, []Rule{all}, false},
		"tracked UDP":                              {"udp", []Rule{all}, nil, []Rule{near("sgr-1", UDP, 7)}, []Rule{all}, []Rule{all}, nil, nil, []Rule{all}, true},
	} {
		for _, restarted := range []bool{false, true} {
			if restarted && name != "untracked: open in both directions" {
				continue // the marks are the kernel's: one proof is enough
			}
			t.Run(fmt.Sprintf("%s, restarted %v", name, restarted), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				v := twoGroups(c.clientOut, c.clientIn, c.in, c.out)
				w.set(v)
				networktest.Echo(t, networktest.Listen(t, w.NetNS("eni-server"), "0.0.0.0:7"))
				networktest.EchoPackets(t, networktest.ListenPacket(t, w.NetNS("eni-server"), "0.0.0.0:7"))
				open := w.connect("eni-client", c.network, "10.0.2.10:7")
				if restarted {
					must(t, w.Close())
					w.start()
				}
				w.set(twoGroups(c.clientOut2, c.clientIn2, c.in2, c.out2))
				if lives := networktest.Speaks(open, map[bool]time.Duration{true: 5 * time.Second, false: 400 * time.Millisecond}[c.lives]); lives != c.lives {
					t.Errorf("the connection lives: %v, want %v", lives, c.lives)
				}
			})
		}
	}
}

// twoGroups is a VPC with a client and a server in subnets of their own.
func twoGroups(clientOut, clientIn, in, out []Rule) VPC {
	renamed := func(prefix string, rules []Rule) []Rule {
		var all []Rule
		for _, r := range rules {
			r.ID = prefix + r.ID
			all = append(all, r)
		}
		return all
	}
	return VPC{
		ID: "vpc-a", CIDRs: []netip.Prefix{prefix("10.0.0.0/16")},
		Subnets: []Subnet{{ID: "subnet-1", CIDR: prefix("10.0.1.0/24")}, {ID: "subnet-2", CIDR: prefix("10.0.2.0/24")}},
		SecurityGroups: []SecurityGroup{
			{ID: "sg-client", Egress: renamed("a", clientOut), Ingress: renamed("b", clientIn)}, {ID: "sg-server", Egress: renamed("c", out), Ingress: renamed("d", in)},
		},
		ENIs: []ENI{
			{ID: "eni-client", Kind: Attached, Subnet: "subnet-1", IP: addr("10.0.1.10"), Groups: []string{"sg-client"}},
			{ID: "eni-server", Kind: Attached, Subnet: "subnet-2", IP: addr("10.0.2.10"), Groups: []string{"sg-server"}},
		},
	}
}

// connect opens a connection and hears the first echo over it.
func (w *world) connect(eni, network, address string) net.Conn {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := w.Dialer(eni)(ctx, network, address)
	must(w.t, err)
	w.t.Cleanup(func() { c.Close() })
	if !networktest.Speaks(c, 5*time.Second) {
		w.t.Fatal("no echo")
	}
	return c
}

// What passes NAT gateways and interface endpoints is tracked whatever the rules say.
func TestTrackedAnyway(t *testing.T) {
	v := example()
	v.SecurityGroups[0].Egress = nil
	from := func(eni string) netip.AddrPort { e, _ := v.ENI(eni); return netip.AddrPortFrom(e.IP, 40000) }
	at := netip.MustParseAddrPort
	for _, c := range []struct {
		from, to string
		keeps    bool
	}{
		{"eni-behind", "203.0.113.9:80", true},
		{"eni-isolated", "10.0.3.20:443", true},
		{"eni-public", "203.0.113.9:80", false},
		{"eni-isolated", "10.0.1.10:80", false},
		{"eni-isolated", "198.18.0.7:443", false}, // by a gateway endpoint
	} {
		conn := connection{Protocol: TCP, From: from(c.from), To: at(c.to), Source: at(c.to), Mark: untracked | untrackedOut}
		if got := v.keeps(site, conn); got != c.keeps {
			t.Errorf("%s to %s: kept %v", c.from, c.to, got)
		}
	}
}
