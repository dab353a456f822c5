package elbv2

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// issuer is an authority made for a test.
type issuer struct {
	t    *testing.T
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name string) *issuer {
	i := &issuer{t: t}
	i.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &i.key.PublicKey, i.key)
	ok(t, err)
	i.leaf, err = x509.ParseCertificate(der)
	ok(t, err)
	return i
}

func asPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate that is good until a time.
func (i *issuer) issue(serial int64, until time.Time) tls.Certificate {
	i.t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("client ", serial)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		DNSNames: []string{"web.example.com"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.leaf, &key.PublicKey, i.key)
	ok(i.t, err)
	leaf, err := x509.ParseCertificate(der)
	ok(i.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// revoke makes a list of revoked certificates.
func (i *issuer) revoke(serials ...int64) string {
	i.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, n := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, i.leaf, i.key)
	ok(i.t, err)
	return asPEM("X509 CRL", der)
}

func (w *world) trustStore(name string) elbv2api.TrustStore {
	w.t.Helper()
	return must[*elbv2api.CreateTrustStoreOutput](w)(w.CreateTrustStore(w.ctx, &elbv2api.CreateTrustStoreInput{Name: name, CaCertificatesBundleS3Bucket: "trust", CaCertificatesBundleS3Key: "ca.pem"})).TrustStores[0]
}

// Only those get in whose certificate an authority of the trust store has signed and
// not revoked; what is changed in the trust store is in force at once.
func TestTrustStores(t *testing.T) {
	l, plane := newLoop()
	w := newWorld(t, plane)
	ours, theirs := newIssuer(t, "ours"), newIssuer(t, "theirs")
	l.files["trust/ca.pem"], l.files["trust/list.pem"] = asPEM("CERTIFICATE", ours.leaf.Raw), ours.revoke(7, 8)
	w.Certificate = func(string, string, string) (Certificate, error) {
		return Certificate{Leaf: ours.issue(2, time.Now().Add(time.Hour)), Issued: true}, nil
	}
	defer w.start()()
	store := w.trustStore("clients")
	if *store.NumberOfCaCertificates != 1 || *store.TotalRevokedEntries != 0 || store.Status != "ACTIVE" {
		t.Errorf("the trust store is %+v", store)
	}
	if got := l.as[len(l.as)-1]; got != "arn:aws:iam::"+acct+":root via elasticloadbalancing.amazonaws.com" {
		t.Errorf("the bundle was read by %s", got)
	}
	b := w.balancer("web")
	fixed := []elbv2api.Action{{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: "200"}}}
	listener := must[*elbv2api.CreateListenerOutput](w)(w.CreateListener(w.ctx, &elbv2api.CreateListenerInput{
		LoadBalancerArn: b.LoadBalancerArn, Protocol: "HTTPS", Port: new(int32(443)), Certificates: []elbv2api.Certificate{{CertificateArn: known}}, DefaultActions: fixed,
		MutualAuthentication: &elbv2api.MutualAuthenticationAttributes{Mode: "verify", TrustStoreArn: store.TrustStoreArn},
	})).Listeners[0]
	if m := listener.MutualAuthentication; m.Mode != "verify" || m.TrustStoreArn != store.TrustStoreArn || m.TrustStoreAssociationStatus != "active" || *m.IgnoreClientCertificateExpiry || m.AdvertiseTrustStoreCaNames != "off" {
		t.Errorf("the listener asks %+v", m)
	}
	good, bad := ours.issue(7, time.Now().Add(time.Hour)), theirs.issue(7, time.Now().Add(time.Hour))
	old := ours.issue(9, time.Now().Add(-time.Minute))
	knock := func(c ...tls.Certificate) string {
		l.mu.Lock()
		at := l.at["10.0.0.11:443"]
		l.mu.Unlock()
		if at == nil {
			return "nobody listens"
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: c}}, Timeout: 5 * time.Second}
		res, err := client.Get("https://" + at.Addr().String())
		if err != nil {
			return "refused"
		}
		res.Body.Close()
		return "in"
	}
	w.eventually("the listener is open", func() string { return differs(knock(good), "in") })
	if knock(bad) != "refused" || knock() != "refused" || knock(old) != "refused" {
		t.Errorf("others: %s, %s, %s", knock(bad), knock(), knock(old))
	}
	modify := func(m *elbv2api.MutualAuthenticationAttributes) error {
		_, err := w.ModifyListener(w.ctx, &elbv2api.ModifyListenerInput{ListenerArn: listener.ListenerArn, MutualAuthentication: m})
		return err
	}
	ok(t, modify(&elbv2api.MutualAuthenticationAttributes{Mode: "verify", TrustStoreArn: store.TrustStoreArn, IgnoreClientCertificateExpiry: new(true)}))
	w.eventually("expiry is ignored", func() string { return differs(knock(old), "in") })
	added := must[*elbv2api.AddTrustStoreRevocationsOutput](w)(w.AddTrustStoreRevocations(w.ctx, &elbv2api.AddTrustStoreRevocationsInput{TrustStoreArn: store.TrustStoreArn, RevocationContents: []elbv2api.RevocationContent{{S3Bucket: "trust", S3Key: "list.pem"}}})).TrustStoreRevocations
	if len(added) != 1 || *added[0].RevocationId != 1 || *added[0].NumberOfRevokedEntries != 2 || added[0].RevocationType != "CRL" {
		t.Errorf("the list is %+v", added)
	}
	w.eventually("the certificate is revoked", func() string { return differs(knock(good), "refused") })
	_, err := w.RemoveTrustStoreRevocations(w.ctx, &elbv2api.RemoveTrustStoreRevocationsInput{TrustStoreArn: store.TrustStoreArn, RevocationIds: []int64{1}})
	ok(t, err)
	w.eventually("it is no longer", func() string { return differs(knock(good), "in") })
	users := must[*elbv2api.DescribeTrustStoreAssociationsOutput](w)(w.DescribeTrustStoreAssociations(w.ctx, &elbv2api.DescribeTrustStoreAssociationsInput{TrustStoreArn: store.TrustStoreArn})).TrustStoreAssociations
	if len(users) != 1 || users[0].ResourceArn != listener.ListenerArn {
		t.Errorf("it is used by %v", users)
	}
	_, err = w.DeleteTrustStore(w.ctx, &elbv2api.DeleteTrustStoreInput{TrustStoreArn: store.TrustStoreArn})
	w.refused(err, "TrustStoreInUse: Trust store '"+store.TrustStoreArn+"' is currently in use by a listener")
	ok(t, modify(&elbv2api.MutualAuthenticationAttributes{Mode: "passthrough"}))
	w.eventually("all certificates are let through", func() string { return differs(knock(bad)+knock(), "inin") })
	_, err = w.DeleteTrustStore(w.ctx, &elbv2api.DeleteTrustStoreInput{TrustStoreArn: store.TrustStoreArn})
	ok(t, err)
}

