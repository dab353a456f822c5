package ecr

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/registry"
)

// hostForm is the name of a registry: AWS's own, or its alias below .localhost.
var hostForm = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.(?:amazonaws\.com|localhost|localhost\.localstack\.cloud)$`)

// ParseHost returns the registry that a host name, with or without port, stands for.
func ParseHost(host string) (account, region string, ok bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	m := hostForm.FindStringSubmatch(strings.ToLower(host))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// IsHost says whether Registry answers a host name: registries, and the hosts
// that layers come from.
func IsHost(host string) bool {
	_, _, ok := ParseHost(host)
	_, layers := parseLayerHost(host)
	return ok || layers
}

// ServeHTTP is every registry, by the Host of the request, and what their links
// to layers lead to. Where the request comes from (a VPC, an address) it takes
// from the caller.Identity in the request's context; who makes it is in its token.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := parseLayerHost(r.Host); ok {
		s.serveLayer(w, r)
		return
	}
	account, region, ok := ParseHost(r.Host)
	if !ok {
		http.Error(w, "no registry of this name", http.StatusNotFound)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/layers/") {
		s.serveLayer(w, r)
		return
	}
	sc := scope{account, region}
	server := &registry.Server{
		Name: sc.host(), Backend: &backend{s, sc}, Blobs: s.Blobs, Uploads: s.uploads, Log: s.Log,
		Authorize: func(r *http.Request, op registry.Operation, repository string) (context.Context, error) {
			return s.authorizeRegistry(r, sc, op, repository)
		},
		LayerURL: func(ctx context.Context, _ string, d digest.Digest) string {
			if caller.From(ctx).SourceVPC == "" {
				return "" // a client on the host resolves no name of S3 to us
			}
			return s.layerURL(ctx, sc, d)
		},
	}
	server.ServeHTTP(w, r)
}

// actions are the IAM actions that the operations of the registry need. As on
// AWS, none is needed for a Ping besides a token.
var actions = map[registry.Operation]string{
	registry.ListRepositories: "ecr:DescribeRepositories",
	registry.ListTags:         "ecr:ListImages",
	registry.GetManifest:      "ecr:BatchGetImage",
	registry.PutManifest:      "ecr:PutImage",
	registry.GetBlob:          "ecr:GetDownloadUrlForLayer",
	registry.HeadBlob:         "ecr:BatchCheckLayerAvailability",
	registry.MountBlob:        "ecr:GetDownloadUrlForLayer",
	registry.StartUpload:      "ecr:InitiateLayerUpload",
	registry.WriteUpload:      "ecr:UploadLayerPart",
	registry.FinishUpload:     "ecr:CompleteLayerUpload",
}

func (s *Service) authorizeRegistry(r *http.Request, sc scope, op registry.Operation, repository string) (context.Context, error) {
	user, password, ok := r.BasicAuth()
	if !ok || user != "AWS" {
		e := registry.NewError(http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized")
		e.Plain = "Not Authorized"
		e.Challenge = `Basic realm="https://` + sc.host() + `/",service="ecr.amazonaws.com"`
		return nil, e
	}
	id, err := s.open(password)
	if err != nil {
		return nil, registry.NewError(http.StatusForbidden, "DENIED", "%s", err.Error())
	}
	from := caller.From(r.Context())
	id.Region = sc.region
	id.SourceIP, id.SourceVPC, id.SourceVPCE, id.RequestID = from.SourceIP, from.SourceVPC, from.SourceVPCE, from.RequestID
	id.SecureTransport, id.UserAgent = true, r.UserAgent()
	ctx := caller.With(r.Context(), id)

	action, ok := actions[op]
	if !ok {
		return ctx, nil
	}
	if err := s.Checker.Check(ctx, action, sc.arn(cmp.Or(repository, "*")), s.conditions(sc, repository)); err != nil {
		var denied wire.Error
		if errors.As(err, &denied) {
			return nil, registry.NewError(http.StatusForbidden, "DENIED", "%s", denied.ErrorMessage())
		}
		return nil, err
	}
	return ctx, nil
}
