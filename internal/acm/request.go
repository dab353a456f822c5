package acm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// AWS's terms for public certificates.
const (
	validity    = 198 * 24 * time.Hour
	renewBefore = 45 * 24 * time.Hour
	tokenLife   = time.Hour // how long an idempotency token is remembered
)

// RequestCertificate issues a certificate. On AWS it waits for the proof that the
// domain is the caller's; here it is ISSUED when the answer is read.
func (s *Service) RequestCertificate(ctx context.Context, in *acmapi.RequestCertificateRequest) (*acmapi.RequestCertificateResponse, error) {
	id := caller.From(ctx)
	c, err := s.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	if made := madeBefore(s.DB.Read(), c); made != nil {
		return &acmapi.RequestCertificateResponse{CertificateArn: made.ARN()}, nil
	}
	c.Account, c.Region, c.ID = id.Account, id.Region, ids.UUID()
	key, err := generate(c.KeyAlgorithm)
	if err != nil {
		return nil, err
	}
	if err := s.issue(c, key); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if made := madeBefore(tx, c); made != nil {
			c = made
			return nil
		}
		if err := underQuota(tx, id); err != nil {
			return err
		}
		state.Certificates.Put(tx, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &acmapi.RequestCertificateResponse{CertificateArn: c.ARN()}, nil
}

// asked is the record of what a request asks for, without id, key and certificate.
func (s *Service) asked(ctx context.Context, in *acmapi.RequestCertificateRequest) (*state.Certificate, error) {
	switch {
	case in.CertificateAuthorityArn != "":
		return nil, refused("CertificateAuthorityArn (AWS Private CA)")
	case in.ManagedBy != "":
		return nil, refused("ManagedBy " + string(in.ManagedBy))
	case in.ValidationMethod == acmapi.ValidationMethodHttp:
		return nil, refused("ValidationMethod HTTP")
	case in.Options != nil && in.Options.Export == acmapi.CertificateExportEnabled:
		return nil, refused("Options.Export ENABLED")
	}
	id := caller.From(ctx)
	c := &state.Certificate{
		Account: id.Account, Region: id.Region, DomainName: strings.ToLower(in.DomainName), CreatedAt: s.now(), Token: in.IdempotencyToken,
		Method: string(in.ValidationMethod), KeyAlgorithm: string(in.KeyAlgorithm),
	}
	if c.Method == "" {
		c.Method = string(acmapi.ValidationMethodEmail) // AWS's default
	}
	if c.KeyAlgorithm == "" {
		c.KeyAlgorithm = string(acmapi.KeyAlgorithmRsa2048)
	}
	if !slices.Contains([]string{"RSA_2048", "EC_prime256v1", "EC_secp384r1"}, c.KeyAlgorithm) {
		return nil, &acmapi.InvalidParameterException{Message: "The key algorithm " + c.KeyAlgorithm + " is not supported for public certificates."}
	}
	c.NoLogging = in.Options != nil && in.Options.CertificateTransparencyLoggingPreference == acmapi.CertificateTransparencyLoggingPreferenceDisabled
	for _, name := range append([]string{in.DomainName}, in.SubjectAlternativeNames...) {
		if name = strings.ToLower(name); !slices.Contains(c.Names, name) {
			c.Names = append(c.Names, name)
		}
	}
	var err error
	if c.Tags, err = putTags(ctx, nil, in.Tags); err != nil {
		return nil, err
	}
	if c.ValidationDomains, err = validationDomains(c.Names, in.DomainValidationOptions); err != nil {
		return nil, err
	}
	plain := *in
	plain.IdempotencyToken = ""
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	c.Request = hex.EncodeToString(sum[:])
	return c, nil
}

// validationDomains are the domains whose owners are asked instead, by name.
func validationDomains(names []string, options []acmapi.DomainValidationOption) (map[string]string, error) {
	out := map[string]string{}
	for _, o := range options {
		name, domain := strings.ToLower(o.DomainName), strings.ToLower(o.ValidationDomain)
		plain := strings.TrimPrefix(name, "*.")
		if !slices.Contains(names, name) || plain != domain && !strings.HasSuffix(plain, "."+domain) {
			return nil, &acmapi.InvalidDomainValidationOptionsException{Message: "The validation domain " + o.ValidationDomain + " is not the domain " + o.DomainName + " of the request or above it."}
		}
		out[name] = domain
	}
	return out, nil
}

// madeBefore returns the certificate that was made for the same request with the same token.
func madeBefore(tx *store.Tx, asked *state.Certificate) *state.Certificate {
	if asked.Token == "" {
		return nil
	}
	for c := range state.Certificates.All(tx, state.Prefix(asked.Account, asked.Region)) {
		if c.Token == asked.Token && c.Request == asked.Request && asked.CreatedAt.Sub(c.CreatedAt) < tokenLife {
			return c
		}
	}
	return nil
}

// maxCertificates is AWS's quota for each account and region.
const maxCertificates = 2500

func underQuota(tx *store.Tx, id caller.Identity) error {
	n := 0
	for range state.Certificates.All(tx, state.Prefix(id.Account, id.Region)) {
		n++
	}
	if n >= maxCertificates {
		return &acmapi.LimitExceededException{Message: "You have reached the maximum number of certificates. Delete certificates that are not in use, or contact AWS Support to request an increase."}
	}
	return nil
}

// generate makes a key pair.
func generate(algorithm string) (crypto.Signer, error) {
	switch acmapi.KeyAlgorithm(algorithm) {
	case acmapi.KeyAlgorithmEcPrime256v1:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case acmapi.KeyAlgorithmEcSecp384r1:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

// issue has the authority sign the certificate's names for a key, and puts both into the record.
func (s *Service) issue(c *state.Certificate, key crypto.Signer) error {
	now := s.now()
	signed, err := s.Authority.Sign(key.Public(), c.Names, now.Add(validity))
	if err != nil {
		return err
	}
	if err := s.keep(c, key); err != nil {
		return err
	}
	c.Body = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed.Raw}))
	c.Chain = string(s.Authority.PEM())
	c.NotBefore, c.NotAfter, c.IssuedAt = signed.NotBefore, signed.NotAfter, now
	return nil
}

// keep seals the private key into the record.
func (s *Service) keep(c *state.Certificate, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	c.SealedKey = s.Sealer.Seal(der, keyPurpose(c))
	return nil
}
