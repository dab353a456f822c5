package loadbalancer

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/oidc"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// provider is an identity provider in which one user is signed in.
type provider struct {
	*httptest.Server
	mu       sync.Mutex
	asked    []url.Values // of the token endpoint
	codes    map[string]bool
	claims   string
	expires  int
	refresh  string
	status   int // of the token endpoint; 0 is 200
	audience string
}

// answer is what a test has the provider do otherwise.
func (p *provider) answer(change func(*provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func newProvider(t testing.TB) *provider {
	p := &provider{codes: map[string]bool{}, claims: `{"sub":"user-1","email":"ann@example.com"}`, expires: 3600, audience: "client"}
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		code := fmt.Sprint("code-", len(p.codes))
		p.codes[code] = true
		q := url.Values{"state": {r.FormValue("state")}, "code": {code}}
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+q.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = r.ParseForm()
		p.asked = append(p.asked, r.PostForm)
		if p.status != 0 {
			w.WriteHeader(p.status)
			_, _ = io.WriteString(w, `{"error":"server_error"}`)
			return
		}
		if r.PostForm.Get("grant_type") == "authorization_code" && !p.codes[r.PostForm.Get("code")] || r.PostForm.Get("client_secret") != "s3cret" {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
			return
		}
		delete(p.codes, r.PostForm.Get("code"))
		part := func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }
		id := part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"iss":"https://idp.example.com","sub":"user-1","aud":%q,"exp":%d}`, p.audience, time.Now().Add(time.Hour*24).Unix())) + "."
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "access-" + fmt.Sprint(len(p.asked)), "token_type": "Bearer", "expires_in": p.expires, "id_token": id, "refresh_token": p.refresh})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-") {
			w.WriteHeader(401)
			return
		}
		_, _ = io.WriteString(w, p.claims)
	})
	p.Server = httptest.NewUnstartedServer(mux)
	p.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, "idp.example.com")}}
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// asks makes the listener ask who clients are.
func asks(t testing.TB, change func(*rule.OIDC)) func(*Config) {
	secure := secured(t)
	return func(c *Config) {
		secure(c)
		o := &rule.OIDC{
			Issuer: "https://idp.example.com", AuthorizationEndpoint: "https://idp.example.com/authorize", TokenEndpoint: "https://idp.example.com/token", UserInfoEndpoint: "https://idp.example.com/userinfo",
			ClientID: "client", ClientSecret: "s3cret", Scope: "openid email", Extra: map[string]string{"prompt": "login"}, Cookie: "AWSELBAuthSessionCookie", Timeout: time.Hour, Otherwise: rule.Login,
		}
		if change != nil {
			change(o)
		}
		c.ARN = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/test/1"
		c.Listeners[0].Default = append([]rule.Action{{Type: rule.Authenticate, OIDC: o}}, c.Listeners[0].Default...)
	}
}

// browser is a client with cookies that finds the load balancer and the provider by
// their names, and follows redirects.
func (r *rig) browser(addr string) *http.Client {
	jar, _ := cookiejar.New(nil)
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return &http.Client{Jar: jar, Transport: byName{tr, map[string]string{"one.example.com": addr, "idp.example.com": r.idp}}, Timeout: 20 * time.Second}
}

// byName sends requests to the addresses of names.
type byName struct {
	next  http.RoundTripper
	names map[string]string
}

func (b byName) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Host = b.names[r.URL.Hostname()]
	return b.next.RoundTrip(r)
}

func tellUser(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s\n%s\n%s\n%s", r.RequestURI, r.Header.Get("X-Amzn-Oidc-Identity"), r.Header.Get("X-Amzn-Oidc-Accesstoken"), r.Header.Get("X-Amzn-Oidc-Data"))
}

func newSignIn(t *testing.T, change func(*rule.OIDC)) (*rig, *provider, string) {
	p := newProvider(t)
	r, addr := newRig(t, asks(t, change), target(t, tellUser))
	r.idp, r.roots = p.Listener.Addr().String(), x509.NewCertPool()
	leaf, _ := x509.ParseCertificate(p.TLS.Certificates[0].Certificate[0])
	r.roots.AddCert(leaf)
	return r, p, addr
}

// TestSignsIn: a client gets to where it wanted by way of the provider, and the
// target is told who it is, in words that the public key proves.
func TestSignsIn(t *testing.T) {
	r, p, addr := newSignIn(t, nil)
	client := r.browser(addr)
	status, body := get(t, client, "https://one.example.com/private?a=b")
	lines := strings.Split(body, "\n")
	if status != 200 || lines[0] != "/private?a=b" || lines[1] != "user-1" || lines[2] != "access-1" {
		t.Fatalf("%d %s", status, body)
	}
	header, claims := proven(t, r.signer, lines[3])
	if header["alg"] != "ES256" || header["kid"] != r.signer.KeyID || header["client"] != "client" || header["signer"] != r.config.ARN || header["iss"] != "https://idp.example.com" {
		t.Errorf("the header is %v", header)
	}
	if claims["email"] != "ann@example.com" || claims["sub"] != "user-1" || claims["exp"].(float64) < float64(time.Now().Unix()) {
		t.Errorf("the claims are %v", claims)
	}
	form := p.asked[0]
	if form.Get("redirect_uri") != "https://one.example.com/oauth2/idpresponse" || form.Get("client_id") != "client" || form.Get("grant_type") != "authorization_code" {
		t.Errorf("the token endpoint was asked %v", form)
	}
	get(t, client, "https://one.example.com/again")
	if len(p.asked) != 1 {
		t.Error("a session was not enough for a second request")
	}
	if a := r.recordOf("/private?a=b", 302); a.Actions != "authenticate" || a.Group != "" {
		t.Errorf("%+v", a)
	}
	if a := r.recordOf(oidc.ResponsePath, 302); a.Authentication != oidc.Success || a.AuthenticationTime <= 0 {
		t.Errorf("%+v", a)
	}
	if a := r.recordOf("/private?a=b", 200); a.Actions != "authenticate,forward" {
		t.Errorf("%+v", a)
	}
}

// recordOf waits for the record of a request by the beginning of its path and its status.
func (r *rig) recordOf(path string, status int) AccessRecord {
	r.t.Helper()
	for range 500 {
		for _, a := range r.recorded(0) {
			if strings.HasPrefix(a.Path, path) && a.Status == status {
				return a
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("no request for %s was answered with %d", path, status)
	return AccessRecord{}
}

// proven checks a token's signature, and returns its header and claims.
func proven(t *testing.T, s *oidc.Signer, token string) (header, claims map[string]any) {
	t.Helper()
	block, _ := pem.Decode(s.PublicKey())
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token is %q", token)
	}
	signature, err := base64.URLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		t.Fatalf("the signature is %q", parts[2])
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key.(*ecdsa.PublicKey), digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Fatal("the signature is not the key's")
	}
	for part, into := range map[string]*map[string]any{parts[0]: &header, parts[1]: &claims} {
		plain, err := base64.URLEncoding.DecodeString(part)
		if err != nil || json.Unmarshal(plain, into) != nil {
			t.Fatalf("a part is %q", part)
		}
	}
	return header, claims
}

// TestAuthorizationRequest: what the client is sent away with.
func TestAuthorizationRequest(t *testing.T) {
	r, _, addr := newSignIn(t, nil)
	client := r.browser(addr)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get("https://one.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	at, _ := url.Parse(resp.Header.Get("Location"))
	q := at.Query()
	if resp.StatusCode != 302 || at.Host+at.Path != "idp.example.com/authorize" || q.Get("client_id") != "client" || q.Get("response_type") != "code" || q.Get("scope") != "openid email" || q.Get("prompt") != "login" || q.Get("state") == "" {
		t.Errorf("%d %s", resp.StatusCode, at)
	}
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != "AWSALBAuthNonce" || !c[0].Secure || !c[0].HttpOnly {
		t.Errorf("cookies %v", c)
	}
}

// TestWithoutSession: the three things that can become of a request, and that
// clients cannot say who they are themselves.
func TestWithoutSession(t *testing.T) {
	for otherwise, want := range map[string]string{rule.Deny: "401", rule.Allow: "200 /x|||"} {
		r, _, addr := newSignIn(t, func(o *rule.OIDC) { o.Otherwise = otherwise })
		req, _ := http.NewRequest("GET", "https://one.example.com/x", nil)
		req.Header.Set("X-Amzn-Oidc-Identity", "forged")
		req.Header.Set("x-amzn-oidc-data", "forged")
		req.Header.Set("Cookie", "AWSELBAuthSessionCookie-0=forged")
		resp, err := r.browser(addr).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got := fmt.Sprint(resp.StatusCode)
		if resp.StatusCode == 200 {
			got += " " + strings.ReplaceAll(string(body), "\n", "|")
		}
		if got != want {
			t.Errorf("%s: %s", otherwise, got)
		}
	}
}

// TestRefusedSignIns: each way in which a sign-in fails has its status, reason and metric.
func TestRefusedSignIns(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*rig, *provider)
		status  int
		reason  string
		outcome oidc.Outcome
	}{
		"the token endpoint fails":      {func(_ *rig, p *provider) { p.status = 500 }, 561, "AuthTokenEpRequestFailed", oidc.Broken},
		"nobody is there":               {func(r *rig, _ *provider) { r.idp = "127.0.0.1:1" }, 500, "AuthTokenEpRequestTimeout", oidc.Broken},
		"its certificate is nobody's":   {func(r *rig, _ *provider) { r.roots = x509.NewCertPool() }, 500, "AuthTokenEpRequestTimeout", oidc.Broken},
		"the code is not good any more": {func(_ *rig, p *provider) { clear(p.codes) }, 561, "AuthInvalidGrantError", oidc.Denied},
		"the token is another client's": {func(_ *rig, p *provider) { p.audience = "other" }, 401, "AuthInvalidIdToken", oidc.Denied},
		"the claims are another user's": {func(_ *rig, p *provider) { p.claims = `{"sub":"user-2"}` }, 561, "AuthInvalidUserinfoResponse", oidc.Denied},
		"the claims are too long":       {func(_ *rig, p *provider) { p.claims = `{"sub":"user-1","x":"` + strings.Repeat("x", 12<<10) + `"}` }, 500, "AuthUserinfoResponseSizeExceeded", oidc.ClaimsTooLong},
		"the client took too long":      {func(r *rig, _ *provider) { r.later.Store(int64(16 * time.Minute)) }, 401, "AuthInvalidStateParam", oidc.Denied},
	} {
		r, p, addr := newSignIn(t, nil)
		client := r.browser(addr)
		client.CheckRedirect = func(to *http.Request, _ []*http.Request) error {
			if to.URL.Path == oidc.ResponsePath {
				p.answer(func(p *provider) { tt.change(r, p) })
			}
			return nil
		}
		if status, body := get(t, client, "https://one.example.com/x"); status != tt.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if a := r.recordOf(oidc.ResponsePath, tt.status); a.Reason != tt.reason || a.Authentication != tt.outcome {
			t.Errorf("%s: %s %s", name, a.Reason, a.Authentication)
		}
	}
}

// TestForgedReturns: nobody comes back who was not sent away.
func TestForgedReturns(t *testing.T) {
	r, _, addr := newSignIn(t, nil)
	victim, attacker := r.browser(addr), r.browser(addr)
	attacker.CheckRedirect = func(to *http.Request, _ []*http.Request) error {
		if to.URL.Path == oidc.ResponsePath {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := attacker.Get("https://one.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back := resp.Header.Get("Location")
	for path, reason := range map[string]string{
		back: "AuthInvalidAWSALBAuthNonce", "https://one.example.com/oauth2/idpresponse?code=z": "AuthMissingStateParam", "https://one.example.com/oauth2/idpresponse?code=a&state=b": "AuthInvalidStateParam",
	} {
		if status, _ := get(t, victim, path); status != 401 {
			t.Errorf("%s: %d", path, status)
		}
		if a := r.recordOf(strings.TrimPrefix(path, "https://one.example.com"), 401); a.Reason != reason {
			t.Errorf("%s: %s", path, a.Reason)
		}
	}
}

// TestSessionsEnd: a session is refreshed when its token ends, and ends in its own time.
func TestSessionsEnd(t *testing.T) {
	r, p, addr := newSignIn(t, nil)
	p.expires, p.refresh = 60, "again"
	client := r.browser(addr)
	get(t, client, "https://one.example.com/x")
	r.later.Store(int64(2 * time.Minute))
	if _, body := get(t, client, "https://one.example.com/x"); !strings.Contains(body, "\naccess-2\n") || p.asked[1].Get("refresh_token") != "again" {
		t.Errorf("after the token's end: %s", body)
	}
	refreshed := func() bool {
		return slices.ContainsFunc(r.recorded(4), func(a AccessRecord) bool { return a.Authentication == oidc.Refreshed })
	}
	for range 500 {
		if refreshed() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !refreshed() {
		t.Error("no record says that a session was refreshed")
	}
	r.later.Store(int64(61 * time.Minute))
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, _ := get(t, client, "https://one.example.com/x"); status != 302 {
		t.Errorf("after the session's end: %d", status)
	}
}

// TestLongSessions: what does not fit in a cookie is cut, and put together.
func TestLongSessions(t *testing.T) {
	r, p, addr := newSignIn(t, nil)
	p.claims = `{"sub":"user-1","x":"` + strings.Repeat("x", 9<<10) + `"}`
	client := r.browser(addr)
	status, body := get(t, client, "https://one.example.com/x")
	if status != 200 || !strings.HasPrefix(body, "/x\nuser-1\n") {
		t.Fatalf("%d %.100s", status, body)
	}
	at, _ := url.Parse("https://one.example.com/")
	names := ""
	for _, c := range client.Jar.Cookies(at) {
		if names += c.Name + " "; len(c.Name)+len(c.Value) > 4000 {
			t.Errorf("%s is of %d bytes", c.Name, len(c.Value))
		}
	}
	if !strings.Contains(names, "AWSELBAuthSessionCookie-0 AWSELBAuthSessionCookie-1 AWSELBAuthSessionCookie-2") {
		t.Errorf("the cookies are %s", names)
	}
}
