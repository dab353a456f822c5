package acm_test

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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const acct = "111111111111"

type world struct {
	*acm.Service
	t         *testing.T
	ctx       context.Context
	db        *store.DB
	authority *pki.Authority
	now       time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1")), db: db, authority: authority, now: time.Now()}
	w.Service = acm.New(acm.Options{
		DB: db, Sealer: seal.Temporary(), Authority: authority, Now: func() time.Time { return w.now },
	})
	return w
}

func (w *world) request(in acmapi.RequestCertificateRequest) string {
	w.t.Helper()
	out, err := w.RequestCertificate(w.ctx, &in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.CertificateArn
}

func (w *world) describe(arn string) *acmapi.CertificateDetail {
	w.t.Helper()
	out, err := w.DescribeCertificate(w.ctx, &acmapi.DescribeCertificateRequest{CertificateArn: arn})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Certificate
}

func refusal(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// shake does a TLS handshake in memory and returns what the client was given.
func (w *world) shake(arn, name string) *x509.Certificate {
	w.t.Helper()
	certificate, err := w.TLS(arn)
	if err != nil {
		w.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.authority.PEM())
	here, there := net.Pipe()
	defer here.Close()
	go tls.Server(there, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}).Handshake()
	client := tls.Client(here, &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err := client.Handshake(); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return client.ConnectionState().PeerCertificates[0]
}

func TestARequestedCertificateServesItsNames(t *testing.T) {
	w := newWorld(t)
	arn := w.request(acmapi.RequestCertificateRequest{
		DomainName: "example.com", SubjectAlternativeNames: []string{"*.example.com", "Example.com", "other.example"}, ValidationMethod: acmapi.ValidationMethodDns,
	})
	d := w.describe(arn)
	if d.Status != acmapi.CertificateStatusIssued || d.Type != acmapi.CertificateTypeAmazonIssued || d.KeyAlgorithm != acmapi.KeyAlgorithmRsa2048 || d.SignatureAlgorithm != "SHA256WITHECDSA" ||
		d.Subject != "CN=example.com" || d.Issuer != "Neargate" || d.RenewalEligibility != acmapi.RenewalEligibilityIneligible || len(d.InUseBy) != 0 {
		t.Errorf("%+v", d)
	}
	if want := []string{"example.com", "*.example.com", "other.example"}; !slices.Equal(d.SubjectAlternativeNames, want) {
		t.Errorf("names %q", d.SubjectAlternativeNames)
	}
	var records []string
	for _, v := range d.DomainValidationOptions {
		records = append(records, v.ResourceRecord.Name)
		if v.ValidationStatus != acmapi.DomainStatusSuccess || !strings.HasSuffix(v.ResourceRecord.Value, ".acm-validations.aws.") || v.ResourceRecord.Type != "CNAME" {
			t.Errorf("validation %+v of %s", v.ResourceRecord, v.DomainName)
		}
	}
	if records[0] != records[1] || records[0] == records[2] || !strings.HasSuffix(records[0], ".example.com.") {
		t.Errorf("a name and its wildcard share a record, others do not: %q", records)
	}
	if got := fmt.Sprint(d.KeyUsages, d.ExtendedKeyUsages); got != "[{DIGITAL_SIGNATURE} {KEY_ENCIPHERMENT}] [{TLS_WEB_SERVER_AUTHENTICATION 1.3.6.1.5.5.7.3.1} {TLS_WEB_CLIENT_AUTHENTICATION 1.3.6.1.5.5.7.3.2}]" {
		t.Error(got)
	}
	for _, name := range []string{"example.com", "www.example.com", "other.example"} {
		w.shake(arn, name)
	}
	out, err := w.GetCertificate(w.ctx, &acmapi.GetCertificateRequest{CertificateArn: arn})
	if err != nil || out.CertificateChain != string(w.authority.PEM()) || strings.Count(out.Certificate, "BEGIN CERTIFICATE") != 1 {
		t.Errorf("GetCertificate: %v, %+v", err, out)
	}
	for c := range state.Certificates.All(w.db.Read(), "") {
		if _, err := x509.ParsePKCS8PrivateKey(c.SealedKey); err == nil {
			t.Error("the key is stored in the clear")
		}
	}
}

func TestMailIsSentToTheValidationDomain(t *testing.T) {
	w := newWorld(t)
	arn := w.request(acmapi.RequestCertificateRequest{DomainName: "a.b.example", DomainValidationOptions: []acmapi.DomainValidationOption{{DomainName: "a.b.example", ValidationDomain: "b.example"}}})
	v := w.describe(arn).DomainValidationOptions[0]
	if v.ValidationMethod != "EMAIL" || v.ValidationDomain != "b.example" || !slices.Contains(v.ValidationEmails, "hostmaster@b.example") || v.ResourceRecord != nil {
		t.Errorf("%+v", v)
	}
	_, err := w.RequestCertificate(w.ctx, &acmapi.RequestCertificateRequest{DomainName: "a.example", DomainValidationOptions: []acmapi.DomainValidationOption{{DomainName: "a.example", ValidationDomain: "b.example"}}})
	refusal(t, err, "InvalidDomainValidationOptionsException")
}

func TestTheSameTokenMakesOneCertificate(t *testing.T) {
	w := newWorld(t)
	in := acmapi.RequestCertificateRequest{DomainName: "a.example", IdempotencyToken: "t"}
	first := w.request(in)
	if again := w.request(in); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	other := in
	other.SubjectAlternativeNames = []string{"b.example"}
	if w.request(other) == first {
		t.Error("another request with the same token gave the same certificate")
	}
	w.now = w.now.Add(61 * time.Minute)
	if w.request(in) == first {
		t.Error("tokens count for an hour")
	}
}

func TestWhatIsNotCarriedOutIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	for want, in := range map[string]acmapi.RequestCertificateRequest{
		"AWS Private CA":               {DomainName: "a.example", CertificateAuthorityArn: "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/1"},
		"ManagedBy CLOUDFRONT":         {DomainName: "a.example", ManagedBy: "CLOUDFRONT"},
		"ValidationMethod HTTP":        {DomainName: "a.example", ValidationMethod: "HTTP"},
		"Options.Export ENABLED":       {DomainName: "a.example", Options: &acmapi.CertificateOptions{Export: "ENABLED"}},
		"RSA_4096 is not supported":    {DomainName: "a.example", KeyAlgorithm: "RSA_4096"},
		"Duplicate tag key":            {DomainName: "a.example", Tags: []acmapi.Tag{{Key: "a"}, {Key: "a"}}},
		"tag keys can't start with \"": {DomainName: "a.example", Tags: []acmapi.Tag{{Key: "aws:x"}}},
	} {
		_, err := w.RequestCertificate(w.ctx, &in)
		refusal(t, err, want)
	}
}

func TestAUsedCertificateIsRenewedAndCannotBeDeleted(t *testing.T) {
	w := newWorld(t)
	used, unused := w.request(acmapi.RequestCertificateRequest{DomainName: "a.example", KeyAlgorithm: "EC_prime256v1"}), w.request(acmapi.RequestCertificateRequest{DomainName: "b.example"})
	balancer := "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/x/1"
	err := w.db.Write(w.ctx, func(tx *store.Tx) error {
		for _, listener := range []string{"1", "2"} {
			state.Listeners.Put(tx, &state.Listener{Account: acct, Region: "eu-west-1", Path: "app/x/1/" + listener, Certificates: []string{used}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.shake(used, "a.example")
	w.now = w.now.Add(152 * 24 * time.Hour)
	if err := acm.RenewDue(w.Service, w.ctx); err != nil {
		t.Fatal(err)
	}
	if d := w.describe(used); d.RenewalSummary != nil {
		t.Errorf("renewed 46 days before the end: %+v", d.RenewalSummary)
	}
	w.now = w.now.Add(2 * 24 * time.Hour)
	if err := acm.RenewDue(w.Service, w.ctx); err != nil {
		t.Fatal(err)
	}
	d := w.describe(used)
	if d.RenewalSummary == nil || d.RenewalSummary.RenewalStatus != "SUCCESS" || d.RenewalEligibility != "ELIGIBLE" || !slices.Equal(d.InUseBy, []string{balancer}) || d.NotAfter.Sub(w.now) < 190*24*time.Hour {
		t.Errorf("%+v", d)
	}
	if after, err := w.TLS(used); err != nil || after.Leaf.Equal(before) {
		t.Errorf("the old certificate is served after the renewal (%v)", err)
	}
	refusal(t, w.DeleteCertificate(w.ctx, &acmapi.DeleteCertificateRequest{CertificateArn: used}), "ResourceInUseException: Certificate "+used+" in account "+acct+" is in use.")
	w.now = w.now.Add(60 * 24 * time.Hour)
	if err := acm.RenewDue(w.Service, w.ctx); err != nil {
		t.Fatal(err)
	}
	if d := w.describe(unused); d.Status != acmapi.CertificateStatusExpired || d.RenewalSummary != nil {
		t.Errorf("a certificate that nobody uses expires: %+v", d)
	}
	if err := w.DeleteCertificate(w.ctx, &acmapi.DeleteCertificateRequest{CertificateArn: unused}); err != nil {
		t.Error(err)
	}
	_, err = w.DescribeCertificate(w.ctx, &acmapi.DescribeCertificateRequest{CertificateArn: unused})
	refusal(t, err, "ResourceNotFoundException: Could not find certificate "+unused)
	if _, err := w.TLS(unused); err == nil {
		t.Error("a deleted certificate is served")
	}
}

// pair makes a certificate, signed by another or by itself, and its key as PEM.
func pair(t *testing.T, change func(*x509.Certificate), by *x509.Certificate, byKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: "own.example", Organization: []string{"Own"}}, DNSNames: []string{"own.example", "www.own.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	if by == nil {
		by, byKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), byKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return c, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

func TestImportsAreChecked(t *testing.T) {
	w := newWorld(t)
	root, rootKey, rootPEM, _ := pair(t, func(c *x509.Certificate) { c.Subject.CommonName = "Root" }, nil, nil)
	middle, middleKey, middlePEM, _ := pair(t, func(c *x509.Certificate) { c.Subject.CommonName = "Middle" }, root, rootKey)
	_, _, body, key := pair(t, nil, middle, middleKey)
	_, _, self, selfKey := pair(t, nil, nil, nil)
	_, _, old, oldKey := pair(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, nil, nil)
	for name, c := range map[string]struct {
		in   acmapi.ImportCertificateRequest
		want string
	}{
		"chain":             {acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key, CertificateChain: slices.Concat(middlePEM, rootPEM)}, ""},
		"chain without end": {acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key, CertificateChain: middlePEM}, ""},
		"self-signed":       {acmapi.ImportCertificateRequest{Certificate: self, PrivateKey: selfKey}, ""},
		"no chain":          {acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key}, "Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain."},
		"chain in disorder": {acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key, CertificateChain: slices.Concat(rootPEM, middlePEM)}, "The index within the chain of the invalid certificate is: 0"},
		"gap in the chain":  {acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key, CertificateChain: slices.Concat(middlePEM, self)}, "invalid certificate is: 1"},
		"bundle as body":    {acmapi.ImportCertificateRequest{Certificate: slices.Concat(body, middlePEM), PrivateKey: key}, "The certificate field contains more than one certificate. You can specify only one certificate in this field."},
		"wrong key":         {acmapi.ImportCertificateRequest{Certificate: self, PrivateKey: key}, "The private key does not match the certificate."},
		"no key":            {acmapi.ImportCertificateRequest{Certificate: self, PrivateKey: []byte("x")}, "The private key is not supported."},
		"no certificate":    {acmapi.ImportCertificateRequest{Certificate: []byte("x"), PrivateKey: key}, "Unable to parse certificate. Please ensure the certificate is in PEM format."},
		"expired":           {acmapi.ImportCertificateRequest{Certificate: old, PrivateKey: oldKey}, "expired"},
		"of no certificate": {acmapi.ImportCertificateRequest{CertificateArn: "arn:aws:acm:eu-west-1:111111111111:certificate/1", Certificate: self, PrivateKey: selfKey}, "ResourceNotFoundException"},
	} {
		_, err := w.ImportCertificate(w.ctx, &c.in)
		if c.want != "" {
			refusal(t, err, c.want)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnImportIsReplacedUnderItsARN(t *testing.T) {
	w := newWorld(t)
	first, _, body, key := pair(t, nil, nil, nil)
	out, err := w.ImportCertificate(w.ctx, &acmapi.ImportCertificateRequest{Certificate: body, PrivateKey: key, Tags: []acmapi.Tag{{Key: "a", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	d := w.describe(out.CertificateArn)
	if d.Type != "IMPORTED" || d.DomainName != "own.example" || d.Serial != "ff" || d.Issuer != "Own" || d.Subject != "CN=own.example,O=Own" || d.ImportedAt.IsZero() || !d.IssuedAt.IsZero() ||
		d.Options.CertificateTransparencyLoggingPreference != "DISABLED" || len(d.DomainValidationOptions) != 0 || fmt.Sprint(d.KeyUsages, d.ExtendedKeyUsages) != "[{ANY}] [{NONE }]" {
		t.Errorf("%+v", d)
	}
	_, _, body, key = pair(t, nil, nil, nil)
	in := &acmapi.ImportCertificateRequest{CertificateArn: out.CertificateArn, Certificate: body, PrivateKey: key}
	if _, err := w.ImportCertificate(w.ctx, in); err != nil {
		t.Fatal(err)
	}
	if now, err := w.TLS(out.CertificateArn); err != nil || now.Leaf.Equal(first) {
		t.Errorf("the old certificate is served (%v)", err)
	}
	tags, err := w.ListTagsForCertificate(w.ctx, &acmapi.ListTagsForCertificateRequest{CertificateArn: out.CertificateArn})
	if err != nil || fmt.Sprint(tags.Tags) != "[{a 1}]" {
		t.Errorf("tags %v, %v", tags, err)
	}
	in.CertificateArn = w.request(acmapi.RequestCertificateRequest{DomainName: "a.example"})
	_, err = w.ImportCertificate(w.ctx, in)
	refusal(t, err, "is not an imported certificate")
}

func TestListsHaveUsualKeysAndPages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.now = w.now.Add(time.Second)
		w.request(acmapi.RequestCertificateRequest{DomainName: fmt.Sprintf("n%d.example", i)})
	}
	w.request(acmapi.RequestCertificateRequest{DomainName: "ec.example", KeyAlgorithm: "EC_prime256v1"})
	list := func(in acmapi.ListCertificatesRequest) string {
		t.Helper()
		var names []string
		for {
			out, err := w.ListCertificates(w.ctx, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range out.CertificateSummaryList {
				names = append(names, strings.TrimSuffix(c.DomainName, ".example"))
			}
			if out.NextToken == "" {
				return strings.Join(names, " ")
			}
			names, in.NextToken = append(names, "|"), out.NextToken
		}
	}
	two := int32(2)
	for want, in := range map[string]acmapi.ListCertificatesRequest{
		"n0 n1 n2 n3 n4":     {},
		"n0 n1 | n2 n3 | n4": {MaxItems: &two},
		"n4 n3 | n2 n1 | n0": {MaxItems: &two, SortBy: "CREATED_AT", SortOrder: "DESCENDING"},
		"ec":                 {Includes: &acmapi.Filters{KeyTypes: []acmapi.KeyAlgorithm{"EC_prime256v1"}}},
		"":                   {CertificateStatuses: []acmapi.CertificateStatus{"EXPIRED"}},
	} {
		if got := list(in); got != want {
			t.Errorf("%+v: %q, want %q", in, got, want)
		}
	}
}

func TestTagsAndOptions(t *testing.T) {
	w := newWorld(t)
	arn := w.request(acmapi.RequestCertificateRequest{DomainName: "a.example", Tags: []acmapi.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}})
	if err := w.AddTagsToCertificate(w.ctx, &acmapi.AddTagsToCertificateRequest{CertificateArn: arn, Tags: []acmapi.Tag{{Key: "c", Value: "3"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTagsFromCertificate(w.ctx, &acmapi.RemoveTagsFromCertificateRequest{CertificateArn: arn, Tags: []acmapi.Tag{{Key: "a"}, {Key: "b", Value: "other"}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := w.ListTagsForCertificate(w.ctx, &acmapi.ListTagsForCertificateRequest{CertificateArn: arn})
	if err != nil || fmt.Sprint(tags.Tags) != "[{b 2} {c 3}]" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if err := w.UpdateCertificateOptions(w.ctx, &acmapi.UpdateCertificateOptionsRequest{CertificateArn: arn, Options: &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: "DISABLED"}}); err != nil {
		t.Fatal(err)
	}
	if got := w.describe(arn).Options.CertificateTransparencyLoggingPreference; got != "DISABLED" {
		t.Errorf("preference %s", got)
	}
}
