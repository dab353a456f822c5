package loopback_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/hostsfile"
	"github.com/neargate/neargate/internal/loopback"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/testenv"
)

func TestANameIsServedWithItsOwnCertificate(t *testing.T) {
	testenv.NeedRoot(t)
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hosts")
	os.WriteFile(path, []byte("127.0.0.1 localhost\n"), 0o644)
	config := authority.ServerTLS(func(name string) bool { return strings.HasSuffix(name, ".example") })
	names := loopback.New("test01", hostsfile.New(path, "test01"), config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Host) }))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- names.Run(ctx) }()
	names.Set([]string{"one.example", "two.example"})

	var hosts string
	for range 500 {
		b, _ := os.ReadFile(path)
		if hosts = string(b); strings.Contains(hosts, "two.example") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		name, _, _ := net.SplitHostPort(addr)
		for line := range strings.Lines(hosts) {
			if f := strings.Fields(line); len(f) > 1 && f[1] == name {
				return new(net.Dialer).DialContext(ctx, network, f[0]+":443")
			}
		}
		return nil, fmt.Errorf("%s is not in the hosts file:\n%s", name, hosts)
	}}}
	for _, name := range []string{"one.example", "two.example"} {
		res, err := client.Get("https://" + name + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != "hello "+name {
			t.Errorf("%s answered %q", name, body)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestInstancesHaveDifferentAddresses(t *testing.T) {
	if a, b := loopback.Address("a", "x.example", 0), loopback.Address("b", "x.example", 0); a == b {
		t.Errorf("both have %s", a)
	}
}
