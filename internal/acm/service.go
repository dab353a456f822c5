package acm

import (
	"context"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Authority signs certificates. Satisfied by pki.Authority.
type Authority interface {
	Sign(public crypto.PublicKey, names []string, notAfter time.Time) (*x509.Certificate, error)
	PEM() []byte // its own certificate
}

// Options are what the service needs.
type Options struct {
	DB        *store.DB
	Sealer    seal.Sealer
	Authority Authority
	Now       func() time.Time // time.Now but in tests
}

// Service is AWS Certificate Manager. Its methods are the generated API.
type Service struct {
	Options

	mu     sync.Mutex
	opened map[string]opened // guarded by mu; by certificate, see TLS
}

var _ acmapi.API = (*Service)(nil)

// New returns the service.
func New(o Options) *Service {
	return &Service{Options: o, opened: map[string]opened{}}
}

// Run renews certificates until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		if err := s.renewDue(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Second) }

// find returns the certificate with an ARN.
func (s *Service) find(tx *store.Tx, id caller.Identity, certificateARN string) (*state.Certificate, error) {
	a, err := arn.Parse(certificateARN)
	name, ok := strings.CutPrefix(a.Resource, "certificate/")
	if err != nil || !ok || a.Service != "acm" {
		return nil, &acmapi.InvalidArnException{Message: "Invalid arn: " + certificateARN}
	}
	if a.Account == id.Account && a.Region == id.Region {
		if c, ok := state.Certificates.Get(tx, state.Key(a.Account, a.Region, name)); ok {
			return c, nil
		}
	}
	return nil, &acmapi.ResourceNotFoundException{Message: "Could not find certificate " + certificateARN + "."}
}

// update changes a copy of a certificate's record.
func (s *Service) update(ctx context.Context, certificateARN string, change func(*state.Certificate) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := s.find(tx, caller.From(ctx), certificateARN)
		if err != nil {
			return err
		}
		changed := *c
		if err := change(&changed); err != nil {
			return err
		}
		state.Certificates.Put(tx, &changed)
		return nil
	})
}

// usedBy returns the ARNs of the load balancers with listeners that have a certificate.
func usedBy(tx *store.Tx, certificateARN string) []string {
	out := []string{}
	for l := range state.Listeners.By(tx, "certificate", certificateARN) {
		balancer := state.LoadBalancer{Account: l.Account, Region: l.Region, Path: l.LoadBalancer()}
		if arn := balancer.ARN(); !slices.Contains(out, arn) {
			out = append(out, arn)
		}
	}
	return out
}

func keyPurpose(c *state.Certificate) string { return "acm " + c.ARN() }

// invalid is AWS's error for what the model does not rule out.
func invalid(message string) error { return &acmapi.ValidationException{Message: message} }

func refused(what string) error {
	return wire.NewError("UnsupportedOperationException", 400, "%s is not carried out by Neargate.", what)
}
