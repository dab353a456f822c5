package ec2

import (
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// VPCView is a VPC as the data plane sees it, for diagnosis (network.Explain).
func (s *Service) VPCView(vpcID string) (network.VPC, bool) {
	tx := s.db.Read()
	vpc, ok := first(state.Vpcs.By(tx, "bare-id", vpcID))
	if !ok {
		return network.VPC{}, false
	}
	records, ok := loadVPC(tx, &s.options, vpc.Key())
	if !ok {
		return network.VPC{}, false
	}
	view := hostView(records)
	for i, p := range records.peers {
		if remote, ok := loadVPC(tx, &s.options, p.vpc.Key()); ok {
			view.Peerings[i].Remote = new(hostView(remote))
		}
	}
	return view, true
}

// IsEndpointService reports whether a service ("logs", "ecr.api") is one that VPC
// endpoints of a region can lead to.
func (s *Service) IsEndpointService(region, service string) bool {
	_, ok := findEndpointService(region, serviceName(region, service))
	return ok
}

// Refresh lets the data plane look at every VPC again.
func (s *Service) Refresh() {
	tx := s.db.Read()
	for vpc := range state.Vpcs.All(tx, "") {
		if exists(state.NetworkInterfaces.By(tx, "vpc", vpc.Key())) {
			s.changed(vpc.Key())
		}
	}
}

// Zone is what the resolver of a VPC knows.
func (s *Service) Zone(vpcID string) (dns.Zone, bool) {
	tx := s.db.Read()
	vpc, ok := first(state.Vpcs.By(tx, "bare-id", vpcID))
	if !ok {
		return dns.Zone{}, false
	}
	return s.zone(tx, vpc), true
}

func (s *Service) zone(tx *store.Tx, vpc *state.Vpc) dns.Zone {
	q := s.scopeOf(tx, vpc.Account, vpc.Region)
	zone := s.options.zone(vpc.Region)
	zone.CIDRs = vpcCIDRs(vpc)
	for e := range state.VpcEndpoints.By(tx, "vpc", vpc.Key()) {
		if names := q.dnsNames(e, vpc); len(names) > 0 {
			zone.Endpoints = append(zone.Endpoints, dns.Endpoint{ID: e.ID, Names: names})
		}
	}
	zone.Hosts, zone.Hosted = q.hostNames(vpc), hostedZones(tx, vpc)
	for b := range state.LoadBalancers.All(tx, "") {
		for _, a := range b.Addresses() {
			name := strings.ToLower(b.DNSName)
			zone.Hosts[name] = append(zone.Hosts[name], mustAddr(a))
		}
	}
	return zone
}

// dnsNames are the names of an interface endpoint with their addresses. Private
// names need both DNS attributes of the VPC.
func (q *scope) dnsNames(e *state.VpcEndpoint, vpc *state.Vpc) []dns.Name {
	all := make([]netip.Addr, 0, len(e.NetworkInterfaceIDs))
	inSubnet := map[string]netip.Addr{}
	for i, id := range e.NetworkInterfaceIDs {
		if n, ok := state.NetworkInterfaces.Get(q.tx, q.key(id)); ok {
			all = append(all, mustAddr(n.PrivateIPAddress))
			inSubnet[e.SubnetIDs[i]] = mustAddr(n.PrivateIPAddress)
		}
	}
	if len(all) == 0 {
		return nil
	}
	var names []dns.Name
	for _, n := range q.endpointNames(e) {
		switch {
		case n.private && !(vpc.EnableDNSSupport && vpc.EnableDNSHostnames):
		case n.subnetID != "":
			names = append(names, dns.Name{Name: n.name, Addrs: []netip.Addr{inSubnet[n.subnetID]}})
		default:
			names = append(names, dns.Name{Name: n.name, Addrs: all})
		}
	}
	return names
}

// hostNames are the public host names of interfaces, which resolve to private
// addresses inside their VPC and in peered VPCs that are allowed to, as on AWS.
func (q *scope) hostNames(vpc *state.Vpc) map[string][]netip.Addr {
	hosts := map[string][]netip.Addr{}
	q.addHostNames(hosts, vpc.Key())
	for p := range state.VpcPeeringConnections.By(q.tx, "vpc", vpc.Key()) {
		if other := p.Other(vpc.Key()); p.State == "active" && other.AllowDNS {
			(&scope{tx: q.tx, account: other.Account, region: other.Region}).addHostNames(hosts, other.Key())
		}
	}
	return hosts
}

func (q *scope) addHostNames(hosts map[string][]netip.Addr, vpcKey string) {
	for n := range state.NetworkInterfaces.By(q.tx, "vpc", vpcKey) {
		if name := q.publicNameOf(n); name != "" {
			hosts[name] = []netip.Addr{mustAddr(n.PrivateIPAddress)}
		}
	}
}
