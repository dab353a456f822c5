package gateway

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
)

// Mount is one AWS service as the gateway serves it.
type Mount struct {
	Model         *wire.Service
	Handlers      wire.Handlers
	Authorization authorize.Service
}

// Origin is where a request came from when it did not come to the API's own
// listener: out of a VPC.
type Origin struct {
	VPC      string
	Endpoint string // id of the interface or gateway endpoint it came through; may be empty
	SourceIP netip.Addr
}

// Keys finds out who is behind an access key.
type Keys interface {
	// Lookup returns the secret of an access key and who it speaks for. The
	// region of the Identity is filled by the gateway. trusted says that the
	// request came from where the operator's fixed key may be used. Errors are
	// *sigv4.Error of kinds UnknownKey, BadToken and ExpiredToken.
	Lookup(ctx context.Context, accessKeyID, token string, trusted bool) (secret string, id caller.Identity, err error)
}

// Config is what a Gateway needs. All fields but Origin, Audit, Control and Decisions must be set.
type Config struct {
	Keys    Keys
	Checker Checker
	// S3Path turns the host and path of a request into S3's path-style path
	// ("/bucket/key"), and reports whether the host names a bucket or S3 at all.
	S3Path func(host, path string) (pathStyle string, isS3 bool)
	// Origin tells where in a VPC a request came from; ok is false for the API's listener.
	Origin func(ctx context.Context) (Origin, bool)
	// Audit takes every call, answered or refused.
	Audit Recorder
	// Control serves /_neargate/; Authenticated for its signed part.
	Control http.Handler
	// Region is used for requests whose signature names none.
	Region string
	// Decisions is told of requests that are refused before IAM is asked; optional.
	Decisions decision.Recorder
}

// Recorder keeps the record of calls; see package audit.
type Recorder interface{ Record(audit.Call) }

// Checker decides whether the principal in ctx may do something; see
// authorize.Checker. Policies of resources are found with the mount's table.
type Checker interface {
	CheckOperation(ctx context.Context, table authorize.Service, operation string, in any) error
}

// Gateway serves AWS's APIs. Mount all services before it serves.
type Gateway struct {
	cfg      Config
	mounts   []*Mount
	bySigner map[string]*Mount
	byTarget map[string]*Mount
	byPrefix map[string]*Mount
	byModel  map[*wire.Service]*Mount
	s3       *Mount
	verifier *sigv4.Verifier
}

// New returns a Gateway without services.
func New(cfg Config) *Gateway {
	if cfg.Decisions == nil {
		cfg.Decisions = decision.Discard
	}
	return &Gateway{
		cfg:      cfg,
		bySigner: map[string]*Mount{},
		byTarget: map[string]*Mount{},
		byPrefix: map[string]*Mount{},
		byModel:  map[*wire.Service]*Mount{},
		verifier: &sigv4.Verifier{},
	}
}

// Mount adds a service.
func (g *Gateway) Mount(model *wire.Service, handlers wire.Handlers, table authorize.Service) {
	m := &Mount{Model: model, Handlers: handlers, Authorization: table}
	g.mounts = append(g.mounts, m)
	g.bySigner[model.SigningName] = m
	g.byPrefix[model.EndpointPrefix] = m
	g.byModel[model] = m
	if model.TargetPrefix != "" {
		g.byTarget[model.TargetPrefix] = m
	}
	if model.SigningName == "s3" {
		g.s3 = m
	}
}

// Mounts returns the services in the order in which they were mounted.
func (g *Gateway) Mounts() []*Mount { return g.mounts }
