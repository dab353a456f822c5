package reach

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/network"
)

// listeners adds to a path that arrives at a container what listens there.
func (f *Finder) listeners(a *Answer) {
	if !a.Path.Pass() || a.To.Kind != Interface || a.Port.Protocol == network.ICMP {
		return
	}
	sockets, err := f.Host.Sockets(a.To.ENI)
	if err != nil {
		return // not a container: Neargate itself answers, or nobody
	}
	for _, s := range sockets {
		a.Sockets = append(a.Sockets, fmt.Sprintf("%s on %s", Port{s.Port, s.Protocol}, s.Addr))
	}
	a.Path.Hops = append(a.Path.Hops, listener(sockets, a.To, a.Port))
}

// listener judges what listens in a container on a port.
func listener(sockets []network.Socket, to End, port Port) network.Hop {
	hop := network.Hop{Kind: hopListener, ID: to.ENI, Rule: port.String()}
	var here, others []string
	for _, s := range sockets {
		switch {
		case s.Protocol != port.Protocol:
		case s.Port == port.Port && s.Answers(to.Addr):
			hop.Pass, hop.Text = true, fmt.Sprintf("the container listens on %s of %s", port, s.Addr)
			return hop
		case s.Port == port.Port:
			here = append(here, s.Addr.String())
		case s.Answers(to.Addr):
			others = append(others, Port{s.Port, s.Protocol}.String())
		}
	}
	switch {
	case len(here) > 0:
		hop.Text = fmt.Sprintf("the container listens on %s of %s only, where nobody else reaches it; let it listen on 0.0.0.0", port, strings.Join(here, ", "))
	case len(others) > 0:
		hop.Text = fmt.Sprintf("nothing listens on %s; the container listens on %s", port, enumerate(others))
	default:
		hop.Text = "nothing listens on " + port.String()
	}
	return hop
}
