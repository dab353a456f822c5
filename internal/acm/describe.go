package acm

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// DescribeCertificate describes a certificate.
func (s *Service) DescribeCertificate(ctx context.Context, in *acmapi.DescribeCertificateRequest) (*acmapi.DescribeCertificateResponse, error) {
	tx := s.DB.Read()
	c, err := s.find(tx, caller.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	detail, err := s.describe(tx, c)
	if err != nil {
		return nil, err
	}
	return &acmapi.DescribeCertificateResponse{Certificate: detail}, nil
}

func (s *Service) describe(tx *store.Tx, c *state.Certificate) (*acmapi.CertificateDetail, error) {
	leaf, err := leafOf(c)
	if err != nil {
		return nil, err
	}
	out := &acmapi.CertificateDetail{
		CertificateArn: c.ARN(), DomainName: c.DomainName, SubjectAlternativeNames: c.Names, CreatedAt: c.CreatedAt,
		Serial: serial(leaf), Subject: subject(leaf), Issuer: issuer(leaf), Status: s.status(c), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		KeyAlgorithm: acmapi.KeyAlgorithm(c.KeyAlgorithm), SignatureAlgorithm: signature(leaf), InUseBy: usedBy(tx, c.ARN()), Type: kindOf(c),
		RenewalEligibility: eligibility(tx, c), Options: optionsOf(c), ExtendedKeyUsages: extendedUsages(leaf),
	}
	for _, name := range keyUsages(leaf) {
		out.KeyUsages = append(out.KeyUsages, acmapi.KeyUsage{Name: name})
	}
	if c.Imported {
		out.ImportedAt = c.IssuedAt
		return out, nil
	}
	out.IssuedAt = c.IssuedAt
	out.DomainValidationOptions = validations(c)
	if !c.RenewedAt.IsZero() {
		out.RenewalSummary = &acmapi.RenewalSummary{RenewalStatus: acmapi.RenewalStatusSuccess, DomainValidationOptions: validations(c), UpdatedAt: c.RenewedAt}
	}
	return out, nil
}

func (s *Service) status(c *state.Certificate) acmapi.CertificateStatus {
	if s.now().After(c.NotAfter) {
		return acmapi.CertificateStatusExpired
	}
	return acmapi.CertificateStatusIssued
}

func eligibility(tx *store.Tx, c *state.Certificate) acmapi.RenewalEligibility {
	if renewable(tx, c) {
		return acmapi.RenewalEligibilityEligible
	}
	return acmapi.RenewalEligibilityIneligible
}

func kindOf(c *state.Certificate) acmapi.CertificateType {
	if c.Imported {
		return acmapi.CertificateTypeImported
	}
	return acmapi.CertificateTypeAmazonIssued
}

func optionsOf(c *state.Certificate) *acmapi.CertificateOptions {
	out := &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: acmapi.CertificateTransparencyLoggingPreferenceEnabled, Export: acmapi.CertificateExportDisabled}
	if c.NoLogging {
		out.CertificateTransparencyLoggingPreference = acmapi.CertificateTransparencyLoggingPreferenceDisabled
	}
	return out
}

func leafOf(c *state.Certificate) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.Body))
	if block == nil {
		return nil, fmt.Errorf("%s has no certificate", c.ARN())
	}
	return x509.ParseCertificate(block.Bytes)
}

