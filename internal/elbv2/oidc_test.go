package elbv2

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/seal"
)

func signIn(secret string) *elbv2api.AuthenticateOidcActionConfig {
	return &elbv2api.AuthenticateOidcActionConfig{
		Issuer: "https://idp.example.com", AuthorizationEndpoint: "https://idp.example.com/authorize", TokenEndpoint: "https://idp.example.com/token", UserInfoEndpoint: "https://idp.example.com/userinfo",
		ClientId: "client", ClientSecret: secret,
	}
}

// asking are actions that authenticate first.
func asking(group string, config *elbv2api.AuthenticateOidcActionConfig) []elbv2api.Action {
	return []elbv2api.Action{
		{Type: "forward", Order: new(int32(2)), TargetGroupArn: group}, {Type: "authenticate-oidc", Order: new(int32(1)), AuthenticateOidcConfig: config},
	}
}

// A client secret is never answered, lies sealed, and can be kept when the rest changes.
func TestClientSecrets(t *testing.T) {
	w := newWorld(t, nil)
	w.Sealer = seal.Temporary()
	g := w.group("api")
	listen := func(actions []elbv2api.Action) (*elbv2api.CreateListenerOutput, error) {
		return w.CreateListener(w.ctx, &elbv2api.CreateListenerInput{
			LoadBalancerArn: w.balancer("web").LoadBalancerArn, Protocol: "HTTPS", Port: new(int32(443)), Certificates: []elbv2api.Certificate{{CertificateArn: known}}, DefaultActions: actions,
		})
	}
	l := must[*elbv2api.CreateListenerOutput](w)(listen(asking(g.TargetGroupArn, signIn("s3cret")))).Listeners[0]
	first := l.DefaultActions[0]
	if c := first.AuthenticateOidcConfig; first.Type != "authenticate-oidc" || c.ClientSecret != "" || c.Scope != "openid" || c.SessionCookieName != "AWSELBAuthSessionCookie" || *c.SessionTimeout != 604800 || c.OnUnauthenticatedRequest != "authenticate" {
		t.Errorf("the action is %+v", c)
	}
	secret := func() string {
		record, err := scopeOf(w.ctx, w.DB.Read()).listener(l.ListenerArn)
		ok(t, err)
		r := scopeOf(w.ctx, w.DB.Read()).defaultRule(record)
		if kept, _ := json.Marshal(r); bytes.Contains(kept, []byte("s3cret")) {
			t.Error("the record has the secret")
		}
		return w.identityProvider(record, r.Actions[0].OIDC).ClientSecret
	}
	if got := secret(); got != "s3cret" {
		t.Errorf("traffic has the secret %q", got)
	}
	modify := func(config *elbv2api.AuthenticateOidcActionConfig) error {
		_, err := w.ModifyListener(w.ctx, &elbv2api.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: asking(g.TargetGroupArn, config)})
		return err
	}
	kept := signIn("")
	kept.UseExistingClientSecret, kept.Scope = new(true), "openid email"
	ok(t, modify(kept))
	if got := secret(); got != "s3cret" {
		t.Errorf("the secret that was kept is %q", got)
	}
	kept.ClientSecret = "other"
	w.refused(modify(kept), "InvalidLoadBalancerAction: You cannot both specify a client secret and set UseExistingClientSecret to true")
	w.refused(modify(signIn("")), "InvalidLoadBalancerAction: You must specify a client secret")
	_, err := w.ModifyListener(w.ctx, &elbv2api.ModifyListenerInput{ListenerArn: l.ListenerArn, Protocol: "HTTP"})
	w.refused(err, "InvalidLoadBalancerAction: Actions of type 'authenticate-oidc' are supported only on HTTPS listeners")
}

func TestRefusalsOfAuthentication(t *testing.T) {
	w := newWorld(t, nil)
	w.Sealer = seal.Temporary()
	g, b := w.group("api"), w.balancer("web")
	listen := func(protocol elbv2api.ProtocolEnum, actions []elbv2api.Action) error {
		in := &elbv2api.CreateListenerInput{LoadBalancerArn: b.LoadBalancerArn, Protocol: protocol, Port: new(int32(443)), DefaultActions: actions}
		if protocol == "HTTPS" {
			in.Certificates = []elbv2api.Certificate{{CertificateArn: known}}
		}
		_, err := w.CreateListener(w.ctx, in)
		return err
	}
	w.refused(listen("HTTP", asking(g.TargetGroupArn, signIn("s"))), "InvalidLoadBalancerAction: Actions of type 'authenticate-oidc' are supported only on HTTPS listeners")
	w.refused(listen("HTTPS", asking(g.TargetGroupArn, signIn("s"))[1:]), "InvalidLoadBalancerAction: The last action must be one of 'forward, redirect, fixed-response'")
	plain := signIn("s")
	plain.TokenEndpoint = "http://idp.example.com/token"
	w.refused(listen("HTTPS", asking(g.TargetGroupArn, plain)), "InvalidLoadBalancerAction: The TokenEndpoint 'http://idp.example.com/token' must be a full URL, including the HTTPS protocol, the domain, and the path")
	cognito := asking(g.TargetGroupArn, nil)
	cognito[1].Type = "authenticate-cognito"
	w.refused(listen("HTTPS", cognito), "ValidationError: The action type 'authenticate-cognito' is not carried out by Neargate yet.")
}

// The key that proves tokens is where AWS has it, and nowhere else.
func TestPublicKeysOfTokens(t *testing.T) {
	w := newWorld(t, &Plane{Key: []byte("01234567890123456789012345678901")})
	kid := w.signer("eu-west-1").KeyID
	ask := func(host, path string) (int, string) {
		r := httptest.NewRequest("GET", "https://"+host+path, nil)
		answer := httptest.NewRecorder()
		w.ServePublicKey(answer, r)
		return answer.Code, answer.Body.String()
	}
	if status, body := ask("public-keys.auth.elb.eu-west-1.amazonaws.com", "/"+kid); status != 200 || !strings.HasPrefix(body, "-----BEGIN PUBLIC KEY-----\n") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask("public-keys.auth.elb.eu-central-1.amazonaws.com", "/"+kid); status != 404 {
		t.Errorf("another region's host knows the key: %d", status)
	}
	if !IsKeyHost("public-keys.auth.elb.eu-west-1.amazonaws.com") || IsKeyHost("web-1.eu-west-1.elb.amazonaws.com") {
		t.Error("the wrong hosts")
	}
}
