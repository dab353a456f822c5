package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// Session is what a client's cookies hold: who the user is.
type Session struct {
	Subject      string          // sub of the user's claims
	Claims       json.RawMessage // of the user info endpoint
	AccessToken  string
	RefreshToken string `json:",omitempty"`
	// AccessUntil is when the access token expires, zero when it does not say.
	AccessUntil time.Time
	// Until is when the session ends, whatever the tokens say.
	Until time.Time
}

// attempt is what the state parameter holds while a client is at the provider.
type attempt struct {
	Nonce string    // also in a cookie: only the client that began can end it
	URL   string    // where it wanted to go
	Began time.Time // it must be done in loginTime
	Use   []byte    // which action it is for
}

// loginTime is how long a client may take to sign in.
const loginTime = 15 * time.Minute

// Keeper seals what clients carry for load balancers.
type Keeper struct{ aead cipher.AEAD }

// NewKeeper returns the Keeper of a key of the load balancer; nil is a random one.
func NewKeeper(key []byte) Keeper {
	if len(key) == 0 {
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "load balancer authentication", 32)
	if err != nil {
		panic(err) // 32 bytes can be derived
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err) // of 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // of AES
	}
	return Keeper{aead}
}

// use tells one action's sessions from all others': of another load balancer, provider,
// client or cookie.
func use(balancer string, p *rule.OIDC) []byte {
	h := sha256.New()
	for _, part := range []string{balancer, p.Issuer, p.ClientID, p.Cookie, p.UserInfoEndpoint} {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	return h.Sum(nil)[:16]
}

func (k Keeper) seal(what any, purpose string) string {
	plain, err := json.Marshal(what)
	if err != nil {
		panic(err) // of our own types
	}
	return base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, plain, []byte(purpose)))
}

func (k Keeper) open(text, purpose string, into any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := k.aead.Open(nil, nil, sealed, []byte(purpose))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// Session reads the session of an action out of a client's cookies; false when there
// is none that is still good. cookie returns the value of a cookie.
func (k Keeper) Session(balancer string, p *rule.OIDC, cookie func(name string) string, now time.Time) (*Session, bool) {
	var s Session
	if !k.open(joined(p.Cookie, cookie), "session"+string(use(balancer, p)), &s) || !s.Until.After(now) {
		return nil, false
	}
	return &s, true
}
