package loadbalancer

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// A proxy of ECS Service Connect spreads what the application of a task sends to
// a name over the tasks behind it, and hands the task what comes for it. It adds
// nothing to requests, tries another target where one cannot be reached, and
// leaves those out for a while that could not be reached several times.

// What a proxy does about targets that it cannot reach.
const (
	attempts     = 3 // in all
	ejectAfter   = 5 // failures in a row
	ejectFor     = 30 * time.Second
	ejectPercent = 50 // of a group's targets at most, but one at least
)

// pickOther chooses the next target that was not tried, and is not left out;
// where there is none, any.
func (g *group) pickOther(tried []*backend, now time.Time) *member {
	members := g.candidates("")
	if len(members) == 0 {
		return nil
	}
	n := g.turn.Add(1) - 1
	var spare *member
	for i := range members {
		m := members[(n+uint64(i))%uint64(len(members))]
		if slices.Contains(tried, m.backend) {
			continue
		}
		if now.UnixNano() >= m.ejected.Load() {
			return m
		}
		if spare == nil {
			spare = m
		}
	}
	if spare == nil {
		spare = members[n%uint64(len(members))]
	}
	return spare
}

// failed counts a failure to reach m, and leaves it out when it was one too many.
func (g *group) failed(m *member, now time.Time) {
	if m.failures.Add(1) < ejectAfter {
		return
	}
	out := 1
	for _, o := range g.members {
		if o.backend != m.backend && now.UnixNano() < o.ejected.Load() {
			out++
		}
	}
	if out > 1 && out*100 > len(g.members)*ejectPercent {
		return
	}
	m.failures.Store(0)
	m.ejected.Store(now.Add(ejectFor).UnixNano())
}

// elsewhere notes that m could not be reached; true when the request may go to
// another target, as it may with proxies.
func (x *exchange) elsewhere(m *member, err error) bool {
	if x.live.Type != Proxy || x.overdue.Load() {
		return false
	}
	if g := x.live.groups[x.record.Group]; g != nil {
		g.failed(m, time.Now())
	}
	x.record.TargetConnectErrors++
	x.tried, x.failure = append(x.tried, m.backend), err
	return true
}

// limit ends the connections of a request that takes longer than its group
// allows. The caller calls what it returns when the request is done.
func (x *exchange) limit(g *group, m *member) (done func()) {
	if x.live.Type != Proxy {
		return func() {}
	}
	if g.RequestTimeout == 0 {
		return func() { x.reached(m) }
	}
	late := time.AfterFunc(g.RequestTimeout-time.Since(x.now), func() {
		x.overdue.Store(true)
		if cut := x.cut.Load(); cut != nil {
			(*cut)()
		}
	})
	return func() {
		late.Stop()
		x.cut.Store(nil)
		x.reached(m)
	}
}

// cuttable says how the request is ended where it takes too long.
func (x *exchange) cuttable(cut func()) {
	if x.live.Type != Proxy {
		return
	}
	x.cut.Store(&cut)
	if x.overdue.Load() {
		cut()
	}
}

// reached forgets earlier failures of a target that has answered.
func (x *exchange) reached(m *member) {
	if x.record.TargetStatus != 0 {
		m.failures.Store(0)
	}
}

// refuseAsProxy answers in the words of the proxy that AWS runs.
func (x *exchange) refuseAsProxy(status int) {
	text := ""
	switch {
	case x.overdue.Load() || status == 504:
		status, text = 504, "upstream request timeout"
	case status == 464:
		status, text = 400, "the endpoint speaks HTTP/2"
	case status == 502 || status == 503:
		status, text = 503, "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
		if len(x.tried) > 0 {
			text = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: " + resetReason(x.failure)
		} else if status == 503 && !x.record.Target.IsValid() {
			text = "no healthy upstream"
		}
	}
	if x.grpc {
		code := "14" // UNAVAILABLE
		if x.overdue.Load() {
			code = "4" // DEADLINE_EXCEEDED
		}
		x.reply(200, "application/grpc", "", http1.Field{Name: "Content-Type", Value: "application/grpc"}, http1.Field{Name: "Grpc-Status", Value: code}, http1.Field{Name: "Grpc-Message", Value: text})
		return
	}
	x.reply(status, "text/plain", text)
}

func resetReason(err error) string {
	switch {
	case isTimeout(err):
		return "connection timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "remote connection failure, transport failure reason: delayed connect error: Connection refused"
	case connectionLost(err):
		return "connection termination"
	}
	return "remote connection failure"
}

// runProxyFlow carries a connection as it is to the next target that can be reached.
func (c *session) runProxyFlow(l *live, f *front) {
	c.state.Store(active)
	c.record.Protocol = f.Protocol
	g := l.groups[f.Default[0].Forward.Groups[0].Group]
	var tried []*backend
	for range attempts {
		now := time.Now()
		m := g.pickOther(tried, now)
		if m == nil {
			break
		}
		c.record.Target, c.record.Group = m.Target.Addr, g.ID
		var conn net.Conn
		var err error
		if conn, err = m.reach(c.ctx, Hop{Network: "tcp", Zone: c.zone, Target: m.Target.Addr}, nil); err == nil {
			m.failures.Store(0)
			c.tunnelTo(conn, f, g, m)
			return
		}
		if err != errGone {
			g.failed(m, now)
			c.record.ConnectErrors++
		}
		tried = append(tried, m.backend)
	}
	c.record.Rejected = true
	c.reset()
}
