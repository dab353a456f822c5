package gateway

import (
	"net"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/caller"
)

// authenticate verifies the signature and puts the caller's identity into the
// context. A body of S3 that is not streamed is read here, behind the checking reader.
func (g *Gateway) authenticate(req *request) error {
	id, err := g.principal(req)
	if err != nil {
		return err
	}
	if req.mount == g.s3 && !req.op.Streams() {
		if err := req.readBody(maxBody); err != nil {
			return err
		}
	}
	if req.sig != nil {
		id.Region = req.sig.Region
	}
	if id.Region == "" {
		id.Region = g.cfg.Region
	}
	id.SourceIP = req.sourceIP()
	id.SourceVPC, id.SourceVPCE = req.origin.VPC, req.origin.Endpoint
	id.SecureTransport = true // see ARCHITECTURE.md: bucket policies of SAM and CDK deny everything else
	id.UserAgent = req.r.UserAgent()
	id.RequestID = req.id
	req.identity = id
	req.ctx = caller.With(req.ctx, id)
	return nil
}

func (g *Gateway) principal(req *request) (caller.Identity, error) {
	if req.sig == nil {
		if _, err := sigv4.Parse(req.raw); !isMissing(err) {
			return caller.Identity{}, err
		}
		if req.op.AuthNone || req.mount == g.s3 {
			return caller.Identity{Type: caller.Anonymous}, nil
		}
		return caller.Identity{}, &sigv4.Error{Kind: sigv4.Missing, Detail: "Request is missing Authentication Token"}
	}
	if req.sig.Service != req.mount.Model.SigningName {
		return caller.Identity{}, &sigv4.Error{Kind: sigv4.BadScope, Detail: "Credential should be scoped to correct service: '" + req.mount.Model.SigningName + "'."}
	}
	secret, id, err := g.cfg.Keys.Lookup(req.ctx, req.sig.AccessKeyID, req.sig.Token, req.trusted())
	if err != nil {
		return caller.Identity{}, err
	}
	id.AccessKeyID = req.sig.AccessKeyID
	if req.mount != g.s3 {
		return id, g.verifier.VerifyBody(req.raw, req.sig, secret, req.body)
	}
	req.sig.S3Path = req.r.URL.EscapedPath()
	if err := g.verifier.VerifyStream(req.raw, req.sig, secret); err != nil {
		return id, err
	}
	req.r.Body, req.r.ContentLength, req.r.Trailer = req.raw.Body, req.raw.ContentLength, req.raw.Trailer
	return id, nil
}

func isMissing(err error) bool {
	problem, ok := err.(*sigv4.Error)
	return ok && problem.Kind == sigv4.Missing
}

// trusted reports whether the request came from this machine to the API's
// listener, where the operator's fixed key may be used.
func (req *request) trusted() bool {
	if req.inside {
		return false
	}
	host, _, err := net.SplitHostPort(req.r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
