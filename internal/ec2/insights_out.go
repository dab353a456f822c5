package ec2

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/reach"
	"github.com/neargate/neargate/internal/state"
)

// tell writes down the components of a path that was found, there and back. A
// path to a gateway must go through it.
func (a *analysis) tell(p *state.NetworkInsightsPath, from, to reach.End, path reach.Path, port int) {
	forward, back := []network.Hop{}, []network.Hop{}
	for _, h := range path.Hops {
		if h.Reply {
			back = append(back, h)
		} else {
			forward = append(forward, h)
		}
	}
	through := func(id string) bool {
		return !insightsKind(id, "igw", "vpce") || slices.ContainsFunc(forward, func(h network.Hop) bool { return h.ID == id })
	}
	if !through(p.Destination) {
		for _, h := range forward {
			if h.Kind == network.HopRoute {
				a.Explanations = []ec2api.Explanation{{ExplanationCode: string(network.CodeNoRoute), Destination: a.component(p.Destination), RouteTable: a.component(h.ID), Vpc: a.component(a.view.ID)}}
			}
		}
		return
	}
	header := &ec2api.AnalysisPacketHeader{Protocol: p.Protocol, DestinationPortRanges: ports(port, port), SourcePortRanges: ports(0, 65535)}
	if path.Addr.IsValid() {
		header.DestinationAddresses = []string{host(path.Addr)}
	}
	if from.Addr.IsValid() {
		header.SourceAddresses = []string{host(from.Addr)}
	}
	a.found = true
	a.Forward = a.components(forward)
	if len(a.Forward) > 0 {
		a.Forward[0].OutboundHeader, a.Forward[len(a.Forward)-1].InboundHeader = header, header
	}
	a.Return = a.returning(from, to, back)
	for _, list := range [][]ec2api.PathComponent{a.Forward, a.Return} {
		for i := range list {
			list[i].SequenceNumber = new(int32(i + 1))
		}
	}
}

// components turns hops into the components of a path. What an interface lets in
// comes before the interface.
func (a *analysis) components(hops []network.Hop) []ec2api.PathComponent {
	var all []ec2api.PathComponent
	var target *ec2api.PathComponent
	for _, h := range hops {
		c := ec2api.PathComponent{Component: a.component(h.ID)}
		switch h.Kind {
		case network.HopENI:
			a.place(&c, h.ID)
		case network.HopTarget, network.HopEndpoint:
			if e, ok := a.view.ENI(h.ID); ok {
				a.place(&c, e.ID)
			}
			target = &c
			continue
		case network.HopEgress, network.HopIngress:
			c.SecurityGroupRule = a.groupRule(h)
		case network.HopNACL:
			c.AclRule = a.aclRule(h)
		case network.HopRoute:
			c.RouteTableRoute, c.Vpc = a.route(h), a.component(a.view.ID)
		case network.HopNAT, network.HopGateway:
			c.Vpc = a.component(a.view.ID)
		default:
			continue // addresses outside are no components
		}
		all = append(all, c)
	}
	if target != nil {
		all = append(all, *target)
	}
	return all
}

// returning are the components that replies meet: security groups let them pass.
func (a *analysis) returning(from, to reach.End, replies []network.Hop) []ec2api.PathComponent {
	var all []ec2api.PathComponent
	end := func(e reach.End) {
		if e.ENI != "" {
			c := ec2api.PathComponent{Component: a.component(e.ENI)}
			a.place(&c, e.ENI)
			all = append(all, c)
		}
	}
	end(to)
	all = append(all, a.components(replies)...)
	end(from)
	return all
}

// explain says what stops the packets of a path: every hop that does not pass.
func (a *analysis) explain(p *state.NetworkInsightsPath, path reach.Path) {
	for _, h := range path.Hops {
		if h.Pass {
			continue
		}
		e := ec2api.Explanation{ExplanationCode: string(h.Code), Vpc: a.component(a.view.ID)}
		switch h.Kind {
		case network.HopEgress, network.HopIngress:
			e.Direction = string(h.Kind)
			eni := a.interfaceOf(h, p, path)
			e.NetworkInterface = a.component(eni.ID)
			e.Subnet = a.component(eni.Subnet)
			for _, g := range eni.Groups {
				e.SecurityGroups = append(e.SecurityGroups, *a.component(g))
			}
		case network.HopNACL:
			e.Acl, e.AclRule = a.component(h.ID), a.aclRule(h)
			e.Direction = "ingress"
			if e.AclRule != nil && *e.AclRule.Egress {
				e.Direction = "egress"
			}
		case network.HopRoute:
			e.RouteTable, e.RouteTableRoute = a.component(h.ID), a.route(h)
			e.Destination = a.component(p.Destination)
		case network.HopNAT:
			e.NatGateway = a.component(h.ID)
		case network.HopGateway:
			e.InternetGateway = a.component(h.ID)
		default:
			e.Component = a.component(h.ID)
		}
		if h.Code == network.CodeNoPublicIP || h.Code == network.CodePrivateTarget {
			e.RouteTable, e.RouteTableRoute, e.Destination = nil, nil, nil
			e.InternetGateway = a.component(a.route(h).GatewayId)
		}
		a.Explanations = append(a.Explanations, e)
	}
}

