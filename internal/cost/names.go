package cost

import (
	"fmt"

	"github.com/neargate/neargate/internal/state"
)

// names are hosted zones, and instances of Cloud Map that nobody but a person
// registered: those of ECS are free.
func (q *gathering) names() {
	for z := range state.HostedZones.All(q.tx, q.account+"/") {
		if q.counts(z.ID) || q.stack[q.namespaceOf(z)] {
			q.add(Usage{Price: "hosted-zone-month", Resource: z.Name, Quantity: 1, Note: "without queries"})
		}
	}
	for v := range state.DiscoveryServices.All(q.tx, q.prefix()) {
		n := 0
		for i := range state.ServiceInstances.All(q.tx, state.ServiceInstanceKey(v.Key(), "")) {
			if i.Attributes["ECS_SERVICE_NAME"] == "" {
				n++
			}
		}
		if n > 0 && q.counts(v.ID) {
			q.add(Usage{Price: "cloud-map-instance-month", Resource: fmt.Sprintf("%s (%d)", v.Name, n), Quantity: float64(n)})
		}
	}
}

// namespaceOf is the id of the namespace that a zone is for; "" for none.
func (q *gathering) namespaceOf(z *state.HostedZone) string {
	for n := range state.Namespaces.All(q.tx, q.prefix()) {
		if n.HostedZoneID == z.ID {
			return n.ID
		}
	}
	return ""
}
