package loadbalancer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// certificate makes one for names, signed by itself.
func certificate(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// secured makes the listener an HTTPS one.
func secured(t testing.TB) func(*Config) {
	certs := []Certificate{{ID: "arn:one", Leaf: certificate(t, "one.example.com")}, {ID: "arn:wild", Leaf: certificate(t, "*.wild.example.com")}}
	return func(c *Config) {
		c.Listeners[0].Protocol, c.Listeners[0].Port, c.Listeners[0].Certificates = HTTPS, 443, certs
	}
}

// shake connects by TLS.
func shake(addr string, c *tls.Config) (*tls.Conn, error) {
	c.InsecureSkipVerify = true
	d := tls.Dialer{Config: c}
	conn, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}

func TestCertificatesByName(t *testing.T) {
	r, addr := newRig(t, secured(t), target(t, echo))
	for name, want := range map[string]string{"one.example.com": "one.example.com", "a.wild.example.com": "*.wild.example.com", "other.example.com": "one.example.com", "": "one.example.com"} {
		c, err := shake(addr, &tls.Config{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().PeerCertificates[0].DNSNames[0]; got != want {
			t.Errorf("%q gets the certificate of %s, want %s", name, got, want)
		}
		_ = c.Close()
	}
	c, err := shake(addr, &tls.Config{ServerName: "a.wild.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.wild.example.com\r\nConnection: close\r\n\r\n")
	if out, _ := io.ReadAll(c); !strings.Contains(string(out), "proto=https port=443") {
		t.Fatalf("%s", out)
	}
	a := r.recorded(1)[0]
	if a.Certificate != "arn:wild" || a.Domain != "a.wild.example.com" || a.TLSVersion != "TLSv1.2" || a.Cipher != "ECDHE-ECDSA-AES128-GCM-SHA256" || a.Type != "https" || a.Request() != "GET https://a.wild.example.com:443/ HTTP/1.1" {
		t.Errorf("%+v", a)
	}
}

func TestPolicyBoundsVersions(t *testing.T) {
	for _, tt := range []struct {
		policy   string
		min, max uint16
		ok       bool
	}{
		{"ELBSecurityPolicy-TLS13-1-3-2021-06", tls.VersionTLS12, tls.VersionTLS12, false},
		{"ELBSecurityPolicy-TLS13-1-2-2021-06", tls.VersionTLS12, tls.VersionTLS12, true},
		{"ELBSecurityPolicy-TLS13-1-2-2021-06", tls.VersionTLS11, tls.VersionTLS11, false},
		{"", tls.VersionTLS13, tls.VersionTLS13, false},
		{"", tls.VersionTLS12, tls.VersionTLS12, true},
	} {
		secure := secured(t)
		_, addr := newRig(t, func(c *Config) {
			secure(c)
			c.Listeners[0].Policy = tt.policy
		})
		c, err := shake(addr, &tls.Config{MinVersion: tt.min, MaxVersion: tt.max})
		if (err == nil) != tt.ok {
			t.Errorf("%q with %x to %x: %v", tt.policy, tt.min, tt.max, err)
		}
		if c != nil {
			_ = c.Close()
		}
	}
	r, _ := newRig(t, nil)
	secured(t)(&r.config)
	r.config.Listeners[0].Policy = "ELBSecurityPolicy-Unknown"
	if err := r.server.Apply(r.config); err == nil || !strings.Contains(err.Error(), "ELBSecurityPolicy-Unknown") {
		t.Errorf("an unknown policy: %v", err)
	}
}

func TestMutualTLS(t *testing.T) {
	trusted, stranger := certificate(t, "client.example.com"), certificate(t, "stranger.example.com")
	pool := x509.NewCertPool()
	pool.AddCert(trusted.Leaf)
	secure := secured(t)
	headers := target(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Amzn-Mtls-Clientcert-Subject")+"|"+r.Header.Get("X-Amzn-Mtls-Clientcert-Serial-Number"))
	})
	r, addr := newRig(t, func(c *Config) {
		secure(c)
		c.Listeners[0].MutualTLS = MutualTLS{Mode: "verify", Authorities: pool}
	}, headers)
	for _, tt := range []struct {
		name  string
		certs []tls.Certificate
		want  string
	}{{"trusted", []tls.Certificate{trusted}, "CN=client.example.com|FF"}, {"stranger", []tls.Certificate{stranger}, ""}, {"none", nil, ""}} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: tt.certs}}
		req, _ := http.NewRequest("GET", "https://"+addr, nil)
		req.Header.Set("X-Amzn-Mtls-Clientcert-Subject", "CN=forged")
		resp, err := tr.RoundTrip(req)
		if (err == nil) != (tt.want != "") {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err == nil {
			if b, _ := io.ReadAll(resp.Body); string(b) != tt.want {
				t.Errorf("%s: the target saw %q", tt.name, b)
			}
			resp.Body.Close()
		}
		tr.CloseIdleConnections()
	}
	for range 500 {
		r.mu.Lock()
		n := len(r.flows)
		r.mu.Unlock()
		if n == 3 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	got := map[string]bool{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.flows {
		got[f.VerifyStatus] = true
	}
	for _, want := range []string{"Success", "Failed:ClientCertUntrusted", "Failed:ClientCertNotProvided"} {
		if !got[want] {
			t.Errorf("no connection record says %s: %v", want, got)
		}
	}
}

// TestTargetWithTLS: certificates of targets are not verified.
func TestTargetWithTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer s.Close()
	_, addr := newRig(t, func(c *Config) { c.Groups[0].Protocol = HTTPS }, strings.TrimPrefix(s.URL, "https://"))
	if status, body := get(t, &http.Client{}, "http://"+addr+"/x"); status != 200 || !strings.HasPrefix(body, "GET /x") {
		t.Fatalf("%d %s", status, body)
	}
}

// TestPlainToHTTPS: a client that forgot the s is told.
func TestPlainToHTTPS(t *testing.T) {
	r, addr := newRig(t, secured(t), target(t, echo))
	out := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if statusOf(out) != "HTTP/1.1 400 Bad Request" || !strings.Contains(out, "<title>400 The plain HTTP request was sent to HTTPS port</title>") {
		t.Errorf("%q", out)
	}
	if out := talk(t, addr, "nonsense\r\n\r\n"); strings.Contains(out, "HTTP/") {
		t.Errorf("%q", out)
	}
	for range 500 {
		r.mu.Lock()
		n := len(r.flows)
		r.mu.Unlock()
		if n == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if f := r.ended(); !f.TLSFailed || f.HandshakeTime >= 0 {
		t.Errorf("%+v", f)
	}
}
