package loadbalancer

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// AWS's defaults.
const (
	defaultIdle       = 60 * time.Second
	defaultKeepAlive  = time.Hour
	defaultFlowIdle   = 350 * time.Second
	defaultUDPIdle    = 120 * time.Second
	connectTimeout    = 10 * time.Second
	handshakeTimeout  = 10 * time.Second
	maxForwardedFor   = 30
	cookieLife        = 7 * 24 * time.Hour // Expires of stickiness cookies; what they hold may end sooner
	drainOnStop       = 5 * time.Second
	lingerOnClose     = time.Second
	defaultServerName = "awselb/2.0"
)

// live is a configuration that requests are carried by; it does not change.
type live struct {
	Config
	fronts map[string]*front
	groups map[string]*group
}

// front is a listener.
type front struct {
	Listener
	port  string
	rules *rule.Set
	tls   *tls.Config
	// providers are the identity providers of its actions.
	providers []*rule.OIDC
}

// group is a target group.
type group struct {
	Group
	members []*member
	// byZone is who may get a new request from a node, by the node's zone; "" for
	// zones without targets of their own.
	byZone map[string][]*member
	turn   *atomic.Uint64 // of round robin; outlives configurations
}

// member is a target as a configuration has it.
type member struct {
	*backend
	Target
}

// compile prepares c, taking over backends and turns from before.
func (s *Server) compile(c Config, before *live) (*live, error) {
	a := &c.Attributes
	if a.IdleTimeout == 0 {
		a.IdleTimeout = defaultIdle
	}
	if a.ClientKeepAlive == 0 {
		a.ClientKeepAlive = defaultKeepAlive
	}
	if a.Desync == "" {
		a.Desync = Defensive
	}
	if a.ForwardedFor == "" {
		a.ForwardedFor = XFFAppend
	}
	l := &live{Config: c, fronts: map[string]*front{}, groups: map[string]*group{}}
	for _, g := range c.Groups {
		l.groups[g.ID] = s.compileGroup(g, a.CrossZone, before)
	}
	for _, f := range c.Listeners {
		compiled, err := compileFront(f, l)
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", f.ID, err)
		}
		if before != nil && compiled.tls != nil {
			compiled.keepTickets(before.fronts[f.ID])
		}
		l.fronts[f.ID] = compiled
	}
	return l, nil
}

func compileFront(f Listener, l *live) (*front, error) {
	c := &front{Listener: f, port: strconv.Itoa(int(f.Port)), providers: providers(&f)}
	var err error
	if c.rules, err = rule.Compile(f.Rules); err != nil {
		return nil, err
	}
	for _, r := range append(f.Rules, rule.Rule{Actions: f.Default}) {
		for _, a := range r.Actions {
			for _, w := range a.Forward.Groups {
				if l.groups[w.Group] == nil {
					return nil, fmt.Errorf("target group %s is not configured", w.Group)
				}
			}
		}
	}
	if f.Protocol == HTTPS || f.Protocol == TLS {
		if c.tls, err = serverTLS(f, l.Config); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// compileGroup keeps the backends of targets that stay.
func (s *Server) compileGroup(g Group, cross bool, before *live) *group {
	c := &group{Group: g, turn: &atomic.Uint64{}, byZone: map[string][]*member{}}
	var old *group
	if before != nil {
		old = before.groups[g.ID]
	}
	known := map[netip.AddrPort]*backend{}
	if old != nil {
		c.turn = old.turn
		for _, m := range old.members {
			known[m.Target.Addr] = m.backend
		}
	}
	if g.CrossZone != nil {
		cross = *g.CrossZone
	}
	for _, t := range g.Targets {
		b := known[t.Addr]
		if b == nil || b.version != g.Version || b.protocol != g.Protocol {
			b = &backend{server: s, addr: t.Addr, protocol: g.Protocol, version: g.Version}
		}
		c.members = append(c.members, &member{backend: b, Target: t})
	}
	c.byZone[""] = c.eligible(func(t *member) bool { return cross || t.anywhere() })
	if !cross {
		for _, m := range c.members {
			if _, ok := c.byZone[m.Zone]; !ok && !m.anywhere() {
				c.byZone[m.Zone] = c.eligible(func(t *member) bool { return t.anywhere() || t.Zone == m.Zone })
			}
		}
	}
	return c
}

func (m *member) anywhere() bool { return m.Zone == "" || m.Zone == "all" }

// eligible are the healthy members, and, where there are fewer than there must be,
// the unhealthy ones: a group fails open.
func (g *group) eligible(of func(*member) bool) []*member {
	var healthy, unhealthy []*member
	all := 0
	for _, m := range g.members {
		if !of(m) {
			continue
		}
		switch m.State {
		case Healthy:
			healthy = append(healthy, m)
		case Unhealthy:
			unhealthy = append(unhealthy, m)
		case Initial:
		default:
			continue
		}
		all++
	}
	if len(healthy) < max(1, g.MinHealthy) || 100*len(healthy) < g.MinHealthyPercent*all {
		return append(healthy, unhealthy...)
	}
	return healthy
}

// candidates are the members that a node in zone may use for a new request.
func (g *group) candidates(zone string) []*member {
	if m, ok := g.byZone[zone]; ok {
		return m
	}
	return g.byZone[""]
}
