package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Who runs where: the contender alone on one core; the load generator and the
// backend on another.
const (
	proxyCore   = "0"
	loadCore    = "1"
	proxyRounds = 3
	proxyTime   = 3 * time.Second
)

// body is a file that the backend serves, and how many connections ask for it.
type body struct {
	name  string
	size  int
	conns int
}

var bodies = []body{{"1k", 1 << 10, 64}, {"10m", 10 << 20, 8}}

// proxy is a contender of the bench of load balancers.
type proxy struct {
	name string
	cmd  *exec.Cmd
	http string // addresses
	tls  string
}

// benchProxy runs our load balancer beside nginx and HAProxy, to the same backend.
func benchProxy(ctx context.Context) error {
	for _, need := range []string{"nginx", "wrk", "taskset"} {
		if _, err := exec.LookPath(need); err != nil {
			fmt.Printf("\nproxy: left out, %s is not installed (Debian's package)\n", need)
			return nil
		}
	}
	dir, err := os.MkdirTemp("", "neargate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	backend, err := startBackend(ctx, dir)
	if err != nil {
		return err
	}
	defer backend.stop()
	var contenders []*proxy
	for _, start := range []func(context.Context, string, string) (*proxy, error){startOurs, startNginx, startHAProxy} {
		p, err := start(ctx, dir, backend.http)
		if errors.Is(err, exec.ErrNotFound) {
			fmt.Printf("\nproxy: %v\n", err)
			continue
		}
		if err != nil {
			return err
		}
		defer p.stop()
		contenders = append(contenders, p)
	}
	fmt.Printf("\n%-28s %12s %10s %10s %10s %9s %9s\n", "proxy", "", "req/s", "CPU us", "p99 ms", "x nginx", "x CPU")
	for _, secure := range []bool{false, true} {
		for _, b := range bodies {
			if err := compareProxies(ctx, contenders, b, secure); err != nil {
				return err
			}
		}
	}
	if err := compareLatency(ctx, contenders, backend); err != nil {
		return err
	}
	for _, p := range contenders {
		s := server{cmd: p.cmd}
		fmt.Printf("%-28s %d MiB resident\n", p.name, s.memory()>>10)
	}
	return nil
}

// carried is what one load through a proxy gave.
type carried struct {
	perSecond float64
	cpu       time.Duration // per request
	p99       time.Duration
}

// compareProxies lets the contenders take turns and prints the medians.
func compareProxies(ctx context.Context, contenders []*proxy, b body, secure bool) error {
	results := make([][]carried, len(contenders))
	for range proxyRounds {
		for i, p := range contenders {
			c, err := p.load(ctx, b, secure)
			if err != nil {
				return err
			}
			results[i] = append(results[i], c)
		}
	}
	middle := func(i int, of func(carried) float64) float64 { return middleOf(results[i], of) }
	perSecond := func(c carried) float64 { return c.perSecond }
	cpu := func(c carried) float64 { return float64(c.cpu) / 1e3 }
	p99 := func(c carried) float64 { return float64(c.p99) / 1e6 }
	what := protocol(secure) + " " + b.name
	peer := slices.IndexFunc(contenders, func(p *proxy) bool { return p.name == "nginx" })
	for i, p := range contenders {
		fmt.Printf("%-28s %12s %10.0f %10.1f %10.2f %9.2f %9.2f\n", p.name, what, middle(i, perSecond), middle(i, cpu), middle(i, p99),
			middle(i, perSecond)/middle(peer, perSecond), middle(i, cpu)/middle(peer, cpu))
	}
	return nil
}

// middleOf is the median of what of says about each.
func middleOf[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, a := range all {
		values[i] = of(a)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func protocol(secure bool) string {
	if secure {
		return "HTTPS"
	}
	return "HTTP"
}

// url is where b is through p.
func (p *proxy) url(b body, secure bool) string {
	if secure {
		return "https://" + p.tls + "/" + b.name
	}
	return "http://" + p.http + "/" + b.name
}

var (
	wrkRate = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkP99  = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	wrkSum  = regexp.MustCompile(`([0-9]+) requests in`)
	wrkBad  = regexp.MustCompile(`Non-2xx or 3xx responses: ([0-9]+)`)
)

// load has wrk ask for b.
func (p *proxy) load(ctx context.Context, b body, secure bool) (carried, error) {
	s := server{cmd: p.cmd}
	before := s.cpu()
	out, err := exec.CommandContext(ctx, "taskset", "-c", loadCore, "wrk", "-t1", "-c"+strconv.Itoa(b.conns), "--latency", "-d"+strconv.Itoa(int(proxyTime.Seconds()))+"s", p.url(b, secure)).CombinedOutput()
	if err != nil {
		return carried{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	used := s.cpu() - before
	if wrkBad.Match(out) {
		return carried{}, fmt.Errorf("%s did not answer all: %s", p.name, out)
	}
	rate, sum, late := wrkRate.FindSubmatch(out), wrkSum.FindSubmatch(out), wrkP99.FindSubmatch(out)
	if rate == nil || sum == nil || late == nil {
		return carried{}, fmt.Errorf("wrk said %s", out)
	}
	var c carried
	c.perSecond, _ = strconv.ParseFloat(string(rate[1]), 64)
	n, _ := strconv.Atoi(string(sum[1]))
	c.cpu = used / time.Duration(max(n, 1))
	c.p99, _ = time.ParseDuration(string(late[1]) + string(late[2]))
	return c, nil
}

// begin starts a contender on its core and waits until its ports answer.
func (p *proxy) begin(ctx context.Context, core string, command ...string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	p.cmd = exec.Command("taskset", append([]string{"-c", core, path}, command[1:]...)...)
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for _, addr := range []string{p.http, p.tls} {
		for began := time.Now(); addr != ""; time.Sleep(5 * time.Millisecond) {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
				break
			}
			if ctx.Err() != nil || time.Since(began) > 10*time.Second {
				return fmt.Errorf("%s does not listen", p.name)
			}
		}
	}
	return nil
}

func (p *proxy) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// write makes a file of the run.
func write(dir, name, text string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

const nginxHead = "daemon off; master_process off; worker_processes 1; pid %[1]s/%[2]s.pid; error_log /dev/null;\nevents { worker_connections 4096; }\n" +
	"http { access_log off; keepalive_requests 1000000; sendfile on; tcp_nopush on; client_body_temp_path %[1]s/body-%[2]s; proxy_temp_path %[1]s/proxy-%[2]s; fastcgi_temp_path %[1]s/f-%[2]s; uwsgi_temp_path %[1]s/u-%[2]s; scgi_temp_path %[1]s/s-%[2]s;\n"

// startBackend serves the bodies.
func startBackend(ctx context.Context, dir string) (*proxy, error) {
	for _, b := range bodies {
		if _, err := write(dir, b.name, strings.Repeat("x", b.size)); err != nil {
			return nil, err
		}
	}
	p := &proxy{name: "backend", http: freeAddress()}
	conf, err := write(dir, "backend.conf", fmt.Sprintf(nginxHead, dir, "backend")+"server { listen "+p.http+"; root "+dir+"; } }\n")
	if err != nil {
		return nil, err
	}
	return p, p.begin(ctx, loadCore, "nginx", "-c", conf)
}

func startNginx(ctx context.Context, dir, backend string) (*proxy, error) {
	cert, key, _, err := benchCertificate(dir)
	if err != nil {
		return nil, err
	}
	p := &proxy{name: "nginx", http: freeAddress(), tls: freeAddress()}
	conf, err := write(dir, "nginx.conf", fmt.Sprintf(nginxHead, dir, "proxy")+
		"upstream b { server "+backend+"; keepalive 128; keepalive_requests 1000000; }\nserver { listen "+p.http+"; listen "+p.tls+" ssl; ssl_certificate "+cert+"; ssl_certificate_key "+key+";\n"+
		"location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }\n")
	if err != nil {
		return nil, err
	}
	return p, p.begin(ctx, proxyCore, "nginx", "-c", conf)
}

func startHAProxy(ctx context.Context, dir, backend string) (*proxy, error) {
	_, _, both, err := benchCertificate(dir)
	if err != nil {
		return nil, err
	}
	p := &proxy{name: "HAProxy", http: freeAddress(), tls: freeAddress()}
	conf, err := write(dir, "haproxy.conf", "global\n nbthread 1\n maxconn 4096\ndefaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n option forwardfor\n http-reuse always\n"+
		"frontend f\n bind "+p.http+"\n bind "+p.tls+" ssl crt "+both+"\n default_backend b\nbackend b\n server s "+backend+"\n")
	if err != nil {
		return nil, err
	}
	return p, p.begin(ctx, proxyCore, "haproxy", "-db", "-q", "-f", conf)
}
