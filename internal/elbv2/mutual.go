package elbv2

import (
	"cmp"
	"crypto/x509"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
)

// The modes of mutual authentication.
const (
	mutualOff         = "off"
	mutualPassthrough = "passthrough"
	mutualVerify      = "verify"
)

// mutual sets what a listener asks of clients' certificates; nil keeps what it has.
func (q scope) mutual(l *state.Listener, in *elbv2api.MutualAuthenticationAttributes) error {
	if l.Protocol != "HTTPS" {
		if in != nil && in.Mode != "" && in.Mode != mutualOff {
			return invalid("Mutual authentication cannot be specified for listeners of protocol '%s'", l.Protocol)
		}
		l.Mutual = state.MutualAuthentication{}
		return nil
	}
	if in == nil {
		return nil
	}
	m := state.MutualAuthentication{Mode: cmp.Or(in.Mode, mutualOff), TrustStore: in.TrustStoreArn, IgnoreExpiry: wire.Or(in.IgnoreClientCertificateExpiry, false), AdvertiseNames: in.AdvertiseTrustStoreCaNames == elbv2api.AdvertiseTrustStoreCaNamesEnumOn}
	switch m.Mode {
	case mutualOff, mutualPassthrough:
		if m.TrustStore != "" || m.IgnoreExpiry || m.AdvertiseNames {
			return invalid("TrustStoreArn, IgnoreClientCertificateExpiry and AdvertiseTrustStoreCaNames can be specified only for the mutual authentication mode 'verify'")
		}
	case mutualVerify:
		if m.TrustStore == "" {
			return invalid("A trust store ARN must be specified for the mutual authentication mode 'verify'")
		}
		if _, err := q.trustStore(m.TrustStore); err != nil {
			return err
		}
	default:
		return invalid("Mutual authentication mode '%s' must be one of 'off, passthrough, verify'", m.Mode)
	}
	l.Mutual = m
	return nil
}

// describeMutual is what a listener asks of clients' certificates, as the API has it.
func describeMutual(l *state.Listener) *elbv2api.MutualAuthenticationAttributes {
	if l.Protocol != "HTTPS" {
		return nil
	}
	out := &elbv2api.MutualAuthenticationAttributes{Mode: cmp.Or(l.Mutual.Mode, mutualOff)}
	if out.Mode == mutualVerify {
		out.TrustStoreArn, out.TrustStoreAssociationStatus = l.Mutual.TrustStore, elbv2api.TrustStoreAssociationStatusEnumActive
		out.IgnoreClientCertificateExpiry, out.AdvertiseTrustStoreCaNames = new(l.Mutual.IgnoreExpiry), elbv2api.AdvertiseTrustStoreCaNamesEnumOff
		if l.Mutual.AdvertiseNames {
			out.AdvertiseTrustStoreCaNames = elbv2api.AdvertiseTrustStoreCaNamesEnumOn
		}
	}
	return out
}

// mutualTLS is what a listener asks of clients' certificates, for its traffic.
func (q scope) mutualTLS(l *state.Listener) loadbalancer.MutualTLS {
	out := loadbalancer.MutualTLS{Mode: l.Mutual.Mode, AllowExpired: l.Mutual.IgnoreExpiry, AdvertiseNames: l.Mutual.AdvertiseNames, Authorities: x509.NewCertPool()}
	if l.Mutual.Mode != mutualVerify {
		return out
	}
	t, err := q.trustStore(l.Mutual.TrustStore)
	if err != nil { // one that is used is not deleted
		return out
	}
	for _, der := range t.Authorities {
		if c, err := x509.ParseCertificate(der); err == nil {
			out.Authorities.AddCert(c)
		}
	}
	revoked := map[string]bool{}
	for _, r := range t.Revocations {
		list, err := x509.ParseRevocationList(r.List)
		if err != nil {
			continue // was checked when it was added
		}
		for _, e := range list.RevokedCertificateEntries {
			revoked[string(list.RawIssuer)+e.SerialNumber.String()] = true
		}
	}
	if len(revoked) > 0 {
		out.Revoked = func(c *x509.Certificate) bool { return revoked[string(c.RawIssuer)+c.SerialNumber.String()] }
	}
	return out
}
