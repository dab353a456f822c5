package hosted

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	wire "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// aliasDomain is below which this machine has names of load balancers: browsers and
// curl take everything below .localhost for this machine.
const aliasDomain = ".elb.localhost"

// Aliases are the names below .elb.localhost of internet-facing load balancers that
// have an address: NAME, where several have the name NAME.REGION, and where that is
// not enough NAME.REGION.ACCOUNT.
func Aliases(tx *store.Tx) map[string]netip.Addr {
	out := map[string]netip.Addr{}
	twice := map[string]bool{}
	for b := range state.LoadBalancers.All(tx, "") {
		addresses := b.Addresses()
		if !b.InternetFacing() || len(addresses) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(addresses[0])
		if err != nil {
			continue
		}
		name := strings.ToLower(b.Name)
		for _, alias := range []string{name, name + "." + b.Region, name + "." + b.Region + "." + b.Account} {
			if _, ok := out[alias+aliasDomain]; ok {
				twice[alias+aliasDomain] = true
			}
			out[alias+aliasDomain] = addr
		}
	}
	for alias := range twice {
		delete(out, alias)
	}
	return out
}

// ShortAliases are the shortest alias of each load balancer, in order.
func ShortAliases(tx *store.Tx) []string {
	shortest := map[netip.Addr]string{}
	for alias, addr := range Aliases(tx) {
		if short, ok := shortest[addr]; !ok || len(alias) < len(short) {
			shortest[addr] = alias
		}
	}
	return slices.Sorted(maps.Values(shortest))
}

// FindBalancer is the public address of the load balancer that a name leads to: an
// alias, its DNS name, or a name of a public hosted zone.
func FindBalancer(tx *store.Tx, region, name string) (netip.Addr, bool) {
	if strings.HasSuffix(name, ".localhost") {
		a, ok := Aliases(tx)[name]
		return a, ok
	}
	internet := Internet(tx, region)
	for _, a := range addresses(internet, name) {
		for _, all := range internet.Hosts {
			if slices.Contains(all, a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// addresses are those that a zone answers for a name.
func addresses(z dns.Zone, name string) []netip.Addr {
	a, _ := z.Lookup(name, wire.TypeA)
	out := a.Addrs
	for _, rr := range a.Records {
		if r, ok := rr.(*wire.A); ok {
			if ip, ok := netip.AddrFromSlice(r.A.To4()); ok {
				out = append(out, ip)
			}
		}
	}
	return out
}
