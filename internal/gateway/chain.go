package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ids"
)

// request is one AWS request on its way through the chain. Steps fill it.
type request struct {
	ctx      context.Context
	w        http.ResponseWriter
	raw      *http.Request // as it came; its path and headers are what was signed
	r        *http.Request // with S3's virtual hosts turned into paths
	id       string        // request id
	started  time.Time
	origin   Origin // zero for the API's listener
	inside   bool   // came out of a VPC
	mount    *Mount
	op       *wire.Operation
	protocol wire.Protocol
	body     []byte // as it came
	content  []byte // the same, decompressed
	form     url.Values
	sig      *sigv4.Signature // nil: not signed
	identity caller.Identity
	in, out  any
}

// step is one link of the chain; an error ends it.
type step struct {
	name string
	do   func(*Gateway, *request) error
}

// chain is what happens to every request, in this order.
var chain = []step{
	{"route", (*Gateway).route},               // which service: nothing is read or decoded for a service that is not there
	{"read", (*Gateway).read},                 // the body, bounded; before verifying, which hashes it
	{"operation", (*Gateway).operation},       // which operation: its name decides whether a signature is needed
	{"authenticate", (*Gateway).authenticate}, // verify the signature before anything of the body is believed
	{"decode", (*Gateway).decode},             // into the operation's input
	{"validate", (*Gateway).validate},         // against the model: handlers see only well-formed input
	{"authorize", (*Gateway).authorize},       // IAM; after validation, as its resources come from the input
	{"call", (*Gateway).call},                 // the handler
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_neargate/") || strings.HasPrefix(r.URL.Path, "/_localstack/") {
		if _, inside := g.originOf(r.Context()); !inside {
			g.cfg.Control.ServeHTTP(w, r)
			return
		}
	}
	// A copy, as steps replace the body: net/http looks at its own request to see
	// whether the client still waits for "100 Continue" when it is refused.
	r = r.WithContext(r.Context())
	req := &request{w: w, raw: r, r: r, id: ids.UUID(), started: time.Now()}
	req.ctx = decision.Watch(r.Context(), req.id)
	req.origin, req.inside = g.originOf(req.ctx)
	for _, s := range chain {
		if err := s.do(g, req); err != nil {
			g.fail(req, s.name, err)
			return
		}
	}
	g.answer(req)
}

func (g *Gateway) originOf(ctx context.Context) (Origin, bool) {
	if g.cfg.Origin == nil {
		return Origin{}, false
	}
	return g.cfg.Origin(ctx)
}

func (g *Gateway) decode(req *request) error {
	in, err := req.op.Decode(req.protocol, req.r, req.content)
	req.in = in
	return err
}

func (g *Gateway) validate(req *request) error { return wire.Validate(req.op, req.in) }

func (g *Gateway) authorize(req *request) error {
	return g.cfg.Checker.CheckOperation(req.ctx, req.mount.Authorization, req.op.Name, req.in)
}

func (g *Gateway) call(req *request) error {
	out, err := req.mount.Handlers[req.op.Name](req.ctx, req.in)
	req.out = out
	return err
}

// Invoke implements wire.Invoker: an operation in process, as the principal in ctx.
func (g *Gateway) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (out any, err error) {
	m := g.byModel[service]
	if m == nil || m.Handlers[operation] == nil {
		return nil, wire.NewError("UnknownOperationException", 400, "%s has no operation %s here", service.ID, operation)
	}
	op := service.Operation(operation)
	if err := wire.Validate(op, in); err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	if id.RequestID == "" {
		id.RequestID = ids.UUID()
		ctx = caller.With(ctx, id)
	}
	call := audit.Call{Identity: id, Operation: op, In: in, At: time.Now(), Rules: m.Authorization.Rules[operation]}
	call.Err = g.cfg.Checker.CheckOperation(ctx, m.Authorization, operation, in)
	if call.Err == nil {
		call.Out, call.Err = m.Handlers[operation](ctx, in)
	}
	out = call.Out
	if g.cfg.Audit != nil {
		call.Encode() // the caller goes on with in and out
		g.cfg.Audit.Record(call)
	}
	slog.Debug("call", "service", service.ID, "operation", operation, "as", id.ARN, "error", call.Err)
	return out, call.Err
}

// sourceIP is the address that aws:SourceIp tells: the ENI's inside a VPC, the
// configured address of the host's clients elsewhere.
func (req *request) sourceIP() netip.Addr {
	if req.inside {
		return req.origin.SourceIP
	}
	return hostClients
}

// hostClients is the one internet address as which clients on the host count.
var hostClients = netip.MustParseAddr("203.0.113.1")
