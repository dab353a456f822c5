package acm

import (
	"context"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GetCertificate returns a certificate and its chain as PEM, never the key.
func (s *Service) GetCertificate(ctx context.Context, in *acmapi.GetCertificateRequest) (*acmapi.GetCertificateResponse, error) {
	c, err := s.find(s.DB.Read(), caller.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	return &acmapi.GetCertificateResponse{Certificate: c.Body, CertificateChain: c.Chain}, nil
}

// DeleteCertificate deletes a certificate that no load balancer uses.
func (s *Service) DeleteCertificate(ctx context.Context, in *acmapi.DeleteCertificateRequest) error {
	id := caller.From(ctx)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := s.find(tx, id, in.CertificateArn)
		if err != nil {
			return err
		}
		if len(usedBy(tx, c.ARN())) > 0 {
			return &acmapi.ResourceInUseException{Message: "Certificate " + c.ARN() + " in account " + id.Account + " is in use."}
		}
		state.Certificates.Delete(tx, c.Key())
		return nil
	})
}

// UpdateCertificateOptions changes whether issuing the certificate is logged in
// public; nothing is ever logged here, so only the answer changes.
func (s *Service) UpdateCertificateOptions(ctx context.Context, in *acmapi.UpdateCertificateOptionsRequest) error {
	if in.Options.Export == acmapi.CertificateExportEnabled {
		return refused("Options.Export ENABLED")
	}
	return s.update(ctx, in.CertificateArn, func(c *state.Certificate) error {
		if c.Imported {
			return &acmapi.InvalidStateException{Message: "The certificate " + c.ARN() + " is imported: its options cannot be changed."}
		}
		switch in.Options.CertificateTransparencyLoggingPreference {
		case acmapi.CertificateTransparencyLoggingPreferenceDisabled:
			c.NoLogging = true
		case acmapi.CertificateTransparencyLoggingPreferenceEnabled:
			c.NoLogging = false
		}
		return nil
	})
}