// serial is a serial number as openssl prints it: aa:bb:...
func serial(leaf *x509.Certificate) string {
	raw := leaf.SerialNumber.Bytes()
	if len(raw) == 0 {
		raw = []byte{0}
	}
	parts := make([]string, len(raw))
	for i, b := range raw {
		parts[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(parts, ":")
}

// subject is a distinguished name, its narrowest part first.
func subject(leaf *x509.Certificate) string { return leaf.Subject.ToRDNSequence().String() }

func issuer(leaf *x509.Certificate) string {
	if len(leaf.Issuer.Organization) > 0 {
		return leaf.Issuer.Organization[0]
	}
	return leaf.Issuer.CommonName
}

// signature is the algorithm in the spelling of AWS: SHA256WITHRSA, SHA256WITHECDSA.
func signature(leaf *x509.Certificate) string {
	hash, key, _ := strings.Cut(leaf.SignatureAlgorithm.String(), "-") // SHA256-RSA, but ECDSA-SHA256
	if !strings.HasPrefix(hash, "SHA") {
		hash, key = key, hash
	}
	return strings.ToUpper(hash + "WITH" + key)
}

func keyUsages(leaf *x509.Certificate) []acmapi.KeyUsageName {
	var out []acmapi.KeyUsageName
	for _, u := range []struct {
		bit  x509.KeyUsage
		name acmapi.KeyUsageName
	}{
		{x509.KeyUsageDigitalSignature, acmapi.KeyUsageNameDigitalSignature}, {x509.KeyUsageContentCommitment, acmapi.KeyUsageNameNonRepudiation},
		{x509.KeyUsageKeyEncipherment, acmapi.KeyUsageNameKeyEncipherment}, {x509.KeyUsageDataEncipherment, acmapi.KeyUsageNameDataEncipherment},
		{x509.KeyUsageKeyAgreement, acmapi.KeyUsageNameKeyAgreement}, {x509.KeyUsageCertSign, acmapi.KeyUsageNameCertificateSigning},
		{x509.KeyUsageCRLSign, acmapi.KeyUsageNameCrlSigning}, {x509.KeyUsageEncipherOnly, acmapi.KeyUsageNameEncipherOnly}, {x509.KeyUsageDecipherOnly, acmapi.KeyUsageNameDecipherOnly},
	} {
		if leaf.KeyUsage&u.bit != 0 {
			out = append(out, u.name)
		}
	}
	if out == nil {
		out = []acmapi.KeyUsageName{acmapi.KeyUsageNameAny}
	}
	return out
}

var extendedNames = map[string]acmapi.ExtendedKeyUsageName{
	"1.3.6.1.5.5.7.3.1": acmapi.ExtendedKeyUsageNameTlsWebServerAuthentication, "1.3.6.1.5.5.7.3.2": acmapi.ExtendedKeyUsageNameTlsWebClientAuthentication,
	"1.3.6.1.5.5.7.3.3": acmapi.ExtendedKeyUsageNameCodeSigning, "1.3.6.1.5.5.7.3.4": acmapi.ExtendedKeyUsageNameEmailProtection,
	"1.3.6.1.5.5.7.3.8": acmapi.ExtendedKeyUsageNameTimeStamping, "1.3.6.1.5.5.7.3.9": acmapi.ExtendedKeyUsageNameOcspSigning,
	"1.3.6.1.5.5.7.3.5": acmapi.ExtendedKeyUsageNameIpsecEndSystem, "1.3.6.1.5.5.7.3.6": acmapi.ExtendedKeyUsageNameIpsecTunnel,
	"1.3.6.1.5.5.7.3.7": acmapi.ExtendedKeyUsageNameIpsecUser, "2.5.29.37.0": acmapi.ExtendedKeyUsageNameAny,
}

// extendedUsages reads the extension itself: the standard library has no OIDs of
// the usages that it knows.
func extendedUsages(leaf *x509.Certificate) []acmapi.ExtendedKeyUsage {
	var out []acmapi.ExtendedKeyUsage
	for _, e := range leaf.Extensions {
		var oids []asn1.ObjectIdentifier
		if e.Id.String() != "2.5.29.37" {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &oids); err != nil {
			continue
		}
		for _, oid := range oids {
			name, ok := extendedNames[oid.String()]
			if !ok {
				name = acmapi.ExtendedKeyUsageNameCustom
			}
			out = append(out, acmapi.ExtendedKeyUsage{Name: name, OID: oid.String()})
		}
	}
	if out == nil {
		out = []acmapi.ExtendedKeyUsage{{Name: acmapi.ExtendedKeyUsageNameNone}}
	}
	return out
}
