package network

import (
	"context"
	"testing"
)

// peerable returns the example in a range of its own, for peering.
func peerable(suffix, second string) VPC {
	v := named(suffix)
	move := func(p string) string { return "10." + second + p[len("10.0"):] }
	v.CIDRs[0] = prefix(move(v.CIDRs[0].String()))
	for i := range v.Subnets {
		v.Subnets[i].CIDR = prefix(move(v.Subnets[i].CIDR.String()))
	}
	for i := range v.ENIs {
		v.ENIs[i].IP = addr(move(v.ENIs[i].IP.String()))
	}
	v.renumber(addr("198.19." + second + ".0"))
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-peers", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("10.0.0.0/8")}}
	return v
}

// peered connects two VPCs and gives the isolated subnet of the first a route.
func peered(v, with VPC, id string) VPC {
	v = clone(v)
	v.Peerings = append(v.Peerings[:len(v.Peerings):len(v.Peerings)], Peering{ID: id, VPC: with.ID, CIDRs: with.CIDRs, Present: true, Remote: &with})
	v.RouteTables[2].Routes = append(v.RouteTables[2].Routes[:len(v.RouteTables[2].Routes):len(v.RouteTables[2].Routes)],
		Route{Destination: with.CIDRs[0], Target: Target{VPCPeering, id}})
	return v
}

// Packets cross a peering connection where both sides have a route, under the
// groups of both, and go no further.
func TestPeering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := peerable("-a", "1"), peerable("-b", "2"), peerable("-c", "3")
	ab, ba := peered(a, b, "pcx-ab"), peered(b, a, "pcx-ab")
	bc, cb := peered(ba, c, "pcx-bc"), peered(c, b, "pcx-bc")
	// Transitive routing is asked for, and not done.
	ab.RouteTables[2].Routes = append(ab.RouteTables[2].Routes, Route{Destination: c.CIDRs[0], Target: Target{VPCPeering, "pcx-ab"}})
	for range 2 { // what is set first finds nobody there
		w.set(ab)
		w.set(bc)
		w.set(cb)
	}
	for _, suffix := range []string{"-a", "-b", "-c"} {
		w.serve(w.NetNS("eni-isolated"+suffix), "0.0.0.0:80", "task"+suffix)
		w.serve(w.NetNS("eni-public"+suffix), "0.0.0.0:80", "public"+suffix)
	}
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to 10.1.3.10 at 10.2.3.10")
	w.expect("eni-isolated-b", "10.1.3.10:80", "task-a to 10.2.3.10 at 10.1.3.10")
	w.expect("eni-isolated-c", "10.2.3.10:80", "task-b to 10.3.3.10 at 10.2.3.10")
	w.expect("eni-isolated-a", "10.3.3.10:80", "time-out") // not transitive
	w.expect("eni-isolated-a", "10.2.1.10:80", "time-out") // no route back from that subnet
	w.expect("eni-public-a", "10.2.3.10:80", "time-out")   // no route there
	w.expect("eni-closed-a", "10.2.3.10:80", "time-out")   // no egress rule
	w.expect("eni-isolated-a", "10.2.3.11:80", "time-out") // no ingress rule
	for _, tt := range []struct {
		from, to string
		want     HopKind
		pass     bool
	}{
		{"eni-isolated-a", "10.2.3.10", HopIngress, true}, {"eni-isolated-a", "10.2.1.10", HopRoute, false}, {"eni-isolated-a", "10.3.3.10", HopRoute, false},
		{"eni-public-a", "10.2.3.10", HopRoute, false}, {"eni-isolated-a", "10.2.3.11", HopIngress, false},
	} {
		full := ab
		full.Peerings[0].Remote = &bc
		hops := Explain(w.site, full, Flow{From: tt.from, To: addr(tt.to), Port: 80, Protocol: TCP})
		if last := hops[len(hops)-1]; last.Kind != tt.want || last.Pass != tt.pass {
			t.Errorf("%s -> %s: %+v", tt.from, tt.to, hops)
		}
	}

	must(t, w.Close())
	w.start()
	w.set(ab)
	w.set(bc)
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to 10.1.3.10 at 10.2.3.10")

	must(t, w.Remove(context.Background(), b.ID)) // and it comes again
	w.set(bc)
	w.set(ab)
	w.serve(w.NetNS("eni-isolated-b"), "0.0.0.0:80", "new task-b")
	w.expect("eni-isolated-a", "10.2.3.10:80", "new task-b to 10.1.3.10 at 10.2.3.10")

	w.set(a) // without the connection
	w.expect("eni-isolated-a", "10.2.3.10:80", "time-out")
	w.expect("eni-isolated-b", "10.1.3.10:80", "time-out")
}

