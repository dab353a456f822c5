package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// issuer is an OpenID Connect issuer on loopback.
type issuer struct {
	*httptest.Server
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	var err error
	if i.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := i.ec.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
		}
		b64 := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{
			{"kty": "RSA", "kid": "r", "use": "sig", "n": b64(i.rsa.N), "e": b64(big.NewInt(int64(i.rsa.E)))},
			{"kty": "EC", "kid": "e", "crv": "P-256", "x": b64(new(big.Int).SetBytes(point[1:33])), "y": b64(new(big.Int).SetBytes(point[33:]))},
			{"kty": "oct", "kid": "o", "k": "c2VjcmV0"},
		}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// token signs claims as the header says.
func (i *issuer) token(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	encode := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	switch header["alg"] {
	case "RS256":
		var err error
		if signature, err = rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, sum[:]); err != nil {
			t.Fatal(err)
		}
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, i.ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "HS256": // the public key as if it were a shared secret
		public, err := x509.MarshalPKIXPublicKey(&i.rsa.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		m := hmac.New(sha256.New, public)
		m.Write([]byte(signed))
		signature = m.Sum(nil)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	w, i := newWorld(t), newIssuer(t)
	name := strings.TrimPrefix(i.URL, "http://")
	provider := &state.OIDCProvider{Account: acct, URL: name, Plain: true, ClientIDs: []string{"sts.amazonaws.com"}}
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { state.OIDCProviders.Put(tx, provider); return nil }); err != nil {
		t.Fatal(err)
	}
	w.role(t, "app", `{"Effect":"Allow","Principal":{"Federated":"`+provider.ARN()+`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"`+name+`:aud":"sts.amazonaws.com"},"StringLike":{"`+name+`:sub":"repo:mine/*"}}}`)
	w.role(t, "plain", trustRoot)
	nobody := caller.With(t.Context(), caller.Identity{Type: caller.Anonymous, Region: "eu-west-1"})
	now := time.Now().Unix()
	rs, es := map[string]any{"alg": "RS256", "kid": "r"}, map[string]any{"alg": "ES256", "kid": "e"}
	claims := func(changes ...any) map[string]any {
		m := map[string]any{"iss": i.URL, "sub": "repo:mine/app", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 600}
		for n := 0; n < len(changes); n += 2 {
			m[changes[n].(string)] = changes[n+1]
		}
		return m
	}
	good := i.token(t, rs, claims())
	tampered := strings.Split(good, ".")
	other := strings.Split(i.token(t, rs, claims("sub", "repo:mine/admin")), ".")
	const denied = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
	const jwt = "InvalidIdentityToken: " + notJWT
	const forged = "InvalidIdentityToken: The token's signature could not be verified with the keys of its issuer"
	for name, c := range map[string]struct{ role, token, want string }{
		"RS256":                     {appARN, good, ""},
		"ES256":                     {appARN, i.token(t, es, claims()), ""},
		"several audiences":         {appARN, i.token(t, rs, claims("aud", []string{"sts.amazonaws.com", "x"})), ""},
		"another subject":           {appARN, i.token(t, rs, claims("sub", "repo:other/app")), denied},
		"another audience":          {appARN, i.token(t, rs, claims("aud", "x")), "InvalidIdentityToken: Incorrect token audience"},
		"made for another party":    {appARN, i.token(t, rs, claims("azp", "x")), "InvalidIdentityToken: Incorrect token audience"},
		"unknown issuer":            {appARN, i.token(t, rs, claims("iss", "https://issuer.example")), "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://issuer.example"},
		"the issuer by https":       {appARN, i.token(t, rs, claims("iss", strings.Replace(i.URL, "http:", "https:", 1))), "InvalidIdentityToken: No OpenIDConnect provider found in your account for " + strings.Replace(i.URL, "http:", "https:", 1)},
		"from tomorrow":             {appARN, i.token(t, rs, claims("nbf", now+86400)), "InvalidIdentityToken: The token is not valid yet"},
		"a role that trusts others": {strings.Replace(appARN, "app", "plain", 1), good, denied},
		"a role that is not there":  {strings.Replace(appARN, "app", "none", 1), good, denied},
		"no token":                  {appARN, "abcd", jwt},
		"no claims":                 {appARN, i.token(t, rs, map[string]any{"iss": i.URL}), jwt},
		"not signed":                {appARN, i.token(t, map[string]any{"alg": "none"}, claims()), forged},
		"public key as secret":      {appARN, i.token(t, map[string]any{"alg": "HS256", "kid": "r"}, claims()), forged},
		"secret key of the set":     {appARN, i.token(t, map[string]any{"alg": "HS256", "kid": "o"}, claims()), forged},
		"another key's name":        {appARN, i.token(t, map[string]any{"alg": "RS256", "kid": "e"}, claims()), forged},
		"claims exchanged":          {appARN, tampered[0] + "." + other[1] + "." + tampered[2], forged},
		"signature dropped":         {appARN, tampered[0] + "." + tampered[1] + ".", forged},
		"critical extension":        {appARN, i.token(t, map[string]any{"alg": "RS256", "kid": "r", "crit": []string{"x"}}, claims()), jwt},
		"session tags":              {appARN, i.token(t, rs, claims("https://aws.amazon.com/tags", map[string]any{})), "InvalidIdentityToken: Neargate does not carry out session tags and source identities in tokens."},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := w.inv.AssumeRoleWithWebIdentity(nobody, &stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: c.role, RoleSessionName: "s1", WebIdentityToken: c.token})
			switch {
			case c.want != "":
				if err == nil || err.Error() != c.want {
					t.Errorf("got  %v\nwant %s", err, c.want)
				}
			case err != nil:
				t.Error(err)
			case out.Provider != provider.ARN() || out.SubjectFromWebIdentityToken != "repo:mine/app" || out.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/app/s1":
				t.Errorf("%+v", out)
			default:
				_, id, err := w.keys.Lookup(t.Context(), out.Credentials.AccessKeyId, out.Credentials.SessionToken, false)
				if err != nil || id.Provider != provider.ARN() || id.RoleARN != appARN {
					t.Errorf("%+v %v", id, err)
				}
			}
		})
	}
	_, err := w.inv.AssumeRoleWithWebIdentity(nobody, &stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: appARN, RoleSessionName: "s1", WebIdentityToken: i.token(t, rs, claims("exp", now-10))})
	if err == nil || !strings.HasPrefix(err.Error(), "ExpiredTokenException: Token expired: current date/time ") {
		t.Errorf("expired: %v", err)
	}
	i.Close()
	_, err = w.inv.AssumeRoleWithWebIdentity(nobody, &stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: appARN, RoleSessionName: "s1", WebIdentityToken: good})
	if err == nil || err.Error() != "InvalidIdentityToken: "+noKeys {
		t.Errorf("silent issuer: %v", err)
	}
}