// interfaceOf is the interface whose groups a hop is about.
func (a *analysis) interfaceOf(h network.Hop, p *state.NetworkInsightsPath, path reach.Path) network.ENI {
	if h.Kind == network.HopEgress {
		return a.sourceOf(p.Source)
	}
	if e, ok := a.view.ENIByIP(path.Addr); ok {
		return e
	}
	return a.sourceOf(p.Destination)
}

func (a *analysis) sourceOf(id string) network.ENI {
	end, _, _ := a.insightsEnd(id, false)
	e, _ := a.view.ENI(end.ENI)
	return e
}

// place says where an interface is.
func (a *analysis) place(c *ec2api.PathComponent, eni string) {
	e, _ := a.view.ENI(eni)
	c.Subnet, c.Vpc = a.component(e.Subnet), a.component(a.view.ID)
}

// component names a resource; nil when there is none.
func (a *analysis) component(id string) *ec2api.AnalysisComponent {
	kind, ok := taggableOf(id)
	if !ok {
		return nil
	}
	c := &ec2api.AnalysisComponent{Id: id, Arn: resourceARN(a.account, a.region, kind.resourceType, id)}
	tags, _ := kind.get(a.scope, id)
	for _, t := range tags {
		if t.Key == "Name" {
			c.Name = t.Value
		}
	}
	return c
}

func (a *analysis) groupRule(h network.Hop) *ec2api.AnalysisSecurityGroupRule {
	g, _ := a.view.SecurityGroup(h.ID)
	for _, r := range slices.Concat(g.Ingress, g.Egress) {
		if r.ID != h.Rule {
			continue
		}
		out := &ec2api.AnalysisSecurityGroupRule{Direction: string(h.Kind), SecurityGroupId: r.Group, PrefixListId: r.PrefixList, Protocol: protocolName(r.Protocol)}
		if r.CIDR.IsValid() {
			out.Cidr = r.CIDR.String()
		}
		if (r.Protocol == network.TCP || r.Protocol == network.UDP) && r.FromPort >= 0 {
			out.PortRange = &ports(r.FromPort, r.ToPort)[0]
		}
		return out
	}
	return nil
}

func (a *analysis) aclRule(h network.Hop) *ec2api.AnalysisAclRule {
	acl, _ := a.view.NetworkACL(h.ID)
	n, err := strconv.Atoi(h.Rule)
	egress := h.Egress
	if err != nil {
		return nil
	}
	for _, e := range acl.Entries {
		if e.Number == n && e.Egress == egress {
			out := &ec2api.AnalysisAclRule{Cidr: e.CIDR.String(), Egress: &egress, Protocol: protocolName(e.Protocol), RuleAction: "deny", RuleNumber: new(int32(n))}
			if e.Allow {
				out.RuleAction = "allow"
			}
			if (e.Protocol == network.TCP || e.Protocol == network.UDP) && e.FromPort >= 0 {
				out.PortRange = &ports(e.FromPort, e.ToPort)[0]
			}
			return out
		}
	}
	return &ec2api.AnalysisAclRule{Cidr: "0.0.0.0/0", Egress: &egress, Protocol: "all", RuleAction: "deny", RuleNumber: new(int32(n))}
}

// route is the route that a hop followed: that of a prefix list when one of its
// prefixes led on.
func (a *analysis) route(h network.Hop) *ec2api.AnalysisRouteTableRoute {
	if h.Rule == "" {
		return nil
	}
	out := &ec2api.AnalysisRouteTableRoute{DestinationCidr: h.Rule, Origin: "CreateRoute", State: "active"}
	table, _ := a.view.RouteTable(h.ID)
	for _, r := range table.Routes {
		list := slices.ContainsFunc(a.view.PrefixList(r.PrefixList), func(p netip.Prefix) bool { return p.String() == h.Rule })
		if !list && (!r.Destination.IsValid() || r.Destination.String() != h.Rule) {
			continue
		}
		if list {
			out.DestinationCidr, out.DestinationPrefixListId = "", r.PrefixList
		}
		switch r.Target.Kind {
		case network.NATGateway:
			out.NatGatewayId = r.Target.ID
		case network.Blackhole:
			out.State = "blackhole"
		default:
			out.GatewayId = r.Target.ID
		}
		return out
	}
	out.GatewayId, out.Origin = "local", "CreateRouteTable"
	return out
}

func protocolName(n int) string {
	switch n {
	case network.AnyProtocol:
		return "all"
	case network.TCP:
		return "tcp"
	case network.UDP:
		return "udp"
	case network.ICMP:
		return "icmp"
	}
	return strconv.Itoa(n)
}

func ports(from, to int) []ec2api.PortRange {
	return []ec2api.PortRange{{From: new(int32(from)), To: new(int32(to))}}
}

func host(a netip.Addr) string { return netip.PrefixFrom(a, a.BitLen()).String() }