// A private NAT gateway hides a subnet behind an address of its own.
func TestPrivateNATThroughPeering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := peerable("-a", "1"), peerable("-b", "2")
	ab, ba := peered(a, b, "pcx-ab"), peered(b, a, "pcx-ab")
	ab.ENIs = append(ab.ENIs, ENI{ID: "eni-private-nat", Kind: NAT, Owner: "nat-private", Subnet: "subnet-isolated", IP: addr("10.1.3.99")})
	ab.RouteTables[1].Routes = []Route{{Destination: defaultRoute, Target: Target{NATGateway, "nat-private"}}}
	w.set(ab)
	w.set(ba)
	w.set(ab)
	w.serve(w.NetNS("eni-isolated-b"), "0.0.0.0:80", "task-b")
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	w.expect("eni-behind-a", "10.2.3.10:80", "task-b to 10.1.3.99 at 10.2.3.10")
	w.expect("eni-behind-a", internetAddr+":80", "time-out")
}

// Rules may name groups of the other VPC: they mean the addresses that carry the
// group there, now.
func TestPeeringGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := peerable("-a", "1"), peerable("-b", "2")
	ab, ba := peered(a, b, "pcx-groups"), peered(b, a, "pcx-groups")
	ab.SecurityGroups = append(ab.SecurityGroups, SecurityGroup{ID: "sg-client"})
	member := func(v VPC, id string) {
		for i := range v.ENIs {
			if v.ENIs[i].ID == id {
				v.ENIs[i].Groups = append(v.ENIs[i].Groups[:len(v.ENIs[i].Groups):len(v.ENIs[i].Groups)], "sg-client")
			}
		}
	}
	member(ab, "eni-isolated-a")
	client, _ := ab.ENI("eni-isolated-a")
	ba.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-client", Protocol: TCP, FromPort: 80, ToPort: 80, Group: "sg-client"}}
	named := clone(ba)
	named.PeerGroups = []PeerGroup{{ID: "sg-client", Members: ab.members("sg-client")}}
	for range 2 {
		w.set(ab)
		w.set(named)
	}
	w.serve(w.NetNS("eni-isolated-b"), "0.0.0.0:80", "task-b")
	explained := func(v VPC, want bool) {
		t.Helper()
		full := clone(ab)
		full.Peerings[0].Remote = &v
		hops := Explain(w.site, full, Flow{From: "eni-isolated-a", To: addr("10.2.3.10"), Port: 80, Protocol: TCP})
		if last := hops[len(hops)-1]; last.Pass != want || last.Kind != HopIngress {
			t.Errorf("explained as %+v", hops)
		}
	}
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to "+client.IP.String()+" at 10.2.3.10")
	explained(named, true)
	nobody := clone(named)
	nobody.PeerGroups = []PeerGroup{{ID: "sg-client"}} // nobody carries it any more
	w.set(nobody)
	w.expect("eni-isolated-a", "10.2.3.10:80", "time-out")
	explained(nobody, false)
	w.set(ba) // the group, or the connection, is gone: the rule is stale
	w.expect("eni-isolated-a", "10.2.3.10:80", "time-out")
	explained(ba, false)
	w.set(named)
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to "+client.IP.String()+" at 10.2.3.10")
}

// A route may name a prefix list: each of its ranges is a route, and packets
// follow when the list changes.
func TestRoutesOfPrefixLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := peerable("-a", "1"), peerable("-b", "2")
	ab, ba := peered(a, b, "pcx-list"), peered(b, a, "pcx-list")
	routes := ab.RouteTables[2].Routes
	routes[len(routes)-1] = Route{PrefixList: "pl-offices", Target: Target{VPCPeering, "pcx-list"}}
	listed := func(prefixes ...string) VPC {
		v := clone(ab)
		list := PrefixList{ID: "pl-offices"}
		for _, p := range prefixes {
			list.Prefixes = append(list.Prefixes, prefix(p))
		}
		v.PrefixLists = append(v.PrefixLists[:len(v.PrefixLists):len(v.PrefixLists)], list)
		return v
	}
	for range 2 {
		w.set(listed("192.168.0.0/24", "10.2.3.0/24"))
		w.set(ba)
	}
	w.serve(w.NetNS("eni-isolated-b"), "0.0.0.0:80", "task-b")
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to 10.1.3.10 at 10.2.3.10")
	w.set(listed("192.168.0.0/24"))
	w.expect("eni-isolated-a", "10.2.3.10:80", "time-out")
	w.set(listed("10.2.3.10/32"))
	w.expect("eni-isolated-a", "10.2.3.10:80", "task-b to 10.1.3.10 at 10.2.3.10")
	w.set(listed())
	w.expect("eni-isolated-a", "10.2.3.10:80", "time-out")
}
