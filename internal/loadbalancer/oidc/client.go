package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// What a provider may take, AWS's: 5 seconds for an answer, and 11 KB of claims
// and access token.
const (
	answerTime = 5 * time.Second
	maxClaims  = 11 << 10
	maxAnswer  = 64 << 10
)

// Client asks identity providers.
type Client struct {
	// Dial connects to host:port from a node of the load balancer.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Roots are the authorities that providers' certificates may be of; nil: the machine's.
	Roots *x509.CertPool
	Now   func() time.Time
}

// tokens is what a token endpoint answers.
type tokens struct {
	AccessToken  string      `json:"access_token"`
	TokenType    string      `json:"token_type"`
	ExpiresIn    json.Number `json:"expires_in"`
	RefreshToken string      `json:"refresh_token"`
	IDToken      string      `json:"id_token"`
	Error        string      `json:"error"`
}

// Exchange turns a code into a session. host is that of the request that brought it.
func (c *Client) Exchange(ctx context.Context, p *rule.OIDC, host, code string) (*Session, *Failure) {
	t, failure := c.token(ctx, p, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI(host)}})
	if failure != nil {
		return nil, failure
	}
	subject, failure := c.subject(p, t.IDToken)
	if failure != nil {
		return nil, failure
	}
	s := &Session{Until: c.Now().Add(p.Timeout)}
	return s, c.fill(ctx, p, s, t, subject)
}

// Refresh renews the tokens and claims of a session, which ends when it did.
func (c *Client) Refresh(ctx context.Context, p *rule.OIDC, old *Session) (*Session, *Failure) {
	t, failure := c.token(ctx, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken}})
	if failure != nil {
		return nil, failure
	}
	if t.RefreshToken == "" {
		t.RefreshToken = old.RefreshToken
	}
	s := &Session{Until: old.Until}
	return s, c.fill(ctx, p, s, t, old.Subject)
}

// fill asks for the claims of the user whom the tokens are of.
func (c *Client) fill(ctx context.Context, p *rule.OIDC, s *Session, t tokens, subject string) *Failure {
	s.AccessToken, s.RefreshToken = t.AccessToken, t.RefreshToken
	if n, err := strconv.ParseInt(t.ExpiresIn.String(), 10, 32); err == nil && n > 0 {
		s.AccessUntil = c.Now().Add(time.Duration(n) * time.Second)
	}
	claims, failure := c.userInfo(ctx, p, t.AccessToken)
	if failure != nil {
		return failure
	}
	var who struct {
		Subject string `json:"sub"`
	}
	switch {
	case len(claims)+len(t.AccessToken) > maxClaims:
		return &Failure{Status: 500, Reason: "AuthUserinfoResponseSizeExceeded", Outcome: ClaimsTooLong}
	case json.Unmarshal(claims, &who) != nil || who.Subject == "":
		return denied(561, "AuthInvalidUserinfoResponse", "it is no JSON object with sub")
	case who.Subject != subject:
		return denied(561, "AuthInvalidUserinfoResponse", "its sub is not that of the ID token")
	}
	s.Subject, s.Claims = who.Subject, claims
	return nil
}

// token asks the token endpoint. The client's secret goes in the body.
func (c *Client) token(ctx context.Context, p *rule.OIDC, form url.Values) (tokens, *Failure) {
	form.Set("client_id", p.ClientID)
	form.Set("client_secret", p.ClientSecret)
	status, body, err := c.ask(ctx, "POST", p.TokenEndpoint, strings.NewReader(form.Encode()), func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") })
	var t tokens
	invalid := json.Unmarshal(body, &t) != nil
	switch {
	case err != nil:
		return t, broken(500, "AuthTokenEpRequestTimeout", err.Error())
	case status/100 != 2 && t.Error == "invalid_grant":
		return t, denied(561, "AuthInvalidGrantError", "")
	case status/100 != 2:
		return t, broken(561, "AuthTokenEpRequestFailed", strconv.Itoa(status)+" "+brief(t.Error))
	case invalid || t.AccessToken == "" || !strings.EqualFold(t.TokenType, "bearer"):
		return t, denied(561, "AuthInvalidTokenResponse", "it is no JSON object with access_token and the token_type Bearer")
	}
	return t, nil
}

func (c *Client) userInfo(ctx context.Context, p *rule.OIDC, token string) ([]byte, *Failure) {
	status, body, err := c.ask(ctx, "GET", p.UserInfoEndpoint, nil, func(h http.Header) { h.Set("Authorization", "Bearer "+token) })
	switch {
	case err != nil:
		return nil, broken(500, "AuthUserinfoEpRequestTimeout", err.Error())
	case status/100 != 2:
		return nil, broken(561, "AuthUserinfoEpRequestFailed", strconv.Itoa(status))
	}
	return body, nil
}

// ask makes one request on a connection of its own. Redirects are not followed.
func (c *Client) ask(ctx context.Context, method, endpoint string, body io.Reader, header func(http.Header)) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, endpoint, body)
	if err != nil {
		return 0, nil, err
	}
	header(r.Header)
	r.Header.Set("Accept", "application/json")
	transport := &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: maxAnswer,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return c.Dial(ctx, address) },
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, answer, err
}
