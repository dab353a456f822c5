package network

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Plan says which host state a VPC means. The uplink is the number of the /30
// network of site.Uplinks that belongs to it, should it need one. The result
// depends on nothing else, and not on the order of v's lists.
func Plan(site Site, v VPC, uplink int) Host {
	up := site.uplink(uplink)
	h := planFamily(site, v, up)
	h.Links, h.Peers = planLinks(site, v), planPeers(site, v)
	if six := v.six(); len(six.CIDRs) > 0 {
		h.add(planFamily(site, six, up))
	}
	return h
}

// planFamily is Plan for one family of addresses, without the links.
func planFamily(site Site, v VPC, up Uplink) Host {
	h := Host{
		Namespace: site.namespace(v.ID),
		Addresses: planAddresses(v),
		Filter:    planFilter(site, v),
	}
	h.Routes, h.Rules = planRoutes(site, v, up)
	for _, r := range h.Routes {
		if r.Link == uplinkName {
			h.Uplink = &up
		}
	}
	if h.Public = planPublic(v); len(h.Public) > 0 && h.Uplink == nil {
		h.Uplink = &up // who calls them from outside gets no answer, but gets that here
	}
	h.Filter.addTranslation(site, v, h.Uplink != nil)
	return h
}

// add joins what IPv6 means to what IPv4 means.
func (h *Host) add(six Host) {
	h.Addresses = append(h.Addresses, six.Addresses...)
	h.Routes = append(h.Routes, six.Routes...)
	h.Rules = append(h.Rules, six.Rules...)
	h.Public = append(h.Public, six.Public...)
	h.Uplink = cmp.Or(h.Uplink, six.Uplink)
	h.Filter6 = six.Filter
}

// planLinks makes a veth for each attached ENI.
func planLinks(site Site, v VPC) []Link {
	var links []Link
	for _, e := range v.sorted() {
		s, ok := v.Subnet(e.Subnet)
		if e.Kind != Attached || !ok {
			continue
		}
		links = append(links, Link{
			Name: linkName(e.ID), Namespace: site.namespace(e.ID), MAC: e.mac(),
			Address: netip.PrefixFrom(e.IP, s.CIDR.Bits()), Gateway: s.Gateway(), IPv6: e.IPv6,
		})
	}
	return links
}

