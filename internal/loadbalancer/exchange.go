package loadbalancer

import (
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// exchange is one request and its answer.
type exchange struct {
	*session
	live   *live
	front  *front
	now    time.Time // when the head of the request was here
	req    http1.Request
	path   string
	query  string
	grpc   bool
	body   source // nil: none
	to     responder
	record AccessRecord

	cookies []string // stickiness to a target group, sessions
	guarded bool     // an action has asked who it is
	user    user     // who it is
	stuck   bool     // a cookie led to the target
	// What proxies know of a request: whom they could not reach, why not, and that
	// it took too long.
	tried   []*backend
	failure error
	overdue atomic.Bool
	cut     atomic.Pointer[func()] // ends it
	// closes says that the client's connection ends after this answer, fresh that
	// the target's must not be shared with other requests.
	closes, fresh bool
	begun         bool // the head of the answer is on its way
	writtenBefore int64
	attempt       attempt
}

// responder writes an answer to the client.
type responder interface {
	sink
	// begin writes the head, at a time that is now. own says that the answer is the
	// load balancer's.
	begin(x *exchange, r *http1.Response, own bool, now time.Time) error
	// upgrade answers 101 and hands over the client's stream.
	upgrade(x *exchange, r *http1.Response) (*stream, error)
	// proceed answers 100.
	proceed() error
	// gone says whether the client cannot be answered any more.
	gone() bool
	// written is how many bytes the client's connection has taken.
	written() int64
	// interrupt ends the reading of the request's body.
	interrupt()
	// abort ends an answer that cannot be completed, so that the client sees it.
	abort()
}

// reset prepares for the next request.
func (x *exchange) reset(l *live, f *front, now time.Time) {
	x.live, x.front, x.now = l, f, now
	x.body, x.cookies, x.stuck, x.closes, x.fresh, x.begun, x.grpc = nil, nil, false, false, false, false, false
	x.tried, x.failure = nil, nil
	x.overdue.Store(false)
	x.guarded, x.user = false, user{}
	r, c := &x.record, &x.session.record
	*r = AccessRecord{}
	r.Listener, r.Zone, r.Received, r.Client, r.Port, r.Priority = f.ID, x.zone, now, x.client, f.Port, -1
	r.RequestTime, r.TargetTime, r.ResponseTime = -1, -1, -1
	r.ConnTraceID, r.Cipher, r.TLSVersion, r.Domain, r.Certificate = c.TraceID, c.Cipher, c.TLSVersion, c.Domain, c.Certificate
}

// kind is the type of the request in logs.
func (x *exchange) kind(plain, secure string) {
	x.record.Type = plain
	if x.tls != nil {
		x.record.Type = secure
	}
}

// describe notes what the request is.
func (x *exchange) describe() {
	r := &x.record
	r.Method, r.Host, r.Path, r.Proto = x.req.Method, x.req.Host, x.req.Raw, x.req.Proto
	r.Classification, r.ClassificationReason = x.req.Threat.String(), x.req.Reason
	for i := range x.req.Fields {
		switch f := &x.req.Fields[i]; f.Kind {
		case http1.UserAgent:
			r.UserAgent = f.Value
		case http1.XAmznTraceID:
			r.TraceID = f.Value
		}
	}
	r.TraceID = traceID(r.TraceID, x.now)
	x.path, x.query, _ = strings.Cut(x.req.Target, "?")
}

// handle answers the request, whatever becomes of it.
func (x *exchange) handle() {
	x.describe()
	switch t := x.req.Threat; {
	case t >= http1.Acceptable && x.live.Attributes.Desync == Strictest:
		x.refuse(400, "")
		return
	case t == http1.Ambiguous && x.live.Attributes.Desync == Defensive:
		x.closes, x.fresh = true, true
	}
	if x.tooFarForwarded() {
		x.refuse(463, "")
		return
	}
	if x.live.Attributes.DropInvalid {
		x.dropInvalid()
	}
	if x.comesBack() {
		return
	}
	actions := x.match()
	for i := range actions {
		switch a := &actions[i]; a.Type {
		case rule.Authenticate:
			x.record.Actions = "authenticate"
			if !x.authenticate(a.OIDC) {
				return
			}
		case rule.Forward:
			x.did("forward")
			x.forwardTo(&a.Forward)
			return
		case rule.Redirect:
			x.did("redirect")
			x.redirect(&a.Redirect)
			return
		case rule.FixedResponse:
			x.did("fixed-response")
			x.answer(a.Fixed.Status, a.Fixed.ContentType, a.Fixed.Body)
			return
		}
	}
	x.refuse(503, "")
}

// did notes an action that was taken.
func (x *exchange) did(action string) {
	if x.record.Actions != "" {
		action = x.record.Actions + "," + action
	}
	x.record.Actions = action
}

// match evaluates the rules.
func (x *exchange) match() []rule.Action {
	found, n := x.front.rules.Match(&rule.Request{
		Method: x.req.Method, Host: x.req.Host, Path: x.path, Query: x.query, Source: x.client.Addr(), Fields: x.req.Fields,
	})
	x.record.RulesEvaluated = n
	if found == nil {
		x.record.Priority = 0
		return x.front.Default
	}
	x.record.Priority = found.Priority
	return found.Actions
}

// forwardTo chooses a target group and a target.
func (x *exchange) forwardTo(f *rule.ForwardTo) {
	id := ""
	if f.Sticky > 0 {
		id = x.server.jar.stuckGroup(f, x.req.Fields, x.now)
	}
	if id == "" {
		if total := f.Total(); total > 0 {
			n := 0
			if len(f.Groups) > 1 {
				n = rand.IntN(total)
			}
			id = f.Pick(n)
		}
	}
	g := x.live.groups[id]
	if g == nil {
		x.refuse(503, "")
		return
	}
	x.record.Group = id
	if f.Sticky > 0 {
		x.cookies = append(x.cookies, x.server.jar.groupCookies(id, f.Sticky, x.tls != nil, x.now)...)
	}
	if !x.compatible(g) {
		x.refuse(464, "")
		return
	}
	for range attempts {
		m := x.choose(g)
		if m == nil {
			break
		}
		if x.carry(g, m) {
			return
		}
		x.live = x.server.live.Load() // m left the configuration a moment ago, or a proxy asks another: nothing was sent
		if g = x.live.groups[id]; g == nil {
			break
		}
	}
	x.refuse(503, "")
}

// carry forwards the request to m and answers it; false when m is gone and the
// request can go elsewhere.
func (x *exchange) carry(g *group, m *member) bool {
	x.record.Target, x.record.TargetZone = m.Target.Addr, m.Zone
	m.outstanding.Add(1)
	defer m.outstanding.Add(-1)
	defer x.limit(g, m)()
	if g.Version == HTTP2 || g.Version == GRPC {
		return x.forwardHTTP2(g, m)
	}
	return x.forwardHTTP1(g, m)
}

// choose finds the target: the one that a cookie names, or the next one.
func (x *exchange) choose(g *group) *member {
	x.stuck = false
	if x.live.Type == Proxy {
		return g.pickOther(x.tried, x.now)
	}
	if g.Stickiness.Type != NotSticky {
		if m := x.server.jar.stuckTarget(g, x.zone, x.req.Fields, x.now); m != nil {
			x.stuck = true
			return m
		}
	}
	return g.pick(x.zone, x.now)
}

// compatible is AWS's table of request protocols and protocol versions.
func (x *exchange) compatible(g *group) bool {
	h2 := x.req.Proto == "HTTP/2.0"
	switch g.Version {
	case HTTP2:
		return h2
	case GRPC:
		return h2 && (x.grpc || x.req.Method == "POST")
	}
	return !x.grpc
}

// tooFarForwarded says whether X-Forwarded-For names more addresses than AWS takes.
func (x *exchange) tooFarForwarded() bool {
	if x.live.Type == Proxy {
		return false
	}
	n := 0
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.Kind == http1.XForwardedFor {
			n += strings.Count(f.Value, ",") + 1
		}
	}
	return n > maxForwardedFor
}

