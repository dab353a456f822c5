package why

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// endpoints finds what keeps a running task from the tasks behind its endpoints of
// Service Connect: the way between their network interfaces.
func (x *Explainer) endpoints(n names, t *state.Task) []Finding {
	if t.Connect == nil || x.Path == nil {
		return nil
	}
	var out []Finding
	for _, e := range t.Connect.Endpoints {
		for _, i := range state.ConnectTargets(n.tx, t, e.Target) {
			to, err := netip.ParseAddr(i.Attributes["AWS_INSTANCE_IPV4"])
			port, err2 := strconv.Atoi(i.Attributes["AWS_INSTANCE_PORT"])
			if err != nil || err2 != nil || i.ID == t.ID {
				continue
			}
			d, blocked := x.Path(t.Account, t.Region, t.Interface.ID, to, port)
			if !blocked {
				continue
			}
			d.Time = time.Now()
			f := finding(d, nil)
			f.Tasks = []string{t.ID}
			f.AWSSays = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection timeout"
			f.Seen = append(f.Seen, Seen{Time: time.Now(), Inferred: true, Text: fmt.Sprintf("the endpoint %s:%d of Service Connect leads to task %s of service %s, whose proxy listens on %s:%d", e.DNSName, e.Port, i.ID, e.Service, to, port)})
			out = x.merge(out, []Finding{f})
			break // the others are behind the same groups
		}
	}
	return out
}
