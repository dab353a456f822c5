package hosted

import (
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Internet is what anybody on the internet can ask for, from a region: public hosted
// zones and the names of internet-facing load balancers.
func Internet(tx *store.Tx, region string) dns.Zone {
	z := dns.Zone{Region: region, Hosts: map[string][]netip.Addr{}, Hosted: Public(tx)}
	for b := range state.LoadBalancers.All(tx, "") {
		if !b.InternetFacing() {
			continue
		}
		for _, text := range b.Addresses() {
			if a, err := netip.ParseAddr(text); err == nil {
				name := strings.ToLower(b.DNSName)
				z.Hosts[name] = append(z.Hosts[name], a)
			}
		}
	}
	return z
}
