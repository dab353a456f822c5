// Package webidentity reads the tokens of OpenID Connect issuers (JWT, RFC 7519)
// and verifies their signatures with the keys that the issuer publishes.
//
// Only asymmetric algorithms are accepted, and only with a key of their kind: a
// token that is signed with the issuer's public key as if it were a shared
// secret, or not at all, is refused.
package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
)

// Token is a token whose signature is not verified yet.
type Token struct {
	Claims Claims

	algorithm, keyID  string
	signed, signature []byte
}

// Claims are what a token says, as far as AWS looks at it.
type Claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Party     string   `json:"azp"`
	Methods   []string `json:"amr"`
	Expires   float64  `json:"exp"` // seconds since 1970, as all times
	Issued    float64  `json:"iat"`
	NotBefore float64  `json:"nbf"`

	Tags           json.RawMessage `json:"https://aws.amazon.com/tags"`
	SourceIdentity json.RawMessage `json:"https://aws.amazon.com/source_identity"`
}

// audience is one name or several.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// The errors of tokens.
var (
	ErrNotAToken = errors.New("not a JSON web token with the claims iss, sub, aud, exp and iat")
	ErrSignature = errors.New("the signature is not the issuer's")
)

// Parse reads a token without believing it.
func Parse(text string) (*Token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, ErrNotAToken
	}
	var header struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	t := &Token{signed: []byte(parts[0] + "." + parts[1])}
	var err error
	if decode(parts[0], &header) != nil || decode(parts[1], &t.Claims) != nil || header.Critical != nil {
		return nil, ErrNotAToken
	}
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, ErrNotAToken
	}
	c := &t.Claims
	if c.Issuer == "" || c.Subject == "" || len(c.Audience) == 0 || c.Expires == 0 || c.Issued == 0 {
		return nil, ErrNotAToken
	}
	t.algorithm, t.keyID = header.Algorithm, header.KeyID
	return t, nil
}

func decode(part string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// digest hashes for an algorithm; ok is false for one that is not accepted.
func digest(algorithm string, signed []byte) (sum []byte, hash crypto.Hash, ok bool) {
	switch strings.TrimLeft(algorithm, "RES") {
	case "256":
		s := sha256.Sum256(signed)
		return s[:], crypto.SHA256, true
	case "384":
		s := sha512.Sum384(signed)
		return s[:], crypto.SHA384, true
	case "512":
		s := sha512.Sum512(signed)
		return s[:], crypto.SHA512, true
	}
	return nil, 0, false
}

// verify checks the signature with one key, whose kind decides how.
func (t *Token) verify(key crypto.PublicKey) bool {
	sum, hash, ok := digest(t.algorithm, t.signed)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return ok && strings.HasPrefix(t.algorithm, "RS") && rsa.VerifyPKCS1v15(key, hash, sum, t.signature) == nil
	case *ecdsa.PublicKey:
		size := (key.Curve.Params().BitSize + 7) / 8
		if !ok || curveOf[t.algorithm] != key.Curve.Params().Name || len(t.signature) != 2*size {
			return false
		}
		return ecdsa.Verify(key, sum, new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:]))
	}
	return false
}

// curveOf are the curves of the elliptic algorithms.
var curveOf = map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
