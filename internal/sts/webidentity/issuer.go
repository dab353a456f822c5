package webidentity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the form of thumbprints that IAM has
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxDocument  = 256 << 10
	maxKeys      = 100
	minRSABits   = 2048
)

// ErrIssuer is why an issuer's keys cannot be had.
var ErrIssuer = errors.New("the issuer's keys cannot be retrieved")

// Issuer is where tokens come from.
type Issuer struct {
	URL         string   // https://issuer.example/path, as tokens name it
	Thumbprints []string // SHA-1 in hex: certificates that are trusted beside the system's authorities
}

// Verify checks the token's signature with the keys that the issuer publishes
// now. The error is ErrSignature, or wraps ErrIssuer.
func (i Issuer) Verify(ctx context.Context, t *Token) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	client := i.client()
	defer client.CloseIdleConnections()
	var found struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := i.get(ctx, client, strings.TrimSuffix(i.URL, "/")+"/.well-known/openid-configuration", &found); err != nil {
		return err
	}
	if found.Issuer != t.Claims.Issuer {
		return fmt.Errorf("%w: its configuration names another issuer", ErrIssuer)
	}
	var set struct{ Keys []webKey }
	if err := i.get(ctx, client, found.Keys, &set); err != nil {
		return err
	}
	for n, k := range set.Keys {
		if n >= maxKeys {
			break
		}
		if t.keyID != "" && k.ID != t.keyID || k.Use != "" && k.Use != "sig" {
			continue
		}
		if key := k.public(); key != nil && t.verify(key) {
			return nil
		}
	}
	return ErrSignature
}

// client follows no redirects and trusts the system's authorities, or a
// certificate of the thumbprints.
func (i Issuer) client() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: len(i.Thumbprints) > 0, //nolint:gosec // trusted verifies instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(i.Thumbprints) == 0 {
				return nil
			}
			return i.trusted(s)
		},
	}}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirected") }}
}

func (i Issuer) trusted(s tls.ConnectionState) error {
	pool := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		pool.AddCert(c)
	}
	leaf := s.PeerCertificates[0]
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: s.ServerName, Intermediates: pool})
	if err == nil {
		return nil
	}
	// As IAM does: the name must be right, and a certificate that the server
	// sends must be one of the thumbprints, with all below it signed in turn.
	if nameErr := leaf.VerifyHostname(s.ServerName); nameErr != nil {
		return nameErr
	}
	for n, c := range s.PeerCertificates {
		if n > 0 {
			if signed := s.PeerCertificates[n-1].CheckSignatureFrom(c); signed != nil {
				return signed
			}
		}
		sum := sha1.Sum(c.Raw) //nolint:gosec // see above
		if slices.ContainsFunc(i.Thumbprints, func(t string) bool { return strings.EqualFold(t, hex.EncodeToString(sum[:])) }) {
			return nil
		}
	}
	return err
}

// get reads a JSON document of the issuer; plain HTTP only when the issuer's own address is.
func (i Issuer) get(ctx context.Context, client *http.Client, address string, into any) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(address, i.URL)) {
		return fmt.Errorf("%w: %q is no address of its keys", ErrIssuer, address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s answers %s", ErrIssuer, address, res.Status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIssuer, address, err)
	}
	return nil
}

// webKey is a JSON web key (RFC 7517).
type webKey struct {
	Type  string `json:"kty"`
	ID    string `json:"kid"`
	Use   string `json:"use"`
	N     string `json:"n"`
	E     string `json:"e"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// public is the key; nil when it is none that is accepted.
func (k webKey) public() crypto.PublicKey {
	number := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
		if err != nil || len(b) > 1<<10 {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(b)
	}
	switch k.Type {
	case "RSA":
		n, e := number(k.N), number(k.E)
		if n.BitLen() < minRSABits || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Curve]
		if curve == nil {
			return nil
		}
		size := (curve.Params().BitSize + 7) / 8
		x, y := number(k.X), number(k.Y)
		if x.BitLen() > 8*size || y.BitLen() > 8*size {
			return nil
		}
		point := append([]byte{4}, x.FillBytes(make([]byte, size))...)
		key, err := ecdsa.ParseUncompressedPublicKey(curve, append(point, y.FillBytes(make([]byte, size))...))
		if err != nil { // not on the curve
			return nil
		}
		return key
	}
	return nil
}
