package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// tokenLife is how long targets may believe what a token says.
const tokenLife = 2 * time.Minute

// Signer signs what targets are told of users. All load balancers of a region have
// the same one.
type Signer struct {
	key *ecdsa.PrivateKey
	// KeyID is the name of its public key.
	KeyID string
}

// NewSigner derives a region's signer from a secret of the instance, so that a token is
// good after a restart.
func NewSigner(secret []byte, region string) (*Signer, error) {
	for i := 0; ; i++ { // nearly every number is a key
		raw, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("load balancer tokens %s %d", region, i), 32)
		if err != nil {
			return nil, err
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err != nil {
			continue
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, err
		}
		h := sha256.Sum256(point)
		return &Signer{key, fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])}, nil
	}
}

// PublicKey is the key that proves tokens, as PEM.
func (s *Signer) PublicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil {
		panic(err) // of a key on P-256
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Token is x-amzn-oidc-data: the user's claims, signed with ES256. As AWS's, its
// parts are padded. balancer is the load balancer's ARN.
func (s *Signer) Token(balancer string, p *rule.OIDC, session *Session, now time.Time) (string, error) {
	until := now.Add(tokenLife).Unix()
	header, err := json.Marshal(struct {
		Type    string `json:"typ"`
		KeyID   string `json:"kid"`
		Alg     string `json:"alg"`
		Issuer  string `json:"iss"`
		Client  string `json:"client"`
		Signer  string `json:"signer"`
		Expires int64  `json:"exp"`
	}{"JWT", s.KeyID, "ES256", p.Issuer, p.ClientID, balancer, until})
	if err != nil {
		return "", err
	}
	claims := map[string]json.RawMessage{}
	if err := json.Unmarshal(session.Claims, &claims); err != nil {
		return "", err
	}
	claims["exp"] = json.RawMessage(fmt.Sprint(until))
	if claims["iss"], err = json.Marshal(p.Issuer); err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.URLEncoding.EncodeToString(header) + "." + base64.URLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	return text + "." + base64.URLEncoding.EncodeToString(signature[:]), nil
}
