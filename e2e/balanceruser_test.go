package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// testBalancerUsers: a load balancer signs users in with an identity provider that it
// reaches as its VPC lets it. The provider is another load balancer, inside, with
// answers that do not change.
func testBalancerUsers(b *balanced) {
	t, ctx := b.t, b.t.Context()
	provider := b.aws("ec2", "create-security-group", "--group-name", "idp", "--description", "idp", "--vpc-id", b.vpc, "--query", "GroupId", "--output", "text")
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", provider, "--protocol", "tcp", "--port", "443", "--source-group", b.outer)
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "443", "--cidr", "203.0.113.1/32")
	idp := need[*elbv2api.CreateLoadBalancerOutput](t)(b.api.CreateLoadBalancer(ctx, &elbv2api.CreateLoadBalancerInput{
		Name: "idp", Scheme: "internal", Subnets: b.subnets, SecurityGroups: []string{provider},
	})).LoadBalancers[0]
	at := "https://" + idp.DNSName
	part := func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }
	id := part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"iss":%q,"sub":"ann","aud":"web","exp":%d}`, at, time.Now().Add(time.Hour).Unix())) + "."
	answers := b.secure(idp.LoadBalancerArn, idp.DNSName, says("404", "nothing here"))
	b.rule(answers, 1, "/token", says("200", `{"access_token":"access","token_type":"Bearer","expires_in":3600,"id_token":"`+id+`"}`))
	b.rule(answers, 2, "/userinfo", says("200", `{"sub":"ann","email":"ann@example.com"}`))

	listener := b.secure(b.balancer, b.name, elbv2api.Action{Type: "authenticate-oidc", Order: new(int32(1)), AuthenticateOidcConfig: &elbv2api.AuthenticateOidcActionConfig{
		Issuer: at, AuthorizationEndpoint: at + "/authorize", TokenEndpoint: at + "/token", UserInfoEndpoint: at + "/userinfo", ClientId: "web", ClientSecret: "b4tt3ry-st4ple",
	}}, elbv2api.Action{Type: "forward", Order: new(int32(2)), TargetGroupArn: b.group})
	if shown := b.aws("elbv2", "describe-listeners", "--load-balancer-arn", b.balancer); strings.Contains(shown, "b4tt3ry-st4ple") || !strings.Contains(shown, `"ClientId": "web"`) {
		t.Errorf("the listener is described as %s", shown)
	}

	status, body := b.signIn("/private")
	words := strings.Fields(body)
	if status != 200 || !strings.HasPrefix(body, "web GET /private for 203.0.113.1") || len(words) != 10 || words[8] != "ann" {
		t.Fatalf("signed in: %d %q\n%s", status, body, b.logTail())
	}
	var header struct{ Kid, Signer string }
	plain, err := base64.URLEncoding.DecodeString(strings.Split(words[9], ".")[0])
	if err != nil || json.Unmarshal(plain, &header) != nil || header.Signer != b.balancer {
		t.Errorf("the token's header is %s", plain)
	}

	b.aws("ec2", "revoke-security-group-ingress", "--group-id", provider, "--protocol", "tcp", "--port", "443", "--source-group", b.outer)
	refused := make(chan string, 1)
	go func() {
		status, _ := b.signIn("/private")
		refused <- fmt.Sprint(status)
	}()
	if got := b.visits("https://public-keys.auth.elb." + b.Region + ".amazonaws.com/" + header.Kid); !strings.HasPrefix(got, "200 -----BEGIN PUBLIC KEY-----") {
		t.Errorf("a task asks for the key that proves tokens: %q", got)
	}
	if got := <-refused; got != "500" {
		t.Errorf("when the provider lets nobody in, clients get %s", got)
	}
	need[*elbv2api.DeleteLoadBalancerOutput](t)(b.api.DeleteLoadBalancer(ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: idp.LoadBalancerArn}))
	b.testClients(listener)
}

// testClients: clients come in with a certificate of a trust store's authority only.
func (b *balanced) testClients(listener string) {
	t, ctx := b.t, b.t.Context()
	ours, folder := newIssuer(t), t.TempDir()
	ours.write(folder)
	bucket := "trust-" + b.ID
	b.aws("s3", "mb", "s3://"+bucket)
	b.aws("s3", "cp", filepath.Join(folder, "ca.pem"), "s3://"+bucket+"/ca.pem")
	store := need[*elbv2api.CreateTrustStoreOutput](t)(b.api.CreateTrustStore(ctx, &elbv2api.CreateTrustStoreInput{
		Name: "clients", CaCertificatesBundleS3Bucket: bucket, CaCertificatesBundleS3Key: "ca.pem",
	})).TrustStores[0]
	need[*elbv2api.ModifyListenerOutput](t)(b.api.ModifyListener(ctx, &elbv2api.ModifyListenerInput{
		ListenerArn: listener, DefaultActions: []elbv2api.Action{{Type: "forward", TargetGroupArn: b.group}},
		MutualAuthentication: &elbv2api.MutualAuthenticationAttributes{Mode: "verify", TrustStoreArn: store.TrustStoreArn},
	}))
	ask := func(certificates ...tls.Certificate) string {
		res, err := b.browser(certificates...).Get("https://" + b.name + "/")
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return string(text)
	}
	b.eventually(10*time.Second, "a client with a certificate gets in", func() error {
		if got := ask(ours.client("ann", 7)); !strings.HasSuffix(got, " by CN=ann") {
			return errors.New(got)
		}
		return nil
	})
	for who, got := range map[string]string{"nobody": ask(), "a stranger": ask(newIssuer(t).client("ann", 7))} {
		if !strings.Contains(got, "tls: ") {
			t.Errorf("%s gets %s", who, got)
		}
	}
}

// says is an action that answers with a text.
func says(status, text string) elbv2api.Action {
	return elbv2api.Action{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: status, MessageBody: text, ContentType: "application/json"}}
}

// secure makes an HTTPS listener with a certificate for a name.
func (b *balanced) secure(balancer, name string, actions ...elbv2api.Action) string {
	b.t.Helper()
	certificate := b.aws("acm", "request-certificate", "--domain-name", name, "--validation-method", "DNS", "--query", "CertificateArn", "--output", "text")
	return need[*elbv2api.CreateListenerOutput](b.t)(b.api.CreateListener(b.t.Context(), &elbv2api.CreateListenerInput{
		LoadBalancerArn: balancer, Protocol: "HTTPS", Port: new(int32(443)), Certificates: []elbv2api.Certificate{{CertificateArn: certificate}}, DefaultActions: actions,
	})).Listeners[0].ListenerArn
}

func (b *balanced) rule(listener string, priority int32, path string, action elbv2api.Action) {
	b.t.Helper()
	need[*elbv2api.CreateRuleOutput](b.t)(b.api.CreateRule(b.t.Context(), &elbv2api.CreateRuleInput{
		ListenerArn: listener, Priority: priority, Conditions: []elbv2api.RuleCondition{{Field: "path-pattern", Values: []string{path}}}, Actions: []elbv2api.Action{action},
	}))
}

// signIn asks the load balancer for a path, and signs in at the provider as its user
// would, by taking a code back. It returns the last answer.
func (b *balanced) signIn(path string) (status int, body string) {
	client := b.browser()
	var back string
	client.CheckRedirect = func(to *http.Request, _ []*http.Request) error {
		if to.URL.Path == "/authorize" {
			back = "https://" + b.name + "/oauth2/idpresponse?" + url.Values{"code": {"a"}, "state": {to.URL.Query().Get("state")}}.Encode()
			return http.ErrUseLastResponse
		}
		return nil
	}
	get := func(at string) {
		for range 50 { // the listener is opened in a moment
			res, err := client.Get(at)
			if err != nil {
				status, body = 0, err.Error()
				time.Sleep(100 * time.Millisecond)
				continue
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			status, body = res.StatusCode, string(text)
			return
		}
	}
	if get("https://" + b.name + path); back != "" {
		get(back)
	}
	return status, body
}

// browser is a client with cookies that trusts the instance's authority.
func (b *balanced) browser(certificates ...tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	pem, _ := os.ReadFile(b.authority())
	roots.AppendCertsFromPEM(pem)
	jar, _ := cookiejar.New(nil)
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates}, DisableKeepAlives: true}
	return &http.Client{Transport: transport, Jar: jar, Timeout: 20 * time.Second}
}

// visits is what a task sees at a URL.
func (b *balanced) visits(url string) string {
	b.t.Helper()
	b.try("aws", "logs", "create-log-group", "--log-group-name", "visits")
	definition := b.register(fmt.Sprintf(`{"family":"visit","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"visit","image":%q,"command":["visit",%q],
	 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"visits","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, b.role, b.image, url, b.Region))
	out := awsJSON[struct{ Tasks []task }](b.account, "ecs", "run-task", "--cluster", "tests", "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+b.subnets[1]+"],securityGroups=["+b.inner+"],assignPublicIp=ENABLED}")
	stopped := b.waitTask("tests", out.Tasks[0].TaskArn, "STOPPED")
	return b.aws("logs", "get-log-events", "--log-group-name", "visits", "--log-stream-name", "p/visit/"+stopped.id(), "--query", "events[].message", "--output", "text")
}
