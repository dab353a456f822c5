package elbv2

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
)

// Certificate is a certificate of ACM as listeners need it.
type Certificate struct {
	// Leaf is the certificate with its chain and key.
	Leaf tls.Certificate
	// Issued is false while it is being validated, or once it has expired.
	Issued bool
}

// secure sets what a listener with TLS needs, and refuses it on others. Without a
// policy or certificate of the request those that it has stay.
func (s *Service) secure(l *state.Listener, policy string, certificates []elbv2api.Certificate) error {
	known := listenerProtocols[typeApplication]
	if strings.HasPrefix(l.Path, "net/") {
		known = listenerProtocols[typeNetwork]
	}
	if !slices.Contains(known, l.Protocol) {
		return invalid("Listener protocol '%s' must be one of '%s'", l.Protocol, strings.Join(known, ", "))
	}
	if !l.Secure() {
		if len(certificates) > 0 || policy != "" {
			return invalid("A certificate cannot be specified for %s listeners", l.Protocol)
		}
		l.Certificates, l.SSLPolicy, l.ALPNPolicy = nil, "", ""
		return nil
	}
	switch {
	case len(certificates) > 1:
		return invalid("Up to one certificate can be specified, but %d were specified", len(certificates))
	case len(certificates) == 0 && len(l.Certificates) == 0:
		return invalid("A certificate must be specified for %s listeners", l.Protocol)
	case len(certificates) == 1:
		arn := certificates[0].CertificateArn
		if err := s.checkCertificate(l, arn); err != nil {
			return err
		}
		rest := l.Certificates
		if len(rest) > 0 {
			rest = rest[1:]
		}
		l.Certificates = unique(append([]string{arn}, rest...))
	}
	if policy != "" {
		l.SSLPolicy = policy
	}
	if l.SSLPolicy == "" {
		l.SSLPolicy = loadbalancer.DefaultPolicy
	}
	if _, ok := findPolicy(l.SSLPolicy); !ok {
		return &elbv2api.SSLPolicyNotFoundException{Message: "SSL policy '" + l.SSLPolicy + "' not found"}
	}
	return nil
}

// checkCertificate asks whether a certificate can be shown by a listener.
func (s *Service) checkCertificate(l *state.Listener, arn string) error {
	notFound := &elbv2api.CertificateNotFoundException{Message: "Certificate '" + arn + "' not found"}
	if s.Certificate == nil {
		return notFound
	}
	c, err := s.Certificate(l.Account, l.Region, arn)
	switch {
	case err != nil:
		return notFound
	case !c.Issued:
		return wire.NewError("UnsupportedCertificate", 400, "The certificate '%s' must have a fully-qualified domain name, a supported signature, and a supported key size.", arn)
	}
	return nil
}

// AddListenerCertificates lets a listener show further certificates by SNI.
func (s *Service) AddListenerCertificates(ctx context.Context, in *elbv2api.AddListenerCertificatesInput) (*elbv2api.AddListenerCertificatesOutput, error) {
	err := s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) error {
		if !l.Secure() {
			return invalid("Certificates cannot be added to listeners of protocol '%s'", l.Protocol)
		}
		for _, c := range in.Certificates {
			if c.IsDefault != nil {
				return invalid("You cannot set IsDefault when adding certificates")
			}
			if err := s.checkCertificate(l, c.CertificateArn); err != nil {
				return err
			}
			l.Certificates = unique(append(slices.Clone(l.Certificates), c.CertificateArn))
		}
		if len(l.Certificates) > maxCertificates+1 {
			return &elbv2api.TooManyCertificatesException{Message: "The maximum number of certificates for the load balancer has been reached"}
		}
		state.Listeners.Put(q.tx, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.AddListenerCertificatesOutput{Certificates: in.Certificates}, nil
}

// RemoveListenerCertificates takes further certificates away.
func (s *Service) RemoveListenerCertificates(ctx context.Context, in *elbv2api.RemoveListenerCertificatesInput) (*elbv2api.RemoveListenerCertificatesOutput, error) {
	err := s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) error {
		for _, c := range in.Certificates {
			if len(l.Certificates) > 0 && l.Certificates[0] == c.CertificateArn {
				return notPermitted("Default certificate '%s' cannot be removed", c.CertificateArn)
			}
			l.Certificates = slices.DeleteFunc(slices.Clone(l.Certificates), func(have string) bool { return have == c.CertificateArn })
		}
		state.Listeners.Put(q.tx, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.RemoveListenerCertificatesOutput{}, nil
}

// DescribeListenerCertificates lists the certificates of a listener.
func (s *Service) DescribeListenerCertificates(ctx context.Context, in *elbv2api.DescribeListenerCertificatesInput) (*elbv2api.DescribeListenerCertificatesOutput, error) {
	l, err := scopeOf(ctx, s.DB.Read()).listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeListenerCertificatesOutput{Certificates: []elbv2api.Certificate{}}
	for i, arn := range l.Certificates {
		isDefault := i == 0
		out.Certificates = append(out.Certificates, elbv2api.Certificate{CertificateArn: arn, IsDefault: &isDefault})
	}
	order := func(c elbv2api.Certificate) string {
		return string(rune('0'+slices.Index(l.Certificates, c.CertificateArn)/10)) + string(rune('0'+slices.Index(l.Certificates, c.CertificateArn)%10))
	}
	out.Certificates, out.NextMarker, err = page(out.Certificates, order, in.Marker, in.PageSize)
	return out, err
}
