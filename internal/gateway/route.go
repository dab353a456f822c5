package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
)

// Limits of request bodies that are held in memory.
const (
	maxBody       = 8 << 20
	maxUploadPart = 32 << 20 // ECR's UploadLayerPart takes 20 MB as base64
)

// route finds the service: by the signature's scope, by X-Amz-Target, by the
// host, and S3 for what is left.
func (g *Gateway) route(req *request) error {
	r := req.r
	host := hostOnly(r.Host)
	req.protocol = wire.Detect(r) // also of a refusal
	sig, err := sigv4.Parse(r)
	var problem *sigv4.Error
	switch {
	case err == nil:
		req.sig = sig
	case errors.As(err, &problem) && problem.Kind == sigv4.Missing:
	default:
		// A malformed signature is answered in the words of the service, so go on
		// to find it; authenticate parses again.
	}
	target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case target != "" && g.byTarget[target] != nil:
		req.mount = g.byTarget[target]
	case req.sig != nil && g.bySigner[req.sig.Service] != nil:
		req.mount = g.bySigner[req.sig.Service]
	case g.byHost(host) != nil:
		req.mount = g.byHost(host)
	case req.sig != nil && req.sig.Service != "s3":
		return wire.NewError("UnknownOperationException", 400, "Neargate does not carry out the service %q", req.sig.Service)
	case target != "":
		return wire.NewError("UnknownOperationException", 400, "Neargate does not carry out the service of %q", r.Header.Get("X-Amz-Target"))
	case isForm(r):
		return wire.NewError("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
	default:
		req.mount = g.s3
	}
	if req.mount == nil {
		return wire.NewError("UnknownOperationException", 404, "Neargate does not know this request")
	}
	if req.mount == g.s3 {
		if path, ok := g.cfg.S3Path(r.Host, r.URL.EscapedPath()); ok {
			req.r = withPath(r, path)
		}
	}
	return nil
}

// withPath returns the request with another (escaped) path. The original stays
// as it is: its path is what was signed.
func withPath(r *http.Request, path string) *http.Request {
	if path == r.URL.EscapedPath() {
		return r
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = plain, path
	out := *r
	out.URL = &u
	return &out
}

// byHost finds the service of a public name of AWS: ecs.us-east-1.amazonaws.com,
// api.ecr.us-east-1.amazonaws.com, iam.amazonaws.com, and names of endpoints
// (vpce-0a1b-xyz.logs.us-east-1.vpce.amazonaws.com).
func (g *Gateway) byHost(host string) *Mount {
	name, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(name, ".vpce"), ".")
	for n := min(len(labels), 2); n > 0; n-- {
		for i := 0; i+n <= len(labels); i++ {
			if m := g.byPrefix[strings.Join(labels[i:i+n], ".")]; m != nil {
				return m
			}
		}
	}
	return nil
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// read takes the body into memory. S3's bodies wait for authenticate: most are
// streamed, and their signature is checked while they are read.
func (g *Gateway) read(req *request) error {
	if req.mount == g.s3 {
		return nil
	}
	limit := limitOf(req.mount)
	if err := req.readBody(limit); err != nil {
		return err
	}
	content, err := req.inflated(limit)
	if err != nil {
		return err
	}
	req.content = content
	if req.protocol != wire.Query && req.protocol != wire.EC2Query {
		return nil
	}
	form, err := wire.ParseForm(req.r, req.content)
	req.form = form
	return err
}

func limitOf(m *Mount) int64 {
	if m.Model.SigningName == "ecr" {
		return maxUploadPart
	}
	return maxBody
}

func (req *request) readBody(limit int64) error {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(req.r.Body, limit+1))
	switch {
	case errors.As(err, new(*sigv4.Error)):
		return err
	case err != nil:
		return wire.NewError("RequestTimeout", 400, "Your socket connection to the server was not read from or written to within the timeout period.")
	case n > limit:
		return wire.NewError("RequestEntityTooLarge", 413, "Request size exceeded %d bytes", limit)
	}
	req.body, req.content = b.Bytes(), b.Bytes()
	return nil
}

// operation finds which operation of the service is meant.
func (g *Gateway) operation(req *request) error {
	op, protocol, err := req.mount.Model.Route(req.r, req.form)
	req.op, req.protocol = op, protocol // the protocol also of a refusal
	return err
}
