package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/neargate/neargate/internal/network"

	zones "github.com/neargate/neargate/internal/dns"
)

// The hops that are not the network's.
const (
	hopDNS      network.HopKind = "dns"      // the name of the target
	hopListener network.HopKind = "listener" // what listens on the target's port
)

// Network is what a trace needs to know of a VPC.
type Network struct {
	Site network.Site
	VPC  network.VPC
	Zone zones.Zone
	// Other is the target's VPC when it is another one.
	Other network.VPC
}

// peered reports whether an active peering connection leads to a VPC.
func (n Network) peered(vpc string) bool {
	return slices.ContainsFunc(n.VPC.Peerings, func(p network.Peering) bool { return p.VPC == vpc })
}

// Path is the way of a connection from one end to another as it was computed.
type Path struct {
	Addr netip.Addr    // what the target's name or interface meant; invalid when its name has no address
	Hops []network.Hop // never empty; the last one decided
}

// Pass reports whether the connection comes about.
func (p Path) Pass() bool { return p.Hops[len(p.Hops)-1].Pass }

// Trace follows a connection. The network is the source's; the target's when it
// comes from the internet. It is pure.
func Trace(n Network, from, to End, port Port) Path {
	if from.Kind == Internet {
		return n.inbound(from, to, port)
	}
	addrs, hop := n.resolve(from, to)
	if len(addrs) == 0 {
		return Path{Hops: []network.Hop{hop}}
	}
	var first *Path
	for _, a := range addrs { // clients try them in turn
		p := Path{Addr: a}
		if hop.Kind != "" {
			p.Hops = append(p.Hops, hop)
		}
		p.Hops = append(p.Hops, n.follow(from, to, a, port)...)
		if p.Pass() {
			return p
		}
		if first == nil {
			first = &p
		}
	}
	return *first
}

// inbound is the way from the internet to an interface.
func (n Network) inbound(from, to End, port Port) Path {
	if to.Kind != Interface {
		return Path{Addr: to.Addr, Hops: []network.Hop{{Kind: network.HopTarget, ID: to.Name, Code: network.CodeNoDestination, Text: to.Name + " is no interface of a VPC"}}}
	}
	target, _ := n.VPC.ENI(to.ENI)
	port = port.to(from.Addr)
	hops := network.ExplainInbound(n.Site, n.VPC, from.Addr, to.ENI, port.Port, port.Protocol)
	public := to.Public
	if from.Addr.Is6() {
		public = to.IPv6
	}
	return Path{Addr: public, Hops: n.explainDenial(hops, network.ENI{}, target, port)}
}

// resolve gives the addresses of a target as the source's resolver does, with a
// hop when there was a name to resolve.
func (n Network) resolve(from, to End) ([]netip.Addr, network.Hop) {
	switch to.Kind {
	case Interface:
		if to.VPC != from.VPC && to.Public.IsValid() && !n.peered(to.VPC) {
			return []netip.Addr{to.Public}, network.Hop{}
		}
		return []netip.Addr{to.Addr}, network.Hop{}
	case Name:
		return n.lookup(to)
	}
	return []netip.Addr{to.Addr}, network.Hop{}
}

func (n Network) lookup(to End) ([]netip.Addr, network.Hop) {
	hop := network.Hop{Kind: hopDNS, ID: to.Host}
	if !n.VPC.DNSSupport {
		hop.Text = fmt.Sprintf("DNS support is off in %s, so %s does not resolve", n.VPC.ID, to.Host)
		return nil, hop
	}
	answer, known := n.Zone.Lookup(to.Host, dns.TypeA)
	if !known && to.Addr.IsValid() { // the resolvers of this machine know it
		answer = zones.Answer{Addrs: []netip.Addr{to.Addr}, Origin: zones.FromHost}
	}
	if len(answer.Addrs) == 0 {
		hop.Text = fmt.Sprintf("%s has no address in %s", to.Host, n.VPC.ID)
		return nil, hop
	}
	hop.Pass = true
	var list []string
	for _, a := range answer.Addrs {
		list = append(list, a.String())
	}
	hop.Text = to.Host + " is " + strings.Join(list, ", ")
	switch answer.Origin {
	case zones.FromEndpoint:
		hop.Text += ", by the private DNS of " + answer.Endpoint
		hop.Rule = answer.Endpoint
	case zones.FromAWS:
		hop.Text += ", a public address of AWS"
	}
	return answer.Addrs, hop
}

// follow is the way of packets to an address.
func (n Network) follow(from, to End, a netip.Addr, port Port) []network.Hop {
	port = port.to(a)
	if to.Kind == Interface && to.VPC != from.VPC && a == to.Addr {
		for _, c := range n.VPC.CIDRs {
			if c.Contains(a) {
				return []network.Hop{{Kind: network.HopRoute, ID: n.VPC.ID, Rule: c.String(), Code: network.CodeNoRoute,
					Text: fmt.Sprintf("%s is in %s, but to %s the address belongs to its own range %s", to.Name, to.VPC, n.VPC.ID, c)}}
			}
		}
	}
	n.VPC.Peerings = slices.Clone(n.VPC.Peerings)
	for i, p := range n.VPC.Peerings {
		if p.VPC == n.Other.ID && n.Other.ID != "" {
			n.VPC.Peerings[i].Remote = &n.Other
		}
	}
	flow := network.Flow{From: from.ENI, To: a, Port: port.Port, Protocol: port.Protocol}
	hops := network.Explain(n.Site, n.VPC, flow)
	there := n
	if to.Kind == Interface && to.VPC != from.VPC {
		there.VPC = n.Other
		if hops[len(hops)-1].Pass && a == to.Public {
			hops = append(hops, network.ExplainInbound(n.Site, n.Other, n.seen(from, a, hops), to.ENI, port.Port, port.Protocol)...)
		}
	}
	if hops[len(hops)-1].Pass {
		return append(hops, network.ExplainReplies(n.Site, n.VPC, flow)...)
	}
	source, _ := n.VPC.ENI(from.ENI)
	target, ok := there.VPC.ENI(to.ENI)
	if !ok {
		target, _ = there.VPC.ENIByIP(a)
	}
	if hops[len(hops)-1].Kind == network.HopIngress {
		return there.explainDenial(hops, source, target, port)
	}
	return n.explainDenial(hops, source, target, port)
}

// seen is the address that the internet sees: that of the NAT gateway on the way,
// or the source's own public one, which is its IPv6 address for IPv6.
func (n Network) seen(from End, to netip.Addr, hops []network.Hop) netip.Addr {
	if to.Is6() {
		return from.IPv6
	}
	for _, h := range hops {
		if h.Kind != network.HopNAT {
			continue
		}
		for _, e := range n.VPC.ENIs {
			if e.Owner == h.ID {
				return e.PublicIP
			}
		}
	}
	return from.Public
}

// explainDenial adds to a security group that denies what it allows instead.
func (n Network) explainDenial(hops []network.Hop, source, target network.ENI, port Port) []network.Hop {
	last := &hops[len(hops)-1]
	switch {
	case last.Pass:
	case last.Kind == network.HopEgress:
		last.Text += "; " + allowed(n.VPC, source, true, port)
	case last.Kind == network.HopIngress:
		last.Text += "; " + allowed(n.VPC, target, false, port)
	}
	return hops
}