func (x *exchange) dropInvalid() {
	kept := x.req.Fields[:0]
	for _, f := range x.req.Fields {
		if http1.ValidName(f.Name) {
			kept = append(kept, f)
		}
	}
	x.req.Fields = kept
}

func (x *exchange) redirect(r *rule.RedirectTo) {
	proto := "http"
	if x.tls != nil {
		proto = "https"
	}
	location := r.Location(rule.Origin{Protocol: proto, Host: rule.Hostname(x.hostOrLocal()), Port: x.front.port, Path: x.path, Query: x.query})
	x.record.RedirectURL = location
	x.reply(r.Status, "text/html", page(r.Status), http1.Field{Name: "Location", Value: location})
}

func (x *exchange) hostOrLocal() string {
	if x.req.Host != "" {
		return x.req.Host
	}
	return hostOf(x.local)
}

func hostOf(a netip.AddrPort) string { return a.Addr().String() }

// refuse answers with a page of the load balancer's own, and says why in the record.
func (x *exchange) refuse(status int, reason string) {
	x.record.Reason = reason
	if x.live.Type == Proxy {
		x.refuseAsProxy(status)
		return
	}
	x.reply(status, "text/html", page(status))
}

// answer makes a fixed response.
func (x *exchange) answer(status int, contentType, body string) {
	x.reply(status, contentType, body)
}

// reply writes an answer of the load balancer's own.
func (x *exchange) reply(status int, contentType, body string, fields ...http1.Field) {
	r := http1.Response{Status: status, Reason: phrase(status), HasLength: true, Length: int64(len(body)), Fields: fields}
	if body != "" && contentType != "" {
		r.Fields = append(r.Fields, http1.Field{Name: "Content-Type", Value: contentType})
	}
	if x.body != nil && !x.drain() {
		x.closes = true
	}
	x.record.Status = status
	if x.to.begin(x, &r, true, time.Now()) != nil {
		return
	}
	if !r.NoBody(x.req.Method) && x.to.write([]byte(body)) != nil {
		return
	}
	_ = x.to.end(nil)
}

// drain reads a request's body that nobody wants when all of it is here already,
// so that the connection can be used again.
func (x *exchange) drain() bool {
	for range 8 {
		if !x.body.ready() {
			return false
		}
		if _, err := x.body.next(); err != nil {
			x.body = nil
			return err == io.EOF
		}
	}
	return false
}
