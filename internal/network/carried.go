package network

// The names of what counts the packets of interfaces that we host, and of NAT gateways.
const (
	carriedSet = "carried" // map from their addresses to the chains that count
	carriedBy  = "carried-"
)

// addCarried adds counters of what endpoints and load balancers received and
// sent, and of what passed NAT gateways (which addNAT counts by the routes).
func (f *Filter) addCarried(v VPC) {
	set := Set{Name: carriedSet, Kind: VerdictsMap}
	for _, e := range v.sorted() {
		if !e.Kind.Hosted() {
			continue
		}
		name := carriedBy + e.ID
		f.Counters = append(f.Counters, name)
		if e.Kind == NAT {
			continue
		}
		set.Elements = append(set.Elements, Element{Addr: e.IP, Chain: name})
		f.Chains = append(f.Chains, Chain{Name: name, Rules: []FilterRule{{Counter: name, Verdict: Verdict{Kind: Return}}}})
	}
	f.Sets = append(f.Sets, set)
}
