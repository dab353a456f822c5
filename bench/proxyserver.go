package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// startOurs starts this program as a load balancer.
func startOurs(ctx context.Context, dir, backend string) (*proxy, error) {
	cert, key, _, err := benchCertificate(dir)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &proxy{name: "Neargate", http: freeAddress(), tls: freeAddress()}
	return p, p.begin(ctx, proxyCore, self, "proxyserver", p.http, p.tls, backend, cert, key)
}

// serveProxy is our load balancer alone, with rules, and with records written as
// lines and counted, as for access logs and metrics.
func serveProxy(ctx context.Context) error {
	args := os.Args[2:]
	leaf, err := tls.LoadX509KeyPair(args[3], args[4])
	if err != nil {
		return err
	}
	var d net.Dialer
	var log records
	s := loadbalancer.New(loadbalancer.Options{
		Dial: func(ctx context.Context, hop loadbalancer.Hop) (net.Conn, error) {
			return d.DialContext(ctx, hop.Network, hop.Target.String())
		},
		Record: log.add,
	})
	var rules []rule.Rule
	for i := range 10 { // none matches: all are evaluated
		rules = append(rules, rule.Rule{Priority: i + 1, Conditions: []rule.Condition{
			{Field: rule.PathPattern, Values: []string{fmt.Sprintf("/api/%d/*", i)}}, {Field: rule.HostHeader, Values: []string{"*.example.com"}},
		}, Actions: []rule.Action{{Type: rule.FixedResponse, Fixed: rule.Fixed{Status: 404}}}})
	}
	to := []rule.Action{{Type: rule.Forward, Forward: rule.ForwardTo{Groups: []rule.Weighted{{Group: "g", Weight: 1}}}}}
	err = s.Apply(loadbalancer.Config{
		Name: "app/bench/1", Type: loadbalancer.Application, Attributes: loadbalancer.Attributes{HTTP2: true, CrossZone: true},
		Listeners: []loadbalancer.Listener{
			{ID: "http", Port: 80, Protocol: loadbalancer.HTTP, Rules: rules, Default: to},
			{ID: "https", Port: 443, Protocol: loadbalancer.HTTPS, Policy: "ELBSecurityPolicy-TLS13-1-2-2021-06", Rules: rules, Default: to, Certificates: []loadbalancer.Certificate{{ID: "c", Leaf: leaf}}},
		},
		Groups: []loadbalancer.Group{{ID: "g", Protocol: loadbalancer.HTTP, Targets: []loadbalancer.Target{{Addr: netip.MustParseAddrPort(args[2]), State: loadbalancer.Healthy}}}},
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for id, addr := range map[string]string{"http": args[0], "https": args[1]} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		group.Go(func() error { return s.Serve(ctx, id, "a", l) })
	}
	return group.Wait()
}

// records counts and writes lines, of which the last ones are kept.
type records struct {
	mu       sync.Mutex
	requests int
	time     time.Duration
	lines    []byte
}

func (r *records) add(a *loadbalancer.AccessRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.time += a.TargetTime
	if len(r.lines) > 1<<20 {
		r.lines = r.lines[:0]
	}
	b := append(r.lines, a.Type...)
	b = a.Received.AppendFormat(append(b, ' '), "2006-01-02T15:04:05.000000Z")
	b = a.Client.AppendTo(append(b, ' '))
	b = a.Target.AppendTo(append(b, ' '))
	for _, n := range []int64{int64(a.Status), int64(a.TargetStatus), a.ReceivedBytes, a.SentBytes} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	b = append(b, ' ')
	b = append(append(append(b, '"'), a.Request()...), "\" "...)
	b = append(append(append(b, a.Group...), ' '), a.TraceID...)
	r.lines = append(b, '\n')
}

// benchCertificate makes a certificate once: its file, its key's, and both in one.
func benchCertificate(dir string) (cert, key, both string, err error) {
	cert, key, both = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	if _, err := os.Stat(both); err == nil {
		return cert, key, both, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, DNSNames: []string{"bench"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return "", "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", "", err
	}
	c := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	k := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	for path, text := range map[string][]byte{cert: c, key: k, both: append(append([]byte(nil), c...), k...)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", "", "", err
		}
	}
	return cert, key, both, nil
}