func TestRefusalsOfTrustStores(t *testing.T) {
	l, plane := newLoop()
	w := newWorld(t, plane)
	i := newIssuer(t, "ours")
	leaf := i.issue(3, time.Now().Add(time.Hour))
	l.files["trust/ca.pem"], l.files["trust/leaf.pem"], l.files["trust/text"] = asPEM("CERTIFICATE", i.leaf.Raw), asPEM("CERTIFICATE", leaf.Certificate[0]), "text"
	create := func(name, key string) error {
		_, err := w.CreateTrustStore(w.ctx, &elbv2api.CreateTrustStoreInput{Name: name, CaCertificatesBundleS3Bucket: "trust", CaCertificatesBundleS3Key: key})
		return err
	}
	store := w.trustStore("clients")
	w.refused(create("clients", "ca.pem"), "DuplicateTrustStoreName: A trust store with the same name 'clients' exists")
	w.refused(create("other", "none"), "CaCertificatesBundleNotFound: The CA certificates bundle 's3://trust/none' could not be found")
	w.refused(create("other", "text"), "InvalidCaCertificatesBundle: The CA certificates bundle 's3://trust/text' is not valid: it has no certificates")
	w.refused(create("other", "leaf.pem"), "InvalidCaCertificatesBundle: The CA certificates bundle 's3://trust/leaf.pem' is not valid: the certificate of CN=client 3 is not an authority's")
	_, err := w.AddTrustStoreRevocations(w.ctx, &elbv2api.AddTrustStoreRevocationsInput{TrustStoreArn: store.TrustStoreArn, RevocationContents: []elbv2api.RevocationContent{{S3Bucket: "trust", S3Key: "text"}}})
	w.refused(err, "InvalidRevocationContent: The revocation content 's3://trust/text' is not a valid CRL")
	_, err = w.RemoveTrustStoreRevocations(w.ctx, &elbv2api.RemoveTrustStoreRevocationsInput{TrustStoreArn: store.TrustStoreArn, RevocationIds: []int64{5}})
	w.refused(err, "RevocationIdNotFound: The revocation ID '5' was not found")
	b := w.balancer("web")
	listen := func(protocol elbv2api.ProtocolEnum, m elbv2api.MutualAuthenticationAttributes) error {
		in := &elbv2api.CreateListenerInput{LoadBalancerArn: b.LoadBalancerArn, Protocol: protocol, Port: new(int32(443)), MutualAuthentication: &m,
			DefaultActions: []elbv2api.Action{{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: "200"}}}}
		if protocol == "HTTPS" {
			in.Certificates = []elbv2api.Certificate{{CertificateArn: known}}
		}
		_, err := w.CreateListener(w.ctx, in)
		return err
	}
	w.refused(listen("HTTPS", elbv2api.MutualAuthenticationAttributes{Mode: "verify"}), "ValidationError: A trust store ARN must be specified for the mutual authentication mode 'verify'")
	w.refused(listen("HTTPS", elbv2api.MutualAuthenticationAttributes{Mode: "verify", TrustStoreArn: store.TrustStoreArn + "0"}), "TrustStoreNotFound: Trust store '"+store.TrustStoreArn+"0' not found")
	w.refused(listen("HTTP", elbv2api.MutualAuthenticationAttributes{Mode: "passthrough"}), "ValidationError: Mutual authentication cannot be specified for listeners of protocol 'HTTP'")
}
