package network

import (
	"fmt"
	"net/netip"
)

// ExplainInbound follows a packet from an address of the internet to an
// interface, in through the internet gateway to its public IP, and the way back,
// without which there is no connection. It is as Explain, but goes on to the
// interface's groups when it has no public IP: people then mend both.
func ExplainInbound(site Site, v VPC, from netip.Addr, to string, port, protocol int) []Hop {
	hops := []Hop{{Kind: HopInternet, ID: from.String(), Pass: true, Text: "from " + from.String()}}
	e, ok := v.ENI(to)
	if !ok {
		return append(hops, Hop{Kind: HopTarget, ID: to, Code: CodeNoDestination, Text: fmt.Sprintf("%s does not exist in %s", to, v.ID)})
	}
	if v = v.viewOf(from); v.isSix {
		if e, ok = v.ENI(to); !ok {
			return append(hops, Hop{Kind: HopTarget, ID: to, Code: CodeNoDestination, Text: to + " has no IPv6 address"})
		}
	}
	gateway, back := v.wayBack(site, e, from)
	flow := Flow{To: e.IP, Port: port, Protocol: protocol}
	ingress := v.filter(HopIngress, e, from, flow)
	switch {
	case e.Kind == Detached:
		return append(hops, Hop{Kind: HopTarget, ID: e.ID, Code: CodeAttachment, Text: e.ID + " is attached to nothing"})
	case !e.PublicIP.IsValid() && !v.isSix:
		hops = append(hops, Hop{Kind: HopGateway, ID: gateway, Code: CodeNotPublic, Text: fmt.Sprintf("%s has no public IP, so nobody outside of %s can address it", e.ID, v.ID)})
		if !ingress.Pass {
			hops = append(hops, ingress)
		}
		return hops
	case gateway == "":
		return append(hops, back)
	}
	arrives := fmt.Sprintf("%s translates %s to %s", gateway, e.PublicIP, e.IP)
	if v.isSix {
		arrives = fmt.Sprintf("%s leads to %s", gateway, e.IP)
	}
	hops = append(hops,
		Hop{Kind: HopGateway, ID: gateway, Pass: true, Text: arrives},
		Hop{Kind: HopTarget, ID: e.ID, Pass: true, Text: fmt.Sprintf("%s has the address %s in %s", e.ID, e.IP, e.Subnet)})
	s, _ := v.Subnet(e.Subnet)
	if acl, ok := v.judge(s, false, from, flow); ok {
		if hops = append(hops, acl); !acl.Pass {
			return hops
		}
	}
	if hops = append(hops, ingress); !ingress.Pass {
		return hops
	}
	if acl, ok := v.judgeReplies(border{s, true}, from, flow); ok {
		hops = append(hops, acl)
	}
	return hops
}

// wayBack is the internet gateway that an interface's replies to an address of
// the internet go out by, "" when they do not, and the hop that decided.
func (v VPC) wayBack(site Site, e ENI, to netip.Addr) (gateway string, decided Hop) {
	p := v.path(site, e, to)
	hops := p.hops(e, to)
	last := hops[len(hops)-1]
	if p.Route.Target.Kind != InternetGateway || e.Kind == NAT {
		return "", Hop{Kind: HopRoute, ID: p.Table, Rule: hops[0].Rule, Reply: true, Code: CodeNoRoute, Text: "of the reply: " + hops[0].Text + ", not to an internet gateway"}
	}
	return p.Route.Target.ID, last
}
