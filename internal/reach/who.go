package reach

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Who is one answer to "who can reach": a source, whether it can, and the hop
// that decided.
type Who struct {
	From  End
	Pass  bool
	By    string // the rule that lets it in, or what stops it
	Code  string `json:",omitempty"`
	Group string `json:",omitempty"`
}

// Census is who can reach a target, as computed.
type Census struct {
	To    End
	Port  Port
	All   []Who    // those that can first
	Rules []string // the inbound rules for the port: who could, were they there
}

// WhoCanReach computes for every interface of the target's VPC, and for the
// internet, whether it reaches a target. Errors are as Reach's.
func (f *Finder) WhoCanReach(q Question) ([]Census, error) {
	tx := f.DB.Read()
	find := finder{tx, q.Account, q.Region, f.Networks.IsEndpointService}
	name, port := splitPort(q.To)
	targets, err := find.ends(name)
	if err != nil {
		return nil, err
	}
	var all []Census
	for _, to := range targets {
		if to.Kind != Interface {
			return nil, fmt.Errorf("%s: %w", q.To, ErrNotFound)
		}
		c := Census{To: to, Port: port}
		if port == (Port{}) {
			if len(to.Ports) == 0 {
				return nil, fmt.Errorf("%s: %w", q.To, ErrPort)
			}
			c.Port = to.Ports[0]
		}
		f.count(find, &c)
		all = append(all, c)
	}
	return all, nil
}

func (f *Finder) count(find finder, c *Census) {
	n := f.Network(c.To.VPC)
	for _, e := range n.VPC.ENIs {
		rec, ok := state.NetworkInterfaces.Get(find.tx, state.Key(find.account, find.region, e.ID))
		if !ok || e.ID == c.To.ENI || e.Kind == network.Detached || e.Kind == network.InterfaceEndpoint || e.Kind == network.NAT {
			continue // these open no connections of their own
		}
		c.add(find, find.of(rec), Trace(n, find.of(rec), c.To, c.Port))
	}
	world := End{Name: "internet", Kind: Internet, Addr: Somewhere}
	c.add(find, world, Trace(n, world, c.To, c.Port))
	slices.SortStableFunc(c.All, func(a, b Who) int {
		if a.Pass != b.Pass {
			return map[bool]int{true: -1, false: 1}[a.Pass]
		}
		return strings.Compare(a.From.Name, b.From.Name)
	})
	target, _ := n.VPC.ENI(c.To.ENI)
	for _, id := range target.Groups {
		g, _ := n.VPC.SecurityGroup(id)
		for _, r := range g.Ingress {
			if r.Covers(c.Port.Protocol, c.Port.Port) {
				c.Rules = append(c.Rules, find.annotate(fmt.Sprintf("%s of %s: %s from %s", r.ID, id, r.Ports(), peer(r))))
			}
		}
	}
}

func (c *Census) add(find finder, from End, p Path) {
	last := p.Hops[len(p.Hops)-1]
	for _, h := range p.Hops { // the rule that lets it in tells more than the way back
		if last.Pass && h.Kind == network.HopIngress {
			last = h
		}
	}
	c.All = append(c.All, Who{From: from, Pass: last.Pass, By: find.annotate(last.Text), Code: string(last.Code), Group: last.ID})
}
