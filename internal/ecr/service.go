package ecr

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"log/slog"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Config is what the service is made of.
type Config struct {
	DB      *store.DB
	Blobs   *blob.Store
	Checker authorize.Checker
	// Key seals tokens and signs links: 32 secret bytes that outlive a restart.
	Key []byte
	// AlsoUsed returns blobs that others than ECR need, so that they are not swept; may be nil.
	AlsoUsed func() []digest.Digest
	Now      func() time.Time // time.Now when nil
	Log      *slog.Logger
}

// Service is Amazon ECR. Its methods are the generated API.
type Service struct {
	Config
	uploads *registry.Uploads
	links   *registry.Links
	sealKey []byte
}

var _ ecrapi.API = (*Service)(nil)

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	seal, err := hkdf.Key(sha256.New, c.Key, nil, "neargate ecr token", 32)
	if err != nil {
		return nil, err
	}
	link, err := hkdf.Key(sha256.New, c.Key, nil, "neargate ecr layer link", 32)
	if err != nil {
		return nil, err
	}
	return &Service{Config: c, uploads: registry.NewUploads(c.Blobs), links: registry.NewLinks(link, c.Now), sealKey: seal}, nil
}

// Run applies lifecycle policies and removes blobs that nothing refers to any
// more, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	const hour = time.Hour
	ticker := time.NewTicker(hour)
	defer ticker.Stop()
	for {
		if err := s.expireAll(ctx); err != nil && ctx.Err() == nil {
			s.logError(ctx, "lifecycle policies", err)
		}
		// What was written within the hour may be of a push that is not finished.
		if err := s.sweep(s.Now().Add(-hour)); err != nil {
			s.logError(ctx, "sweeping blobs", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Service) sweep(before time.Time) error {
	return s.Blobs.Sweep(before, func() map[digest.Digest]bool {
		used := map[digest.Digest]bool{}
		tx := s.DB.Read()
		for layer := range state.Layers.All(tx, "") {
			used[digest.Digest(layer.Digest)] = true
		}
		for image := range state.Images.All(tx, "") {
			used[digest.Digest(image.Digest)] = true
		}
		if s.AlsoUsed != nil {
			for _, d := range s.AlsoUsed() {
				used[d] = true
			}
		}
		return used
	})
}

func (s *Service) logError(ctx context.Context, what string, err error) {
	if s.Log != nil {
		s.Log.ErrorContext(ctx, what, "service", "ecr", "error", err)
	}
}

// scope is the registry that a request speaks to: an account in a region.
type scope struct{ account, region string }

// scopeOf is the registry that the request names, by default the caller's own.
func scopeOf(ctx context.Context, registryID string) scope {
	id := caller.From(ctx)
	if registryID == "" {
		registryID = id.Account
	}
	return scope{registryID, id.Region}
}

func (sc scope) key(repository string) string {
	return state.Key(sc.account, sc.region, repository)
}

func (sc scope) itemKey(repository, digest string) string {
	return state.RepositoryItemKey(sc.account, sc.region, repository, digest)
}

func (sc scope) arn(repository string) string {
	return (&state.Repository{Account: sc.account, Region: sc.region, Name: repository}).ARN()
}

// host is the registry's name in DNS and in image names.
func (sc scope) host() string {
	return sc.account + ".dkr.ecr." + sc.region + ".amazonaws.com"
}

// Hosts returns the DNS names of the registries that have repositories, sorted.
func (s *Service) Hosts() []string {
	var out []string
	for r := range state.Repositories.All(s.DB.Read(), "") {
		out = append(out, scope{r.Account, r.Region}.host())
	}
	slices.Sort(out)
	return slices.Compact(out)
}
