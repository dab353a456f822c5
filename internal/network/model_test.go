package network

import (
	"net/netip"
	"slices"
)

// model predicts packets from what AWS documents of VPCs. It shares nothing with
// the code that it judges but the values: no plan, no paths, no Explain.
type model struct{ VPC }

// probe is a request from an interface to an address, and its answer.
type probe struct {
	from     ENI
	to       netip.Addr
	protocol int
	port     int // of the target
	source   int // port of the source
}

// sourceAddr is the address from which an interface calls another address, of the same family.
func (p probe) sourceAddr() netip.Addr {
	if p.to.Is6() {
		return p.from.IPv6
	}
	return p.from.IP
}

// passes reports whether the request arrives and its answer comes back.
func (m model) passes(p probe) bool {
	if !p.sourceAddr().IsValid() {
		return false
	}
	if p.sourceAddr() == p.to {
		return true
	}
	return m.groupsAllow(p.from, true, p.to, p.protocol, p.port) && m.arrives(p) && m.aclsAllow(p)
}

// arrives reports whether routes lead to the target, and its groups let it in.
func (m model) arrives(p probe) bool {
	if m.local(p.to) {
		target, ok := m.at(p.to)
		return ok && m.groupsAllow(target, false, p.sourceAddr(), p.protocol, p.port)
	}
	r, ok := m.route(m.subnetOf(p.from), p.to)
	if !ok {
		return false
	}
	switch r.Target.Kind {
	case GatewayEndpoint:
		return true
	case InternetGateway:
		return p.to.Is6() || p.from.PublicIP.IsValid()
	case EgressOnlyGateway:
		return p.to.Is6()
	case NATGateway:
		nat, ok := m.natOf(r)
		if !ok {
			return false
		}
		onward, ok := m.route(m.subnetOf(nat), p.to)
		return ok && (onward.Target.Kind == GatewayEndpoint || onward.Target.Kind == InternetGateway && nat.PublicIP.IsValid())
	}
	return false
}

// aclsAllow asks each network ACL on the way there and back.
func (m model) aclsAllow(p probe) bool {
	own := m.subnetOf(p.from)
	far := Subnet{}
	if target, ok := m.at(p.to); ok && m.local(p.to) {
		far = m.subnetOf(target)
	} else if r, ok := m.route(own, p.to); ok && r.Target.Kind == NATGateway {
		if nat, ok := m.natOf(r); ok && nat.Subnet != own.ID {
			via := m.subnetOf(nat)
			if !m.acl(via, false, p.sourceAddr(), p.protocol, p.port) || !m.acl(via, true, p.to, p.protocol, p.port) ||
				!m.acl(via, false, p.to, p.protocol, p.source) || !m.acl(via, true, p.sourceAddr(), p.protocol, p.source) {
				return false
			}
		}
	}
	if far.ID == own.ID {
		return true
	}
	if far.ID != "" && (!m.acl(far, false, p.sourceAddr(), p.protocol, p.port) || !m.acl(far, true, p.sourceAddr(), p.protocol, p.source)) {
		return false
	}
	return m.acl(own, true, p.to, p.protocol, p.port) && m.acl(own, false, p.to, p.protocol, p.source)
}

// lives reports whether a connection between two interfaces that was open
// before goes on now.
func (m model) lives(before model, p probe) bool {
	then, _ := before.at(p.to)
	was := p.from
	target, ok := m.at(p.to)
	from, ok2 := m.at(p.sourceAddr())
	if p.from = from; p.protocol == UDP && m.passes(p) {
		return true // a datagram can begin it anew
	}
	if !ok || !ok2 || !m.aclsAllow(p) {
		return false
	}
	if before.untracked(was, true, p.protocol, p.port, p.to) &&
		!(m.groupsAllow(from, true, p.to, p.protocol, p.port) && m.groupsAllow(from, false, p.to, p.protocol, p.source)) {
		return false
	}
	if before.untracked(then, false, p.protocol, p.port, p.to) &&
		!(m.groupsAllow(target, false, p.sourceAddr(), p.protocol, p.port) && m.groupsAllow(target, true, p.sourceAddr(), p.protocol, p.source)) {
		return false
	}
	return true
}

