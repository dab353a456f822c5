package reach

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/store"
)

// Networks gives VPCs as the data plane sees them; package ec2 has it.
type Networks interface {
	VPCView(vpcID string) (network.VPC, bool)
	Zone(vpcID string) (dns.Zone, bool)
	IsEndpointService(region, service string) bool
}

// DataPlane is what real probes need; network.Kernel has it.
type DataPlane interface {
	Dialer(eniID string) network.Dialer
	HostDialer() network.Dialer
	Lookup(ctx context.Context, eniID, name string) ([]netip.Addr, error)
	Sockets(eniID string) ([]network.Socket, error)
	Drops(eniID string) []network.Dropped
}

// Finder answers questions about the VPCs of an instance. All fields must be set.
type Finder struct {
	DB       *store.DB
	Site     network.Site
	Networks Networks
	Host     DataPlane
}

// Question is what is asked: From and To as people write them, To with its port.
type Question struct {
	Account, Region string
	From, To        string
	NoProbe         bool // only compute
}

// Answer is what was found out about one source and one target.
type Answer struct {
	From, To  End
	Port      Port
	Path      Path
	Sockets   []string `json:",omitempty"` // what listens in the target's namespace
	Probe     Probe
	Reachable bool   // by the probe where it tells, else as computed
	Code      string // why not, in AWS's words: NO_ROUTE_TO_DESTINATION ...
	Why       string // why not, as a sentence
	Differ    string `json:",omitempty"` // set when computed and observed differ
}

// Errors of questions that cannot be answered.
var (
	ErrPort   = errors.New("which port? the target does not tell; write TARGET:PORT")
	ErrSource = errors.New("packets come from an interface of a VPC, from host or from internet")
)

// Reach answers a question: one answer, or one for each task of a service that
// is the target. Errors are ErrNotFound, ErrPort and ErrSource.
func (f *Finder) Reach(ctx context.Context, q Question) ([]Answer, error) {
	tx := f.DB.Read()
	find := finder{tx, q.Account, q.Region, f.Networks.IsEndpointService}
	sources, err := find.ends(q.From)
	if err != nil {
		return nil, err
	}
	from := sources[0]
	if from.Kind != Interface && from.Kind != Internet {
		return nil, fmt.Errorf("%s: %w", q.From, ErrSource)
	}
	name, port := splitPort(q.To)
	targets, err := find.ends(name)
	if err != nil {
		return nil, err
	}
	var all []Answer
	for _, to := range targets {
		a := Answer{From: from, To: to, Port: port}
		if port == (Port{}) {
			if len(to.Ports) == 0 {
				return nil, fmt.Errorf("%s: %w", q.To, ErrPort)
			}
			a.Port = to.Ports[0]
		}
		f.answer(ctx, find, &a, !q.NoProbe)
		all = append(all, a)
	}
	return all, nil
}

// Network is a VPC for Trace.
func (f *Finder) Network(vpcID string) Network {
	n := Network{Site: f.Site}
	n.VPC, _ = f.Networks.VPCView(vpcID)
	n.Zone, _ = f.Networks.Zone(vpcID)
	return n
}

// answer computes, looks at what listens, and tries.
func (f *Finder) answer(ctx context.Context, find finder, a *Answer, try bool) {
	n := f.Network(a.From.VPC)
	if a.From.Kind == Internet {
		n = f.Network(a.To.VPC)
	}
	if a.From.Kind == Interface && a.To.VPC != "" && a.To.VPC != a.From.VPC {
		n.Other = f.Network(a.To.VPC).VPC
	}
	f.forwarded(ctx, n, a)
	a.Path = Trace(n, a.From, a.To, a.Port)
	f.listeners(a)
	start := time.Now()
	a.Probe = Probe{Outcome: NotTried, Text: "not asked for"}
	if try {
		a.Probe = f.try(ctx, a)
		a.Probe.Drops = f.dropped(a, start)
	}
	a.judge()
	for i := range a.Path.Hops {
		a.Path.Hops[i].Text = find.annotate(a.Path.Hops[i].Text)
	}
	a.Why = find.annotate(a.Why)
}

