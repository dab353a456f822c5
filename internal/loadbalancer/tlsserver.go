package loadbalancer

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (m *MutualTLS) on() bool { return m.Mode == "passthrough" || m.Mode == "verify" }

// serverTLS is what a listener offers to clients.
func serverTLS(f Listener, c Config) (*tls.Config, error) {
	if len(f.Certificates) == 0 {
		return nil, errors.New("the listener has no certificate")
	}
	policy, err := policyOf(f.Policy)
	if err != nil {
		return nil, err
	}
	out := &tls.Config{
		MinVersion: policy.min, MaxVersion: policy.max, CipherSuites: policy.suites,
		DynamicRecordSizingDisabled: true,
		NextProtos:                  protocols(f, c),
	}
	for _, cert := range f.Certificates {
		if len(cert.Leaf.Certificate) == 0 || len(cert.Leaf.Certificate[0]) == 0 {
			return nil, fmt.Errorf("certificate %s is empty", cert.ID)
		}
	}
	out.GetCertificate = chooseCertificate(f.Certificates)
	switch f.MutualTLS.Mode {
	case "passthrough":
		out.ClientAuth = tls.RequestClientCert
	case "verify":
		out.ClientAuth = tls.RequireAnyClientCert
		if f.MutualTLS.AdvertiseNames {
			out.ClientCAs = f.MutualTLS.Authorities
		}
		m := f.MutualTLS
		out.VerifyConnection = func(s tls.ConnectionState) error { return m.verify(s.PeerCertificates) }
	}
	return out, nil
}

// protocols are what ALPN offers.
func protocols(f Listener, c Config) []string {
	if f.Protocol == HTTPS {
		if c.Attributes.HTTP2 {
			return []string{"h2", "http/1.1"}
		}
		return []string{"http/1.1"}
	}
	switch f.ALPN {
	case "HTTP2Only":
		return []string{"h2"}
	case "HTTP2Preferred":
		return []string{"h2", "http/1.1", "http/1.0"}
	case "HTTP2Optional":
		return []string{"http/1.1", "http/1.0", "h2"}
	case "HTTP1Only":
		return []string{"http/1.1", "http/1.0"}
	}
	return nil
}

// chosenKey is where a handshake's context has the record of the connection.
type chosenKey struct{}

// chooseCertificate picks the first certificate that carries the name a client asks for and
// that it can use; otherwise the default one.
func chooseCertificate(certificates []Certificate) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaves := make([]*tls.Certificate, len(certificates))
	for i := range certificates {
		leaf := certificates[i].Leaf
		if leaf.Leaf == nil {
			leaf.Leaf, _ = x509.ParseCertificate(leaf.Certificate[0])
		}
		leaves[i] = &leaf
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		chosen := 0
		if hello.ServerName != "" {
			chosen = max(0, slices.IndexFunc(leaves, func(l *tls.Certificate) bool { return hello.SupportsCertificate(l) == nil }))
		}
		if r, ok := hello.Context().Value(chosenKey{}).(*ConnectionRecord); ok {
			r.Certificate, r.Offered = certificates[chosen].ID, hello.SupportedProtos
		}
		return leaves[chosen], nil
	}
}