// planAddresses lists what answers in the VPC's namespace itself: routers,
// resolver, metadata, and the ENIs that we host.
func planAddresses(v VPC) []netip.Addr {
	var all []netip.Addr
	if !v.isSix {
		all = append(all, MetadataAddr)
	}
	for _, s := range v.Subnets {
		all = append(all, s.Gateway())
	}
	if r := v.Resolver(); v.DNSSupport && r.IsValid() {
		all = append(all, DNSAddr, r)
	}
	for _, e := range v.ENIs {
		if e.Kind.Hosted() {
			all = append(all, e.IP)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// planRoutes fills the main table with what is in the VPC, and gives each
// subnet a table of its own for what is outside. Where an internet gateway is
// in play, ENIs with a public IP follow a second table.
func planRoutes(site Site, v VPC, up Uplink) ([]HostRoute, []PolicyRule) {
	routes, rules := v.planFlows()
	for _, c := range v.CIDRs {
		routes = append(routes, HostRoute{Table: mainTable, To: c.Masked(), Type: BlackholeRT, Metric: lastResort})
	}
	for _, e := range v.ENIs {
		if e.Kind == Attached {
			routes = append(routes, HostRoute{Table: mainTable, To: host(e.IP), Type: Unicast, Link: linkName(e.ID)})
		}
	}
	for _, s := range v.Subnets {
		table := tableNumber(s)
		routes = append(routes, v.tableRoutes(table, v.paths(site, s, false), up)...)
		rules = append(rules, PolicyRule{Priority: subnetRules, From: s.CIDR.Masked(), Table: table})
		if inside := v.inside(site, s); len(inside) > 0 {
			routes = append(routes, v.tableRoutes(table+2, inside, up)[1:]...) // without a default
			rules = append(rules, PolicyRule{Priority: insideRules, From: s.CIDR.Masked(), Table: table + 2})
		}
		public := rulesOfPublic(v, s, table+1)
		if len(public) > 0 {
			routes = append(routes, v.tableRoutes(table+1, v.paths(site, s, true), up)...)
			rules = append(rules, public...)
		}
	}
	slices.SortFunc(routes, func(a, b HostRoute) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), a.To.Addr().Compare(b.To.Addr()), cmp.Compare(a.To.Bits(), b.To.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
	slices.SortFunc(rules, func(a, b PolicyRule) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.From.Addr().Compare(b.From.Addr()))
	})
	return routes, rules
}

func (v VPC) tableRoutes(table uint32, paths []path, up Uplink) []HostRoute {
	routes := []HostRoute{{Table: table, To: v.everywhere(), Type: BlackholeRT, Metric: lastResort}}
	for _, p := range paths {
		r := HostRoute{Table: table, To: p.Prefix, Type: BlackholeRT}
		switch p.Via {
		case viaAWS:
			r.Type = LocalRoute
		case viaUplink:
			r.Type, r.Link, r.Gateway = Unicast, uplinkName, up.Host.Addr()
		case viaPeering:
			r.Type, r.Link, r.Gateway = Unicast, peerLink(p.target().ID), peerRouter
		}
		if r.Type == Unicast && v.isSix {
			r.Gateway = router6
		}
		routes = append(routes, r)
	}
	return routes
}

// rulesOfPublic leads the ENIs with a public IP to the table of their subnet in
// which internet gateways carry.
func rulesOfPublic(v VPC, s Subnet, table uint32) []PolicyRule {
	t, _ := v.RouteTable(s.RouteTable)
	if !slices.ContainsFunc(t.Routes, func(r Route) bool { return r.Target.Kind == InternetGateway }) {
		return nil
	}
	var rules []PolicyRule
	for _, e := range v.ENIs {
		if e.Subnet == s.ID && e.Kind != Detached && e.PublicIP.IsValid() {
			rules = append(rules, PolicyRule{Priority: publicRules, From: host(e.IP), Table: table})
		}
	}
	return rules
}

// tableNumber names a subnet's table by the subnet's base address, and the
// next numbers are free for its other tables: subnets neither overlap nor are
// smaller than /28. So the number stays while other subnets come and go.
func tableNumber(s Subnet) uint32 {
	base := s.CIDR
	if s.numbered.IsValid() {
		base = s.numbered
	}
	b := base.Masked().Addr().As4()
	return binary.BigEndian.Uint32(b[:])
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// sorted lists the ENIs by id.
func (v VPC) sorted() []ENI {
	return slices.SortedFunc(slices.Values(v.ENIs), func(a, b ENI) int { return cmp.Compare(a.ID, b.ID) })
}

// mac is the ENI's address, or one that follows from its id.
func (e ENI) mac() net.HardwareAddr {
	if len(e.MAC) > 0 {
		return e.MAC
	}
	sum := sha256.Sum256([]byte(e.ID))
	return append(net.HardwareAddr{0x02}, sum[:5]...)
}

// linkName is the name of an ENI's link in the VPC's namespace: unique among
// 2^48, because kernel names are short.
func linkName(eniID string) string {
	sum := sha256.Sum256([]byte(eniID))
	return fmt.Sprintf("%s%x", eniPrefix, sum[:6])
}

// namespace is the name of the namespace of a VPC or an ENI.
func (s Site) namespace(id string) string { return s.namespaces() + id }

// namespaces is what the names of this instance's namespaces start with.
func (s Site) namespaces() string { return "ng-" + s.Instance + "-" }

// uplinks is what the names of this instance's links in the host start with.
func (s Site) uplinks() string { return "ng" + s.Instance + "u" }

// uplink is the n-th network between a VPC and the host.
func (s Site) uplink(n int) Uplink {
	b := s.Uplinks.Masked().Addr().As4()
	base := binary.BigEndian.Uint32(b[:]) + uint32(n)*4
	at := func(n uint32) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n))), 30)
	}
	return Uplink{HostLink: fmt.Sprintf("%s%x", s.uplinks(), n), Host: at(base + 1), VPC: at(base + 2)}
}

// uplinkNumber is the reverse of uplink.
func (s Site) uplinkNumber(a netip.Addr) (int, bool) {
	if !a.Is4() || !s.Uplinks.Contains(a) {
		return 0, false
	}
	base, b := s.Uplinks.Masked().Addr().As4(), a.As4()
	return int(binary.BigEndian.Uint32(b[:])-binary.BigEndian.Uint32(base[:])) / 4, true
}

// capacity is how many uplinks there are.
func (s Site) capacity() int { return 1 << max(0, 30-s.Uplinks.Bits()) }

// Validate says what is wrong with a site.
func (s Site) Validate() error {
	ok := len(s.Instance) >= 1 && len(s.Instance) <= 8 && strings.Trim(s.Instance, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
	switch {
	case !ok:
		return fmt.Errorf("network: instance %q is not 1 to 8 lower-case letters and digits", s.Instance)
	case !s.AWS.IsValid() || !s.AWS.Addr().Is4() || s.AWS.Bits() > 20:
		return fmt.Errorf("network: AWS's public addresses need an IPv4 range of at least a /20, not %s", s.AWS)
	case !s.IPv6.IsValid() || s.IPv6.Addr().Is4() || s.IPv6.Bits() > 48:
		return fmt.Errorf("network: VPCs need an IPv6 range of at least a /48, not %s", s.IPv6)
	case !s.Uplinks.IsValid() || !s.Uplinks.Addr().Is4() || s.Uplinks.Bits() > 30 || s.Uplinks.Bits() < 14:
		return fmt.Errorf("network: uplinks need an IPv4 range from /14 to /30, not %s", s.Uplinks)
	}
	return nil
}
