package network

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Peering is an active connection with another VPC, as one of the two sees it.
// Packets cross it where a route of theirs leads there; their answers need one too.
type Peering struct {
	ID        string         // pcx-...
	VPC       string         // id of the other VPC
	CIDRs     []netip.Prefix // of the other VPC
	IPv6CIDRs []netip.Prefix
	// Present says that the other VPC is on the host too; otherwise nobody is there.
	Present bool
	// Remote is the other VPC, for Explain to go on there; an Engine needs it not.
	Remote *VPC
}

// PeerLink is the veth between the namespaces of two VPCs. It has no addresses:
// each end knows the other's hardware address.
type PeerLink struct {
	Name      string // at both ends
	Namespace string // name of the other VPC's
	MAC, Peer string // hardware addresses of this end and the other
}

// peerRouter is the next hop behind every peering link.
var peerRouter = netip.MustParseAddr("169.254.1.1")

// router6 is the next hop of all IPv6 packets that go over a link: each end knows
// the hardware address of the other, so that nobody need be asked for it.
var router6 = netip.MustParseAddr("fe80::1")

const peerPrefix = "pcx" // of the names of peering links

// peerLink is the name of a connection's link.
func peerLink(id string) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("%s%x", peerPrefix, sum[:6])
}

// peerMAC is the hardware address of a VPC's end of a connection.
func peerMAC(id, vpc string) string {
	sum := sha256.Sum256([]byte(id + "/" + vpc))
	return append(net.HardwareAddr{0x02}, sum[:5]...).String()
}

// planPeers makes a link for each connection whose other end is there.
func planPeers(site Site, v VPC) []PeerLink {
	var links []PeerLink
	for _, p := range v.Peerings {
		if p.Present {
			links = append(links, PeerLink{Name: peerLink(p.ID), Namespace: site.namespace(p.VPC), MAC: peerMAC(p.ID, v.ID), Peer: peerMAC(p.ID, p.VPC)})
		}
	}
	slices.SortFunc(links, func(a, b PeerLink) int { return cmp.Compare(a.Name, b.Name) })
	return links
}

// peering returns the connection with the given id.
func (v VPC) peering(id string) (Peering, bool) {
	return find(v.Peerings, func(p Peering) bool { return p.ID == id })
}

// cross returns the paths of a route to a peering connection: what of it is the
// other VPC's.
func (v VPC) cross(p path) []path {
	peer, ok := v.peering(p.Route.Target.ID)
	switch {
	case !ok:
		p.Why, p.Code = "the peering connection is not active (blackhole)", CodeRouteState
		return []path{p}
	case !peer.Present:
		p.Why, p.Code = "nobody has an address in "+peer.VPC, CodeNoDestination
		return []path{p}
	}
	var all []path
	for _, c := range peer.CIDRs {
		if part, ok := overlap(p.Prefix, c.Masked()); ok {
			q := p
			q.Prefix, q.Via = part, viaPeering
			all = append(all, q)
		}
	}
	if !slices.ContainsFunc(all, func(q path) bool { return q.Prefix == p.Prefix }) {
		p.Why, p.Code = peer.VPC+" does not have the address, and peering is not transitive", CodeNoDestination
		all = append(all, p)
	}
	return all
}

// target is where a path leads in the end.
func (p path) target() Target {
	if p.NAT.ID != "" {
		return p.Onward.Target
	}
	return p.Route.Target
}

// addPeers adds what guards peering links: nothing comes from there but the other
// VPC's addresses, and to this VPC's only.
func (f *Filter) addPeers(v VPC) {
	c := Chain{Name: "peers", Hook: &Hook{"filter", "prerouting", -290, false}}
	for _, p := range v.Peerings {
		for _, theirs := range p.CIDRs {
			for _, ours := range v.CIDRs {
				c.Rules = append(c.Rules, FilterRule{
					Match:   []Match{InLink(peerLink(p.ID)), SourceAddr(theirs.Masked()), TargetAddr(ours.Masked())},
					Verdict: Verdict{Kind: Accept},
				})
			}
		}
	}
	c.Rules = append(c.Rules, FilterRule{Match: []Match{InLink(peerPrefix + "*")}, Counter: spoofed, Verdict: Verdict{Kind: Drop}})
	f.Chains = append(f.Chains, c)
}

// arrivePeer judges a flow that came through a peering connection, in the other
// VPC, as far as that is known; the answers need a route back.
func (v VPC) arrivePeer(site Site, p path, from netip.Addr, f Flow) []Hop {
	id := p.target().ID
	peer, _ := v.peering(id)
	hops := []Hop{{Kind: HopPeering, ID: id, Pass: true, Text: id + " leads to " + peer.VPC}}
	if peer.Remote == nil {
		return hops
	}
	remote := *peer.Remote
	hops = append(hops, remote.arrive(from, f)...)
	last := hops[len(hops)-1]
	if target, ok := remote.ENIByIP(f.To); ok && last.Pass {
		back := remote.path(site, target, from)
		if back.Via != viaPeering || back.target().ID != id {
			hop := Hop{Kind: HopRoute, ID: back.Table, Code: CodeNoRoute, Text: fmt.Sprintf("of the reply: no route of %s leads back to %s by %s", back.Table, from, id)}
			if back.Route.Destination.IsValid() {
				hop.Rule = back.Route.Destination.String()
			}
			return append(hops, hop)
		}
		s, _ := remote.Subnet(target.Subnet)
		for _, reply := range remote.replies(f, border{s, true}) {
			if hop, ok := remote.judge(s, true, from, reply); ok && !hop.Pass {
				hop.Text = "of the reply: " + hop.Text
				return append(hops, hop)
			}
		}
	}
	return hops
}
