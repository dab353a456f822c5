package elbv2

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
)

// loop is a data plane on this machine's loopback: nodes have addresses that are
// not there, and their listeners are at others.
type loop struct {
	s3api.API
	mu      sync.Mutex
	nodes   map[string]Node
	at      map[string]net.Listener // by the address that was asked for
	files   map[string]string       // by bucket and key
	refuses string                  // a bucket that takes nothing
	as      []string                // who put files
	packets map[string]net.PacketConn
	clients []string // for whom connections were made
}

func newLoop() (*loop, *Plane) {
	l := &loop{nodes: map[string]Node{}, at: map[string]net.Listener{}, files: map[string]string{}, packets: map[string]net.PacketConn{}}
	return l, &Plane{
		Nodes: l, S3: l,
		Listen: func(ctx context.Context, _, network, address string) (net.Listener, error) {
			listener, err := new(net.ListenConfig).Listen(ctx, network, "127.0.0.1:0")
			l.mu.Lock()
			defer l.mu.Unlock()
			l.at[address] = listener
			return listener, err
		},
		Dial: func(ctx context.Context, node, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "10.") { // nobody is there
				return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		DialFor: func(ctx context.Context, _ string, client netip.AddrPort, network, address string) (net.Conn, error) {
			l.mu.Lock()
			l.clients = append(l.clients, network+" "+client.String())
			l.mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		ListenPacket: func(ctx context.Context, _, network, address string) (net.PacketConn, error) {
			p, err := new(net.ListenConfig).ListenPacket(ctx, network, "127.0.0.1:0")
			l.mu.Lock()
			defer l.mu.Unlock()
			l.packets[address] = p
			return p, err
		},
	}
}

func (l *loop) EnsureNode(_ context.Context, spec NodeSpec) (Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.nodes[spec.Name]
	if !ok {
		i := len(l.nodes) + 1
		n = Node{InterfaceID: fmt.Sprint("eni-", i), PrivateIP: fmt.Sprint("10.0.0.", 10+i), PublicIP: fmt.Sprint("198.19.0.", i)}
		l.nodes[spec.Name] = n
	}
	return n, nil
}

func (l *loop) SetGroups(context.Context, string, string, string, []string) error { return nil }
func (l *loop) RemoveNode(context.Context, string, string, string) error          { return nil }

// PutObject implements s3api.API.
func (l *loop) PutObject(ctx context.Context, in *s3api.PutObjectRequest) (*s3api.PutObjectOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.Bucket == l.refuses {
		return nil, invalidAccess{}
	}
	content, err := io.ReadAll(in.Body)
	l.files[in.Bucket+"/"+in.Key] = string(content)
	l.as = append(l.as, caller.From(ctx).ARN+" for "+caller.From(ctx).SourceARN)
	return &s3api.PutObjectOutput{}, err
}

type invalidAccess struct{}

func (invalidAccess) Error() string        { return "AccessDenied" }
func (invalidAccess) ErrorCode() string    { return "AccessDenied" }
func (invalidAccess) ErrorMessage() string { return "Access Denied" }
func (invalidAccess) HTTPStatus() int      { return 403 }

// get asks what listens at an address of a node.
func (l *loop) get(address, path string) (int, string) {
	l.mu.Lock()
	listener := l.at[address]
	l.mu.Unlock()
	if listener == nil {
		return 0, "nobody listens"
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	res, err := client.Get("http://" + listener.Addr().String() + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// start runs the service until the test ends or the function that it returns is called.
func (w *world) start() (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) eventually(what string, is func() string) {
	w.t.Helper()
	problem := ""
	for range 1000 {
		if problem = is(); problem == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%s: %s", what, problem)
}

func (w *world) health(group string) string {
	out := must[*elbv2api.DescribeTargetHealthOutput](w)(w.DescribeTargetHealth(w.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: group}))
	var all []string
	for _, d := range out.TargetHealthDescriptions {
		all = append(all, strings.TrimSpace(string(d.TargetHealth.State)+" "+string(d.TargetHealth.Reason)))
	}
	return strings.Join(all, ", ")
}

// A load balancer carries requests to a healthy target, tells them in its log and its
// metrics, comes back after a restart, and lets a target that has drained go.
func TestTraffic(t *testing.T) {
	l, plane := newLoop()
	w := newWorld(t, plane)
	w.DrainEarly, w.Metrics = true, openMetrics(t)
	stop := w.start()
	target := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "ELB-HealthChecker/2.0" {
			fmt.Fprint(rw, "hello ", r.URL.Path)
		}
	}))
	defer target.Close()
	at := netip.MustParseAddrPort(target.Listener.Addr().String())

	b, g := w.balancer("web"), w.group("api")
	if b.State.Code != "provisioning" {
		t.Errorf("it begins as %s", b.State.Code)
	}
	// 127.0.0.1 is no address of the VPC: the record is what RegisterTargets would write.
	w.put(g, at)
	if h := w.health(g.TargetGroupArn); h != "unused Target.NotInUse" {
		t.Errorf("the target of a group that nobody uses is %s", h)
	}
	ok(t, w.setAttributes(b, "access_logs.s3.enabled", "true", "access_logs.s3.bucket", "logs", "access_logs.s3.prefix", "web"))
	w.listener(b.LoadBalancerArn, g.TargetGroupArn, 80)
	w.eventually("healthy", func() string { return differs(w.health(g.TargetGroupArn), "healthy") })
	w.eventually("requests arrive", func() string {
		status, body := l.get("10.0.0.11:80", "/a?b=%22")
		return differs(fmt.Sprint(status, body), "200hello /a")
	})
	if status, body := l.get("10.0.0.12:80", "/second"); status != 200 || body != "hello /second" {
		t.Errorf("the other node: %d %s", status, body)
	}
	checkMetrics(t, w, b, g)
	stop() // what waits is delivered
	checkLog(t, l, b, target.Listener.Addr().String())

	l.at = map[string]net.Listener{}
	again := newWorld(t, plane)
	again.DB, again.Service = w.DB, New(Options{DB: w.DB, Plane: plane, DrainEarly: true})
	again.start()
	again.eventually("after a restart", func() string {
		status, body := l.get("10.0.0.11:80", "/b")
		return differs(fmt.Sprint(status, body), "200hello /b")
	})
	ok(t, again.deregister(again.ctx, acct, region, g.TargetGroupArn, []elbv2api.TargetDescription{{Id: at.Addr().String()}}))
	if h := again.health(g.TargetGroupArn); h != "draining Target.DeregistrationInProgress" {
		t.Errorf("a deregistered target is %s", h)
	}
	again.eventually("drained", func() string { return differs(again.health(g.TargetGroupArn), "") })
	if status, _ := l.get("10.0.0.11:80", "/"); status != 503 {
		t.Errorf("without targets: %d", status)
	}
}

func differs(got, want string) string {
	if got == want {
		return ""
	}
	return "it is " + got
}

// checkLog looks at the access log of the node in the first zone.
func checkLog(t *testing.T, l *loop, b elbv2api.LoadBalancer, target string) {
	t.Helper()
	text := ""
	for name, content := range l.files {
		if name == "logs/web/AWSLogs/"+acct+"/ELBAccessLogTestFile" {
			continue
		}
		folder := "logs/web/AWSLogs/" + acct + "/elasticloadbalancing/" + region + "/" + time.Now().UTC().Format("2006/01/")
		if !strings.HasPrefix(name, folder) || !strings.Contains(name, "/"+acct+"_elasticloadbalancing_"+region+"_app.web.") || !strings.HasSuffix(name, ".log.gz") {
			t.Errorf("the file is %s", name)
		}
		z, err := gzip.NewReader(strings.NewReader(content))
		ok(t, err)
		lines, err := io.ReadAll(z)
		ok(t, err)
		if strings.Contains(name, "_198.19.0.1_") {
			text += string(lines)
		}
	}
	line, _, _ := strings.Cut(text[max(0, strings.LastIndex(text, "http ")):], "\n")
	name := b.LoadBalancerArn[strings.Index(b.LoadBalancerArn, "app/"):]
	for _, want := range []string{"http 2", " " + name + " 127.0.0.1:", " " + target + " 0.0", " 200 200 ", `/a?b=%22 HTTP/1.1" "Go-http-client/1.1" - - arn:aws:elasticloadbalancing:`, `"Root=1-`, ` 0 2`, ` "forward" "-" "-" "` + target + `" "200" `} {
		if !strings.Contains(line, want) {
			t.Errorf("the line has no %s:\n%s", want, line)
		}
	}
	for _, who := range l.as {
		if who != "logdelivery.elasticloadbalancing.amazonaws.com for "+b.LoadBalancerArn {
			t.Errorf("a log was put by %s", who)
		}
	}
}

// A bucket that does not take logs is refused, as AWS words it, and nothing is set.
func TestLogsNeedABucket(t *testing.T) {
	l, plane := newLoop()
	w := newWorld(t, plane)
	l.refuses = "closed"
	b := w.balancer("web")
	w.refused(w.setAttributes(b, "access_logs.s3.enabled", "true", "access_logs.s3.bucket", "closed"), "InvalidConfigurationRequest: Access Denied for bucket: closed. Please check S3bucket permission")
	out := must[*elbv2api.DescribeLoadBalancerAttributesOutput](w)(w.DescribeLoadBalancerAttributes(w.ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: b.LoadBalancerArn}))
	for _, a := range out.Attributes {
		if a.Key == "access_logs.s3.enabled" && a.Value != "false" {
			t.Error("it was set all the same")
		}
	}
}

func (w *world) setAttributes(b elbv2api.LoadBalancer, pairs ...string) error {
	in := &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: b.LoadBalancerArn}
	for i := 0; i < len(pairs); i += 2 {
		in.Attributes = append(in.Attributes, elbv2api.LoadBalancerAttribute{Key: pairs[i], Value: pairs[i+1]})
	}
	_, err := w.ModifyLoadBalancerAttributes(w.ctx, in)
	return err
}

// What clients write cannot end a field of the log, or a line.
func TestFieldsAreQuoted(t *testing.T) {
	for in, want := range map[string]string{"": `"-"`, "curl/8": `"curl/8"`, "a\"b\\c\nd\x00é": `"a\x22b\x5cc\x0ad\x00\xc3\xa9"`} {
		if got := quoted(in); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

// GetObject implements s3api.API.
func (l *loop) GetObject(ctx context.Context, in *s3api.GetObjectRequest) (*s3api.GetObjectOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	content, ok := l.files[in.Bucket+"/"+in.Key]
	if !ok || in.Bucket == l.refuses {
		return nil, invalidAccess{}
	}
	l.as = append(l.as, caller.From(ctx).ARN+" via "+caller.From(ctx).ViaService)
	return &s3api.GetObjectOutput{Body: io.NopCloser(strings.NewReader(content))}, nil
}
