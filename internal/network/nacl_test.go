package network

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// guarded is the example with an ACL of its own on one subnet.
func guarded(subnet string, entries ...ACLEntry) VPC {
	v := clone(example())
	for i := range v.Subnets {
		if v.Subnets[i].ID == subnet {
			v.Subnets[i].NetworkACL = "acl-own"
		}
	}
	v.NetworkACLs = append([]NetworkACL{{ID: "acl-own", Entries: entries}}, v.NetworkACLs...)
	v.SecurityGroups[1] = SecurityGroup{ID: "sg-closed", Ingress: []Rule{{ID: "sgr-closed-in", Protocol: AnyProtocol, CIDR: defaultRoute}}}
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: AnyProtocol, CIDR: defaultRoute}}
	return v
}

func entry(number int, egress, allow bool, protocol, from, to int, cidr string) ACLEntry {
	return ACLEntry{Number: number, Egress: egress, Allow: allow, Protocol: protocol, FromPort: from, ToPort: to, ICMPType: -1, ICMPCode: -1, CIDR: prefix(cidr)}
}

var (
	allOut = entry(100, true, true, AnyProtocol, -1, -1, "0.0.0.0/0")
	allIn  = entry(100, false, true, AnyProtocol, -1, -1, "0.0.0.0/0")
)

