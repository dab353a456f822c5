package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	leafValidity = 7 * 24 * time.Hour
	// renewBefore leaves a client that read the certificate just before the
	// renewal days to go on with it.
	renewBefore = 2 * 24 * time.Hour
	// maxLeaves bounds the cache; names come from clients.
	maxLeaves = 4096
)

type leaf struct {
	certificate *tls.Certificate
	notAfter    time.Time
}

// ErrName is returned for a name that this authority was told not to answer.
var ErrName = errors.New("no certificate for this name")

// Certificate returns a server certificate for the given DNS names and IP
// addresses (the first is its common name), from the cache while it has more
// than two days to go.
func (a *Authority) Certificate(names ...string) (*tls.Certificate, error) {
	names, err := cleanNames(names)
	if err != nil {
		return nil, err
	}
	key := strings.Join(names, " ")
	now := a.now()

	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.leaves[key]; ok && now.Before(l.notAfter.Add(-renewBefore)) {
		return l.certificate, nil
	}
	l, err := a.issue(names, now)
	if err != nil {
		return nil, err
	}
	if len(a.leaves) >= maxLeaves {
		clear(a.leaves) // issuing again costs a tenth of a millisecond
	}
	a.leaves[key] = l
	return l.certificate, nil
}

// GetCertificate returns a function for tls.Config.GetCertificate that answers
// each server name that allow accepts with a certificate of its own. A client
// that sends no server name is given one for the address it connected to.
func (a *Authority) GetCertificate(allow func(name string) bool) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
		if name == "" && hello.Conn != nil {
			host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
			if err != nil {
				return nil, err
			}
			name = host
		}
		if !allow(name) {
			return nil, fmt.Errorf("%w: %q", ErrName, name)
		}
		return a.Certificate(name)
	}
}

// ServerTLS is a TLS configuration for a listener, HTTP/2 included, that
// answers the names which allow accepts.
func (a *Authority) ServerTLS(allow func(name string) bool) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: a.GetCertificate(allow),
	}
}

func (a *Authority) issue(names []string, now time.Time) (*leaf, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	parsed, err := a.sign(key.Public(), names, now, now.Add(leafValidity))
	if err != nil {
		return nil, err
	}
	return &leaf{
		certificate: &tls.Certificate{Certificate: [][]byte{parsed.Raw, a.cert.Raw}, PrivateKey: key, Leaf: parsed},
		notAfter:    parsed.NotAfter,
	}, nil
}

// Sign issues a certificate for somebody else's key, for TLS servers and clients
// of the given names (the first is its common name), good until notAfter.
func (a *Authority) Sign(public crypto.PublicKey, names []string, notAfter time.Time) (*x509.Certificate, error) {
	names, err := cleanNames(names)
	if err != nil {
		return nil, err
	}
	return a.sign(public, names, a.now(), notAfter, x509.ExtKeyUsageClientAuth)
}

func (a *Authority) sign(public crypto.PublicKey, names []string, now, notAfter time.Time, also ...x509.ExtKeyUsage) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           append([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, also...),
		BasicConstraintsValid: true,
	}
	if _, ok := public.(*rsa.PublicKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment // key exchange of TLS 1.2 without forward secrecy
	}
	if len(names[0]) <= 64 { // the limit of a common name; the SAN is what counts
		template.Subject = pkix.Name{CommonName: names[0]}
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func cleanNames(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, errors.New("a certificate needs a name")
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if !validName(name) {
			return nil, fmt.Errorf("%q is not a name for a certificate", name)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// validName accepts IP addresses and host names, with a wildcard as the whole
// first label.
func validName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if name == "" || len(name) > 253 {
		return false
	}
	for i, label := range strings.Split(name, ".") {
		if label == "*" && i == 0 && len(name) > 2 {
			continue
		}
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
