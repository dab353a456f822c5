package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const certificates = `
resource "aws_acm_certificate" "dns" {
  domain_name               = "shop.example"
  subject_alternative_names = ["*.shop.example", "shop.test"]
  validation_method         = "DNS"
  tags                      = { app = "TAG" }
  lifecycle { create_before_destroy = true }
}
resource "aws_acm_certificate_validation" "dns" {
  certificate_arn         = aws_acm_certificate.dns.arn
  validation_record_fqdns = [for o in aws_acm_certificate.dns.domain_validation_options : o.resource_record_name]
}
resource "aws_acm_certificate" "mail" {
  domain_name       = "a.mail.example"
  validation_method = "EMAIL"
  key_algorithm     = "EC_prime256v1"
  options { certificate_transparency_logging_preference = "LOGGING" }
  validation_option {
    domain_name       = "a.mail.example"
    validation_domain = "mail.example"
  }
}
resource "aws_acm_certificate" "own" {
  certificate_body = file("${path.module}/own.crt")
  private_key      = file("${path.module}/own.key")
}
data "aws_acm_certificate" "dns" {
  domain     = aws_acm_certificate_validation.dns.id != "" ? "shop.example" : ""
  statuses   = ["ISSUED"]
  depends_on = [aws_acm_certificate_validation.dns]
}
output "found" { value = data.aws_acm_certificate.dns.arn }
output "validated" { value = aws_acm_certificate_validation.dns.certificate_arn }
output "own" { value = aws_acm_certificate.own.arn }
`

// TestCertificatesByTerraform: requested, validated and imported certificates are
// applied, changed, imported into a state and destroyed.
func TestCertificatesByTerraform(t *testing.T) {
	t.Parallel()
	text := func(tag, logging string) string {
		return strings.ReplaceAll(strings.ReplaceAll(certificates, "TAG", tag), "LOGGING", logging)
	}
	tf := newTerraform(newAccount(t), text("one", "ENABLED"))
	selfSigned(t, tf.folder, "own.example")
	tf.apply()
	var out struct{ Found, Validated, Own struct{ Value string } }
	if err := json.Unmarshal([]byte(tf.run("output", "-json")), &out); err != nil {
		t.Fatal(err)
	}
	arn := out.Found.Value
	if arn != out.Validated.Value || !strings.HasPrefix(arn, "arn:aws:acm:eu-west-1:"+tf.ID+":certificate/") {
		t.Errorf("%+v", out)
	}
	serial := func() string {
		return tf.aws("acm", "describe-certificate", "--certificate-arn", out.Own.Value, "--query", "Certificate.Serial", "--output", "text")
	}
	first := serial()
	selfSigned(t, tf.folder, "own.example") // the same name with another key: imported again under its ARN
	tf.config(text("two", "DISABLED"))
	tf.run("state", "rm", "aws_acm_certificate.dns")
	tf.run("import", "-input=false", "-no-color", "aws_acm_certificate.dns", arn)
	tf.apply()
	if serial() == first {
		t.Error("the second import changed nothing")
	}
	tf.destroy()
	left := awsJSON[struct{ CertificateSummaryList []any }](tf.account, "acm", "list-certificates", "--includes", "keyTypes=RSA_2048,EC_prime256v1")
	if len(left.CertificateSummaryList) != 0 {
		t.Errorf("left: %v", left)
	}
}

// selfSigned writes own.crt and own.key.
func selfSigned(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"own.crt": {Type: "CERTIFICATE", Bytes: der}, "own.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