// Explain names the entry that decides, on the way there and back.
func TestExplainNetworkACLs(t *testing.T) {
	const public, isolated, nat = "subnet-public", "subnet-isolated", "subnet-nat"
	for name, c := range map[string]struct {
		subnet  string
		entries []ACLEntry
		flow    Flow
		want    string
	}{
		"nothing is allowed in":         {isolated, []ACLEntry{allOut}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"but inside the subnet":         {isolated, nil, Flow{From: "eni-closed", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "egress sg-closed  false"},
		"the resolver is exempt":        {isolated, nil, Flow{From: "eni-isolated", To: addr("10.0.0.2"), Port: 53, Protocol: UDP}, "link 10.0.0.2  true"},
		"the lowest number decides":     {isolated, []ACLEntry{allOut, allIn, entry(90, false, false, TCP, 80, 80, "10.0.1.0/24")}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "nacl acl-own 90 false"},
		"for its ports":                 {isolated, []ACLEntry{allOut, allIn, entry(90, false, false, TCP, 80, 80, "10.0.1.0/24")}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 81, Protocol: TCP}, "ingress sg-task sgr-in true"},
		"and its range":                 {isolated, []ACLEntry{allOut, allIn, entry(90, false, false, TCP, 80, 80, "10.0.1.0/24")}, Flow{From: "eni-behind", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "ingress sg-task sgr-in true"},
		"replies need an entry":         {isolated, []ACLEntry{allIn}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"for all ephemeral ports":       {isolated, []ACLEntry{allIn, entry(100, true, true, TCP, 1024, 40000, "0.0.0.0/0")}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"or for the one":                {isolated, []ACLEntry{allIn, entry(100, true, true, TCP, 1024, 40000, "0.0.0.0/0")}, Flow{From: "eni-public", To: addr("10.0.3.10"), Port: 80, FromPort: 40000, Protocol: TCP}, "ingress sg-task sgr-in true"},
		"no way out":                    {public, []ACLEntry{allIn}, Flow{From: "eni-public", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"replies of the internet":       {public, []ACLEntry{allOut}, Flow{From: "eni-public", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"into the NAT gateway's subnet": {public, []ACLEntry{allOut, entry(100, false, true, TCP, 1024, 65535, "0.0.0.0/0")}, Flow{From: "eni-behind", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"out of it again":               {public, []ACLEntry{allIn, entry(100, true, true, TCP, 443, 443, "0.0.0.0/0")}, Flow{From: "eni-behind", To: addr("203.0.113.9"), Port: 80, Protocol: TCP}, "nacl acl-own 32767 false"},
		"echo requests are answered":    {nat, []ACLEntry{allOut, entry(1, false, true, ICMP, 0, 0, "0.0.0.0/0")}, Flow{From: "eni-behind", To: addr("203.0.113.9"), Port: 8, Protocol: ICMP}, "internet 203.0.113.9  true"},
	} {
		t.Run(name, func(t *testing.T) {
			v := guarded(c.subnet, c.entries...)
			if err := v.Validate(site); err != nil {
				t.Fatal(err)
			}
			hops := Explain(site, v, c.flow)
			last := hops[len(hops)-1]
			if got := strings.Join([]string{string(last.Kind), last.ID, last.Rule, map[bool]string{true: "true", false: "false"}[last.Pass]}, " "); got != c.want {
				t.Errorf("got %q, want %q; hops:\n%+v", got, c.want, hops)
			}
		})
	}
}

// Network ACLs judge every packet at the border of a subnet, and no other.
func TestNetworkACLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const isolated = "subnet-isolated"
	w.set(guarded(isolated, allOut, allIn))
	for _, eni := range []string{"eni-isolated", "eni-closed", "eni-public"} {
		w.serve(w.NetNS(eni), "0.0.0.0:80", "task")
	}
	networktest.Echo(t, networktest.Listen(t, w.NetNS("eni-isolated"), "0.0.0.0:7"))
	l, err := w.Listen(context.Background(), "vpc-a", "tcp4", "0.0.0.0:443")
	must(t, err)
	networktest.Greet(t, l, "us")
	l, err = w.Listen(context.Background(), "vpc-a", "tcp4", MetadataAddr.String()+":80")
	must(t, err)
	networktest.Greet(t, l, "metadata")
	w.serve(w.Internet.Path, internetAddr+":80", "internet")

	open, err := w.Dialer("eni-public")(context.Background(), "tcp", "10.0.3.10:7")
	must(t, err)
	defer open.Close()
	if !networktest.Speaks(open, 5*time.Second) {
		t.Fatal("no echo")
	}

	w.set(guarded(isolated, allOut))
	w.expect("eni-public", "10.0.3.10:80", "time-out")
	if networktest.Speaks(open, 300*time.Millisecond) {
		t.Error("a connection goes on though its packets are denied")
	}
	w.expect("eni-isolated", "10.0.3.11:80", "task to 10.0.3.10 at 10.0.3.11") // never inside a subnet
	w.expect("eni-isolated", "10.0.3.20:443", "us to 10.0.3.10 at 10.0.3.20")
	w.expect("eni-isolated", MetadataAddr.String()+":80", "metadata to 10.0.3.10 at 169.254.170.2")
	w.expect("eni-isolated", "198.18.0.7:443", "time-out") // the replies
	w.expect("eni-isolated", "10.0.1.10:80", "time-out")

	w.set(guarded(isolated, allIn, entry(50, true, true, TCP, 443, 443, "198.18.0.0/20")))
	w.expect("eni-isolated", "198.18.0.7:443", "us to 10.0.3.10 at 198.18.0.7")
	w.expect("eni-public", "10.0.3.10:80", "time-out") // no entry for its replies
	w.expect("eni-isolated", "10.0.1.10:80", "time-out")

	w.set(guarded("subnet-public", allOut, entry(100, false, true, TCP, 1024, 65535, "0.0.0.0/0")))
	w.expect("eni-behind", internetAddr+":80", "time-out") // not into the NAT gateway's subnet
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	w.set(guarded("subnet-public", allOut, allIn))
	w.expect("eni-behind", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	w.set(guarded("subnet-public", allIn, entry(100, true, true, TCP, 1024, 65535, "10.0.2.0/24")))
	w.expect("eni-behind", internetAddr+":80", "time-out") // nor out of it

	counters, err := w.Counters(context.Background(), "vpc-a")
	must(t, err)
	if n := counters.ACLEntries[ACLRule{"acl-own", true, LastEntry}]; n.Packets == 0 {
		t.Errorf("counters: %+v", counters.ACLEntries)
	}
	if w.vpcs["vpc-a"].drops == nil {
		return
	}
	for _, d := range w.Drops("eni-behind") {
		if d.ACL == (ACLRule{"acl-own", false, LastEntry}) && d.To == addr(internetAddr) && d.Port == 80 && !d.Egress {
			return
		}
	}
	t.Errorf("drops: %+v", w.Drops("eni-behind"))
}