// untracked reports whether an interface's groups allow the port from or to
// everywhere, and all answers.
func (m model) untracked(e ENI, egress bool, protocol, port int, peer netip.Addr) bool {
	everything := prefix("0.0.0.0/0")
	if peer.Is6() {
		everything = prefix("::/0")
	}
	open := func(rules []Rule, port int) bool {
		return slices.ContainsFunc(rules, func(r Rule) bool {
			return r.CIDR == everything && (r.Protocol == AnyProtocol || r.Protocol == protocol && (r.FromPort <= 0 && r.ToPort == 65535 || r.FromPort <= port && port <= r.ToPort))
		})
	}
	return open(m.rules(e, egress), port) && open(m.rules(e, !egress), -2) // no range but the whole one has that port
}

func (m model) rules(e ENI, egress bool) []Rule {
	var all []Rule
	for _, g := range m.SecurityGroups {
		if slices.Contains(e.Groups, g.ID) {
			if egress {
				all = append(all, g.Egress...)
			} else {
				all = append(all, g.Ingress...)
			}
		}
	}
	return all
}

func (m model) groupsAllow(e ENI, egress bool, peer netip.Addr, protocol, port int) bool {
	return slices.ContainsFunc(m.rules(e, egress), func(r Rule) bool {
		if r.Protocol != AnyProtocol && (r.Protocol != protocol || port < r.FromPort || port > r.ToPort) {
			return false
		}
		switch {
		case r.Group != "":
			known := slices.ContainsFunc(m.SecurityGroups, func(g SecurityGroup) bool { return g.ID == r.Group })
			other, ok := m.at(peer)
			return ok && known && slices.Contains(other.Groups, r.Group)
		case r.PrefixList != "":
			return slices.ContainsFunc(m.PrefixLists[0].Prefixes, func(p netip.Prefix) bool { return p.Contains(peer) })
		}
		return r.CIDR.Contains(peer)
	})
}

// acl is what the network ACL of a subnet says of one packet.
func (m model) acl(s Subnet, egress bool, peer netip.Addr, protocol, port int) bool {
	best, allowed := 1<<20, false
	i := slices.IndexFunc(m.NetworkACLs, func(a NetworkACL) bool { return a.ID == s.NetworkACL })
	if i < 0 {
		return true
	}
	for _, e := range m.NetworkACLs[i].Entries {
		matches := e.Egress == egress && e.CIDR.Contains(peer) && (e.Protocol == AnyProtocol || e.Protocol == protocol && e.FromPort <= port && port <= e.ToPort)
		if matches && e.Number < best {
			best, allowed = e.Number, e.Allow
		}
	}
	return allowed
}

// route is the longest one that matches.
func (m model) route(s Subnet, to netip.Addr) (best Route, ok bool) {
	bits := -1
	for _, t := range m.RouteTables {
		for _, r := range t.Routes {
			prefixes := []netip.Prefix{r.Destination}
			if r.PrefixList != "" {
				prefixes = m.PrefixLists[0].Prefixes
			}
			for _, p := range prefixes {
				if t.ID == s.RouteTable && p.Contains(to) && p.Bits() > bits {
					best, ok, bits = r, true, p.Bits()
				}
			}
		}
	}
	return best, ok
}

func (m model) local(a netip.Addr) bool { return m.CIDRs[0].Contains(a) || m.IPv6CIDRs[0].Contains(a) }

func (m model) at(a netip.Addr) (ENI, bool) {
	i := slices.IndexFunc(m.ENIs, func(e ENI) bool { return e.IP == a || e.IPv6 == a })
	if i < 0 {
		return ENI{}, false
	}
	return m.ENIs[i], true
}

func (m model) subnetOf(e ENI) Subnet {
	i := slices.IndexFunc(m.Subnets, func(s Subnet) bool { return s.ID == e.Subnet })
	return m.Subnets[i]
}

func (m model) natOf(r Route) (ENI, bool) {
	i := slices.IndexFunc(m.ENIs, func(e ENI) bool { return e.Kind == NAT && e.Owner == r.Target.ID })
	if i < 0 {
		return ENI{}, false
	}
	return m.ENIs[i], true
}
