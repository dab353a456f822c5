package gateway

import (
	"context"
	cryptotls "crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/decision"
)

// answer encodes the output.
func (g *Gateway) answer(req *request) {
	g.record(req, nil)
	req.headers()
	if err := req.op.Encode(req.protocol, req.w, req.out, req.id); err != nil {
		// The status line is out; all that can be done is to break the connection,
		// so that the client does not take half an answer for a whole one.
		slog.Warn("answer broke off", "request", req.id, "operation", req.op.Name, "error", err)
		panic(http.ErrAbortHandler)
	}
	req.log(nil)
}

// fail is the one place where errors become wire. stage is the step of the chain.
func (g *Gateway) fail(req *request, stage string, err error) {
	var known wire.Error
	var signature *sigv4.Error
	switch {
	case errors.As(err, &signature):
		known = g.signatureError(req, signature)
	case errors.As(err, &known):
		// A hand-over that a handler refuses (iam:PassRole) is worded for JSON services.
		if known.ErrorCode() == "AccessDeniedException" && req.protocol == wire.Query {
			known = wire.NewError("AccessDenied", 403, "%s", known.ErrorMessage())
		}
		if known.ErrorCode() == "AccessDeniedException" && req.protocol == wire.EC2Query {
			known = wire.NewError("UnauthorizedOperation", 403, "You are not authorized to perform this operation. %s", known.ErrorMessage())
		}
	case hungUp(req.raw, err): // nobody is left to be answered, but the call was made
		slog.Debug("client hung up", "request", req.id, "operation", req.name(), "stage", stage)
		g.record(req, wire.NewError("RequestCanceled", 499, "The client closed the connection before there was an answer."))
		return
	default:
		slog.Error("internal failure", "request", req.id, "operation", req.name(), "stage", stage, "error", err)
		known = wire.NewError("InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure. Request %s", req.id)
	}
	g.record(req, known)
	req.headers()
	g.decide(req, stage, known, err)
	if decision.Refused(req.ctx) {
		req.w.Header().Set("X-Neargate-Why", req.id)
	}
	var model *wire.Service
	if req.mount != nil {
		model = req.mount.Model
	}
	wire.EncodeError(model, req.protocol, req.w, known, req.id)
	req.log(known)
}

// hungUp reports whether a request failed because its client no longer waits.
func hungUp(r *http.Request, err error) bool {
	return errors.Is(err, context.Canceled) && r.Context().Err() != nil
}

// signatureError words a signature's fault as the service's family does.
func (g *Gateway) signatureError(req *request, problem *sigv4.Error) wire.Error {
	family := sigv4.JSON
	switch {
	case req.mount == g.s3:
		family = sigv4.S3
	case req.protocol == wire.EC2Query:
		family = sigv4.EC2
	case req.protocol == wire.Query:
		family = sigv4.Query
	}
	code, status, message, _ := sigv4.Answer(problem, family)
	return wire.NewError(code, status, "%s", message)
}

// record tells the audit log of a request whose signature is good.
func (g *Gateway) record(req *request, err error) {
	if g.cfg.Audit == nil || req.op == nil || req.identity.Account == "" {
		return
	}
	call := audit.Call{
		Identity: req.identity, Operation: req.op, In: req.in, Out: req.out, Err: err, At: req.started, Rules: req.mount.Authorization.Rules[req.op.Name], Host: req.raw.Host,
	}
	if err != nil {
		call.Out = nil
	}
	if tls := req.raw.TLS; tls != nil {
		call.TLS, call.Cipher = strings.ReplaceAll(cryptotls.VersionName(tls.Version), " ", "v"), cryptotls.CipherSuiteName(tls.CipherSuite)
	}
	g.cfg.Audit.Record(call)
}

func (req *request) headers() {
	h := req.w.Header()
	h.Set("Server", "Neargate")
	h.Set("Date", req.started.UTC().Format(http.TimeFormat))
}

func (req *request) name() string {
	switch {
	case req.op != nil:
		return req.mount.Model.ID + "." + req.op.Name
	case req.mount != nil:
		return req.mount.Model.ID
	}
	return req.r.Method + " " + req.r.URL.Path
}

func (req *request) log(err error) {
	if err == nil {
		slog.Debug("request", "id", req.id, "operation", req.name(), "as", req.identity.ARN, "took", time.Since(req.started))
		return
	}
	slog.Info("request refused", "id", req.id, "operation", req.name(), "as", req.identity.ARN, "error", err)
}
