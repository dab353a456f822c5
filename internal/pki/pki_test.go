package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOpenCreatesOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	var group sync.WaitGroup
	all := make([]*Authority, 8)
	for i := range all {
		group.Go(func() { all[i], _ = Open(dir) })
	}
	group.Wait()
	for _, a := range all {
		if a == nil || !bytes.Equal(a.PEM(), all[0].PEM()) {
			t.Fatal("instances that open the folder at once differ")
		}
	}
	info, err := os.Stat(filepath.Join(dir, "ca.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key mode: %v %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Fatalf("temporary files were left: %v", entries)
	}
	// A crash between the two files: the key is kept, the certificate made anew.
	os.Remove(filepath.Join(dir, "ca.crt"))
	if again := open(t, dir); !again.key.Equal(all[0].key) {
		t.Fatal("the key changed")
	}
	if open(t, t.TempDir()).ID() == all[0].ID() {
		t.Fatal("two authorities share an id")
	}
}

func TestServerNames(t *testing.T) {
	a := open(t, t.TempDir())
	config := a.ServerTLS(func(name string) bool {
		return strings.HasSuffix(name, ".amazonaws.com") || name == "127.0.0.1"
	})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var group sync.WaitGroup
	defer group.Wait()
	defer listener.Close()
	group.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { c.(*tls.Conn).Handshake(); c.Close() })
		}
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"s3.eu-west-1.amazonaws.com", true},
		{"my.dotted.bucket.s3.eu-west-1.amazonaws.com", true},
		{"S3.EU-WEST-1.AMAZONAWS.COM", true},
		{"127.0.0.1", true}, // a client that connects to an address sends no server name
		{"example.com", false},
	} {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: c.name})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			leaf := conn.ConnectionState().PeerCertificates[0]
			if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || leaf.IsCA {
				t.Errorf("%s: wrong usage", c.name)
			}
			conn.Close()
		}
	}
}

func TestCertificateIsCachedAndRenewed(t *testing.T) {
	a := open(t, t.TempDir())
	now := time.Now()
	a.now = func() time.Time { return now }
	first, err := a.Certificate("a.example", "10.0.0.1", "*.a.example")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.Leaf.DNSNames, []string{"a.example", "*.a.example"}) || first.Leaf.IPAddresses[0].String() != "10.0.0.1" {
		t.Fatalf("names: %v %v", first.Leaf.DNSNames, first.Leaf.IPAddresses)
	}
	now = now.Add(leafValidity - renewBefore - time.Minute)
	if second, _ := a.Certificate("a.example", "10.0.0.1", "*.a.example"); second != first {
		t.Error("issued anew too early")
	}
	now = now.Add(2 * time.Minute)
	if third, _ := a.Certificate("a.example", "10.0.0.1", "*.a.example"); third == first || !third.Leaf.NotAfter.After(now.Add(renewBefore)) {
		t.Error("not renewed in time")
	}
	for _, bad := range []string{"", "a b", "a..b", "-a.b", "*", "a.*.b", "a/b", strings.Repeat("a", 64), strings.Repeat("a.", 130) + "a"} {
		if _, err := a.Certificate(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, err := a.GetCertificate(func(string) bool { return false })(&tls.ClientHelloInfo{ServerName: "x"}); !errors.Is(err, ErrName) {
		t.Errorf("refused name: %v", err)
	}
}

func TestBundle(t *testing.T) {
	a, b := open(t, t.TempDir()), open(t, t.TempDir())
	text := "# Some Root\n" + strings.TrimSuffix(string(b.PEM()), "\n") // no newline at the end
	merged := a.Bundle([]byte(text))
	if !strings.HasPrefix(string(merged), text+"\n-----BEGIN") {
		t.Fatalf("existing text was changed: %q", merged)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(merged) || strings.Count(string(merged), "BEGIN CERTIFICATE") != 2 {
		t.Fatal("bundle is not two certificates")
	}
	if again := a.Bundle(merged); !bytes.Equal(again, merged) {
		t.Error("added twice")
	}
	if only := a.Bundle(nil); !bytes.Equal(only, a.PEM()) {
		t.Error("bundle of nothing is not the authority alone")
	}
}
