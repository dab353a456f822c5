package ec2

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/reach"
	"github.com/neargate/neargate/internal/state"
)

// insights is what an analysis found, in EC2's shapes.
type insights struct {
	Forward, Return []ec2api.PathComponent
	Explanations    []ec2api.Explanation
}

// analysis is what an analysis works on.
type analysis struct {
	*scope
	view  network.VPC
	found bool
	insights
}

// insightsEnd is an end of a path: an interface, an internet gateway or an
// endpoint, and the VPC it is in. A gateway endpoint is a destination only.
func (q *scope) insightsEnd(id string, source bool) (end reach.End, vpcID string, ok bool) {
	switch {
	case insightsKind(id, "eni"):
		n, ok := state.NetworkInterfaces.Get(q.tx, q.key(id))
		if !ok {
			return end, "", false
		}
		return reach.End{Name: id, Kind: reach.Interface, ENI: id, VPC: n.VpcID, Addr: mustAddr(n.PrivateIPAddress), Public: mustAddr(n.PublicIPAddress)}, n.VpcID, true
	case insightsKind(id, "igw"):
		g, ok := state.InternetGateways.Get(q.tx, q.key(id))
		if !ok {
			return end, "", false
		}
		return reach.End{Name: id, Kind: reach.Internet, Addr: reach.Somewhere}, g.VpcID, true
	}
	e, ok := state.VpcEndpoints.Get(q.tx, q.key(id))
	switch {
	case !ok || source && e.Type == typeGateway:
		return end, "", false
	case e.Type == typeInterface:
		return q.insightsEnd(e.NetworkInterfaceIDs[0], source)
	}
	prefixes := q.options.gatewayPrefixes(e.Region)[serviceSuffix(e.ServiceName)]
	return reach.End{Name: id, Kind: reach.Address, Addr: prefixes[0].Addr().Next()}, e.VpcID, true
}

// analyse follows the packets of a path: those for the first of the ports that
// the path allows with which they arrive.
func (s *Service) analyse(q *scope, p *state.NetworkInsightsPath, record *state.NetworkInsightsAnalysis) analysis {
	a := analysis{scope: q}
	from, vpcID, ok := q.insightsEnd(p.Source, true)
	if !ok {
		return a.without(p.Source)
	}
	to, toVPC, ok := q.insightsEnd(p.Destination, false)
	if !ok && p.Destination != "" {
		return a.without(p.Destination)
	}
	for _, side := range []struct {
		end     *reach.End
		address netip.Addr
		id      string
	}{{&from, sourceAddress(p), p.Source}, {&to, destinationAddress(p), p.Destination}} {
		switch {
		case !side.address.IsValid():
		case side.end.Kind != reach.Interface:
			side.end.Kind, side.end.Addr = cmp.Or(side.end.Kind, reach.Address), side.address
		case side.address != side.end.Addr && side.address != side.end.Public:
			a.Explanations = []ec2api.Explanation{{ExplanationCode: "ENI_ADDRESS_RESTRICTION", NetworkInterface: a.component(side.end.ENI), Address: side.address.String()}}
			return a
		}
	}
	records, ok := loadVPC(q.tx, q.options, q.key(cmp.Or(vpcID, toVPC)))
	if !ok {
		return a.without(cmp.Or(p.Source, p.Destination))
	}
	n := reach.Network{Site: q.options.Site, VPC: hostView(records), Zone: s.zone(q.tx, records.vpc)}
	a.view = n.VPC
	protocol := map[string]int{"tcp": network.TCP, "udp": network.UDP}[p.Protocol]
	var best reach.Path
	first, last := destinationPorts(p)
	for _, port := range reach.Ports(n.VPC, protocol, first, last) {
		path := reach.Trace(n, from, to, reach.Port{Port: port, Protocol: protocol})
		if len(path.Hops) > len(best.Hops) || path.Pass() {
			best = path
		}
		if path.Pass() {
			a.tell(p, from, to, path, port)
			break
		}
	}
	if len(a.Forward)+len(a.Explanations) == 0 {
		a.explain(p, best)
	}
	a.filter(record)
	return a
}

// without explains a path one end of which is gone.
func (a analysis) without(id string) analysis {
	a.Explanations = []ec2api.Explanation{{ExplanationCode: string(network.CodeNoDestination), Component: a.component(id)}}
	return a
}

// filter denies what does not go through, or goes through, what was named.
func (a *analysis) filter(record *state.NetworkInsightsAnalysis) {
	if !a.found {
		return
	}
	passes := func(arn string) bool {
		return slices.ContainsFunc(a.Forward, func(c ec2api.PathComponent) bool {
			return c.Component != nil && c.Component.Arn == arn || c.Vpc != nil && c.Vpc.Arn == arn || c.Subnet != nil && c.Subnet.Arn == arn
		})
	}
	for i, arn := range slices.Concat(record.FilterIn, record.FilterOut) {
		if wanted := i < len(record.FilterIn); passes(arn) != wanted {
			a.found, a.Forward, a.Return = false, nil, nil
			a.Explanations = append(a.Explanations, ec2api.Explanation{ExplanationCode: "COMPONENT_FILTER_RESTRICTION", Component: a.component(bareID(arn))})
			return
		}
	}
}

func destinationAddress(p *state.NetworkInsightsPath) netip.Addr {
	text := p.DestinationIP
	if p.AtSource != nil {
		text = cmp.Or(text, p.AtSource.DestinationAddress)
	}
	return mustAddr(text)
}

func sourceAddress(p *state.NetworkInsightsPath) netip.Addr {
	text := p.SourceIP
	if p.AtSource != nil {
		text = cmp.Or(text, p.AtSource.SourceAddress)
	}
	return mustAddr(text)
}

// destinationPorts is the range of ports that a path is about; all when it does
// not say.
func destinationPorts(p *state.NetworkInsightsPath) (from, to int) {
	switch {
	case p.DestinationPort != nil:
		return int(*p.DestinationPort), int(*p.DestinationPort)
	case p.AtSource != nil && p.AtSource.DestinationPorts != nil:
		return int(p.AtSource.DestinationPorts.From), int(p.AtSource.DestinationPorts.To)
	case p.AtDestination != nil && p.AtDestination.DestinationPorts != nil:
		return int(p.AtDestination.DestinationPorts.From), int(p.AtDestination.DestinationPorts.To)
	}
	return 0, 65535
}