// forwarded asks the resolver itself for names that no zone knows.
func (f *Finder) forwarded(ctx context.Context, n Network, a *Answer) {
	if a.To.Kind != Name || a.From.ENI == "" {
		return
	}
	if _, known := n.Zone.Lookup(a.To.Host, 1); known {
		return
	}
	if addrs, err := f.Host.Lookup(ctx, a.From.ENI, a.To.Host); err == nil && len(addrs) > 0 {
		a.To.Addr = addrs[0]
	}
}

// try probes from inside the source.
func (f *Finder) try(ctx context.Context, a *Answer) Probe {
	switch {
	case a.To.Kind == Internet && (a.To.Addr == Somewhere || a.To.Addr == Somewhere6):
		return Probe{Outcome: NotTried, Text: "the internet as a whole cannot be asked; name an address or a host"}
	case !a.Path.Addr.IsValid() && a.From.ENI != "":
		_, err := f.Host.Lookup(ctx, a.From.ENI, a.To.Host)
		if err != nil {
			return Probe{Outcome: Unreachable, Text: err.Error()}
		}
		return Probe{Outcome: NotTried, Text: "the name resolves now"}
	case !a.Path.Addr.IsValid():
		return Probe{Outcome: NotTried, Text: "the target has no address that could be called"}
	case (a.From.Addr == Somewhere || a.From.Addr == Somewhere6) && !a.Path.arrives():
		return Probe{Outcome: NotTried, Text: "probes come from this machine, which may be let in where the whole internet is not; ask from host"}
	case a.From.Kind == Internet:
		return probe(ctx, f.Host.HostDialer(), a.Path.Addr, a.Port)
	}
	return probe(ctx, f.Host.Dialer(a.From.ENI), a.Path.Addr, a.Port)
}

// dropped tells what the packet filters of both ends reported since start.
func (f *Finder) dropped(a *Answer, start time.Time) []string {
	var all []string
	for _, id := range []string{a.From.ENI, a.To.ENI} {
		for _, d := range f.Host.Drops(id) {
			reply := d.From == a.Path.Addr
			if id == "" || d.Last.Before(start) || d.Protocol != a.Port.Protocol || d.Port != a.Port.Port && !reply {
				continue
			}
			way := "inbound"
			if d.Egress {
				way = "outbound"
			}
			by := fmt.Sprintf("the %s rules of %s", way, d.ENI)
			if d.ENI == "" {
				by = fmt.Sprintf("%s entry %d of %s", way, d.ACL.Number, d.ACL.ACL)
			}
			what := a.Port.String()
			if reply {
				what = "the reply"
			}
			all = append(all, fmt.Sprintf("%s dropped %s from %s to %s", by, what, d.From, d.To))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// last is the hop that decided.
func (p Path) last() network.Hop { return p.Hops[len(p.Hops)-1] }

// arrives reports whether packets are computed to arrive, whether somebody listens
// or not.
func (p Path) arrives() bool { return p.last().Pass || p.last().Kind == hopListener }

// judge says whether it is reachable, and why not.
func (a *Answer) judge() {
	last, computed := a.Path.last(), a.Path.arrives()
	a.Reachable = last.Pass
	if !last.Pass {
		a.Code, a.Why = string(last.Code), last.Text
	}
	arrived, known := a.Probe.Arrived()
	if !known {
		return
	}
	a.Reachable = a.Probe.Outcome == Connected
	if a.Reachable {
		a.Code, a.Why = "", ""
	}
	switch {
	case computed && !arrived:
		a.Differ = "computed to pass, but the probe " + string(a.Probe.Outcome)
		a.Why = "the probe " + string(a.Probe.Outcome) + ": " + a.Probe.Text
	case !computed && arrived:
		a.Differ = "computed to be blocked, but the probe was " + string(a.Probe.Outcome)
	case a.Probe.Outcome == Refused && a.Why == "":
		a.Why = "packets arrive, but nothing listens on " + a.Port.String()
	}
}

// resourceID is an id of a network resource in a sentence.
var resourceID = regexp.MustCompile(`\b(eni|sg|rtb|subnet|acl|vpce|nat|igw|eigw|vpc|pcx)-[0-9a-f]{8,17}\b`)

// annotate adds to ids what people call the resources, and to the address that
// stands for the internet that it does.
func (f finder) annotate(text string) string {
	text = strings.ReplaceAll(text, Somewhere.String(), "the internet (0.0.0.0/0)")
	text = strings.ReplaceAll(text, Somewhere6.String(), "the internet (::/0)")
	return resourceID.ReplaceAllStringFunc(text, f.named)
}
