package ecr

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/caller"
)

// tokenValidity is how long a registry accepts a token.
const tokenValidity = 12 * time.Hour

// GetAuthorizationToken returns a password for the user AWS, with which a
// registry's client acts as the caller.
func (s *Service) GetAuthorizationToken(ctx context.Context, in *ecrapi.GetAuthorizationTokenRequest) (*ecrapi.GetAuthorizationTokenResponse, error) {
	id := caller.From(ctx)
	expires := s.Now().Add(tokenValidity).UTC().Truncate(time.Millisecond)
	token, err := s.seal(id, expires)
	if err != nil {
		return nil, err
	}
	registries := in.RegistryIds
	if registries == nil {
		registries = []string{id.Account}
	}
	out := &ecrapi.GetAuthorizationTokenResponse{}
	for _, account := range registries {
		out.AuthorizationData = append(out.AuthorizationData, ecrapi.AuthorizationData{
			AuthorizationToken: base64.StdEncoding.EncodeToString([]byte("AWS:" + token)),
			ExpiresAt:          expires, ProxyEndpoint: "https://" + scope{account, id.Region}.host(),
		})
	}
	return out, nil
}

// sealed is what a token carries: the principal, without what belongs to the
// request that asked for it.
type sealed struct {
	Identity caller.Identity
	Expires  time.Time
}

var (
	errTokenInvalid = errors.New("Your authorization token is invalid.")
	errTokenExpired = errors.New("Your authorization token has expired. Reauthenticate and try again.")
)

func (s *Service) seal(id caller.Identity, expires time.Time) (string, error) {
	principal := caller.Identity{
		Account: id.Account, Region: id.Region, Type: id.Type, ARN: id.ARN, UserID: id.UserID, AccessKeyID: id.AccessKeyID,
		RoleARN: id.RoleARN, SessionName: id.SessionName, SessionPolicies: id.SessionPolicies, Tags: id.Tags,
		ServiceName: id.ServiceName, ViaService: id.ViaService,
	}
	plain, err := json.Marshal(sealed{principal, expires})
	if err != nil {
		return "", err
	}
	aead, err := s.aead()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, nil)), nil
}

// open returns the principal of a token.
func (s *Service) open(token string) (caller.Identity, error) {
	raw, err := base64.StdEncoding.DecodeString(token)
	aead, err2 := s.aead()
	if err != nil || err2 != nil || len(raw) < aead.NonceSize() {
		return caller.Identity{}, errTokenInvalid
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], nil)
	if err != nil {
		return caller.Identity{}, errTokenInvalid
	}
	var t sealed
	if err := json.Unmarshal(plain, &t); err != nil {
		return caller.Identity{}, errTokenInvalid
	}
	if s.Now().After(t.Expires) {
		return caller.Identity{}, errTokenExpired
	}
	return t.Identity, nil
}

func (s *Service) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.sealKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