// verify checks a client's certificate against the trust store.
func (m *MutualTLS) verify(chain []*x509.Certificate) error {
	options := x509.VerifyOptions{Roots: m.Authorities, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	if m.AllowExpired && time.Now().After(chain[0].NotAfter) {
		options.CurrentTime = chain[0].NotAfter.Add(-time.Second)
	}
	verified, err := chain[0].Verify(options)
	if err != nil {
		return err
	}
	if len(verified[0]) > maxChain {
		return errChain
	}
	for _, c := range verified[0] {
		if m.Revoked != nil && m.Revoked(c) {
			return errRevoked
		}
	}
	return nil
}

// maxChain is how many certificates a client's chain may have, with the authority's.
const maxChain = 5

var (
	errRevoked = errors.New("the client's certificate is revoked")
	errChain   = errors.New("the chain of the client's certificate is too long")
)

// keepTickets takes over the ticket keys of the listener's earlier configuration
// where clients' sessions are still good.
func (f *front) keepTickets(before *front) {
	if before != nil && before.tls != nil && slices.Equal(f.tls.NextProtos, before.tls.NextProtos) && sameTLS(&f.Listener, &before.Listener) {
		f.tls = before.tls
	}
}

func sameTLS(a, b *Listener) bool {
	if a.Policy != b.Policy || a.ALPN != b.ALPN || a.Protocol != b.Protocol || a.MutualTLS.on() || b.MutualTLS.on() || len(a.Certificates) != len(b.Certificates) {
		return false
	}
	for i := range a.Certificates {
		if a.Certificates[i].ID != b.Certificates[i].ID || !bytes.Equal(a.Certificates[i].Leaf.Certificate[0], b.Certificates[i].Leaf.Certificate[0]) {
			return false
		}
	}
	return true
}

// noteTLS records how a handshake went.
func (c *session) noteTLS(f *front, state *tls.ConnectionState, err error) {
	r := &c.record
	r.Domain, r.ALPN = state.ServerName, state.NegotiatedProtocol
	if err == nil {
		r.Cipher, r.TLSVersion = cipherName(state.CipherSuite), versionName(state.Version)
	}
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		r.ClientSubject, r.ClientSerial = leaf.Subject.String(), fmt.Sprintf("%X", leaf.SerialNumber)
		r.ClientNotBefore, r.ClientNotAfter = leaf.NotBefore, leaf.NotAfter
	}
	if f.MutualTLS.Mode == "verify" {
		r.VerifyStatus = "Success"
		if err != nil {
			r.VerifyStatus = "Failed:" + verifyFailure(err, len(state.PeerCertificates) > 0)
		}
	}
}

// verifyFailure words the reason as connection logs do.
func verifyFailure(err error, shown bool) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case !shown:
		return "ClientCertNotProvided"
	case errors.Is(err, errRevoked):
		return "ClientCertCrlHit"
	case errors.Is(err, errChain):
		return "ClientCertMaxChainDepthExceeded"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return "ClientCertNotYetValid"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "ClientCertExpired"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "ClientCertPurposeInvalid"
	case errors.As(err, &invalid):
		return "ClientCertInvalid"
	case errors.As(err, &unknown):
		return "ClientCertUntrusted"
	}
	return "ClientCertRejected"
}

// addTLS gives the fields that tell targets of the client's TLS.
func (x *exchange) addTLS(field func(name, value string)) {
	if x.live.Attributes.TLSHeaders {
		field("X-Amzn-Tls-Version", x.record.TLSVersion)
		field("X-Amzn-Tls-Cipher-Suite", x.record.Cipher)
	}
	if !x.front.MutualTLS.on() || len(x.tls.PeerCertificates) == 0 {
		return
	}
	leaf := x.tls.PeerCertificates[0]
	if x.front.MutualTLS.Mode == "passthrough" {
		var chain bytes.Buffer
		for _, c := range x.tls.PeerCertificates {
			_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		}
		field("X-Amzn-Mtls-Clientcert", escaped(chain.String()))
		return
	}
	field("X-Amzn-Mtls-Clientcert-Serial-Number", fmt.Sprintf("%X", leaf.SerialNumber))
	field("X-Amzn-Mtls-Clientcert-Issuer", leaf.Issuer.String())
	field("X-Amzn-Mtls-Clientcert-Subject", leaf.Subject.String())
	field("X-Amzn-Mtls-Clientcert-Validity", "NotBefore="+leaf.NotBefore.UTC().Format(time.RFC3339)+";NotAfter="+leaf.NotAfter.UTC().Format(time.RFC3339))
	field("X-Amzn-Mtls-Clientcert-Leaf", escaped(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))))
}

// escaped is PEM in the URL's encoding, in which +, = and / stand for themselves.
func escaped(text string) string { return strings.ReplaceAll(url.PathEscape(text), "%2F", "/") }
