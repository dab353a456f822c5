package network

import "net/netip"

// Access is how a connection came to something that Neargate itself answers: an
// address of AWS, or an interface that we host.
type Access struct {
	From ENI // the source; zero when no interface of the VPC has the address
	// Through is the kind of door: GatewayEndpoint, InternetGateway or NATGateway
	// for AWS's public addresses, Local for an address of the VPC.
	Through TargetKind
	ID      string // of the gateway, the gateway endpoint, or the NAT gateway
	// Target is the hosted interface that was called, when Through is Local. Its
	// Owner is the endpoint or the load balancer.
	Target ENI
	// Seen is the source as AWS sees it: the public IP behind an internet or NAT
	// gateway, else the private address.
	Seen netip.Addr
}

// AccessOf tells how packets from one address of the VPC reach another which
// Neargate answers. False when they do not: nothing should have arrived then, or
// the routes changed since.
func AccessOf(site Site, v VPC, from, to netip.Addr) (Access, bool) {
	v = v.viewOf(to)
	e, ok := v.ENIByIP(from)
	if !ok {
		return Access{}, false
	}
	a := Access{From: e, Seen: from}
	p := v.path(site, e, to)
	switch {
	case p.Via == viaVPC:
		a.Through = Local
		a.Target, ok = v.ENIByIP(to)
		return a, ok && a.Target.Kind.Hosted()
	case p.Via != viaAWS:
		return a, false
	}
	t := p.Route.Target
	a.Through, a.ID = t.Kind, t.ID
	switch {
	case p.NAT.ID != "":
		a.Seen = p.NAT.PublicIP
		if p.Onward.Target.Kind == GatewayEndpoint { // of the NAT gateway's subnet
			a.Through, a.ID, a.Seen = GatewayEndpoint, p.Onward.Target.ID, p.NAT.IP
		}
	case t.Kind == InternetGateway:
		a.Seen = e.PublicIP
	}
	return a, true
}
