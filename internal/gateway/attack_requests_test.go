package gateway_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
)

// TestAttackSignatures: a request counts only as it was signed.
func TestAttackSignatures(t *testing.T) {
	f := newFortress(t)
	admin := f.user(home, "admin", everything)
	if status, answer := f.query(admin, "sts", whoAmI, nil); status != 200 || !strings.Contains(answer, ":user/admin") {
		t.Fatalf("%d %s", status, answer)
	}
	authorization := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	resign := func(at time.Time) func(*http.Request) {
		return func(r *http.Request) { sigv4.Sign(r, admin, "us-east-1", "sts", []byte(whoAmI.Encode()), at) }
	}
	for name, c := range map[string]struct {
		attack func(*http.Request)
		want   string
	}{
		"signature stripped": {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
		"signature emptied":  {authorization("Signature=", "Signature=;X="), "SignatureDoesNotMatch"},
		"signature of another request": {func(r *http.Request) {
			r.Header.Set("Authorization", r.Header.Get("Authorization")[:len(r.Header.Get("Authorization"))-64]+strings.Repeat("0", 64))
		}, "SignatureDoesNotMatch"},
		"replayed after the window": {resign(time.Now().Add(-16 * time.Minute)), "Signature expired"},
		"from the future":           {resign(time.Now().Add(16 * time.Minute)), "Signature not yet current"},
		"date moved into the window": {func(r *http.Request) {
			resign(time.Now().Add(-time.Hour))(r)
			r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
		}, "SignatureDoesNotMatch"},
		"weaker hash":                  {authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "IncompleteSignature"},
		"no algorithm":                 {authorization("AWS4-HMAC-SHA256 ", ""), "IncompleteSignature"},
		"public key instead of secret": {authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "IncompleteSignature"},
		"version 2":                    {func(r *http.Request) { r.Header.Set("Authorization", "AWS "+admin.AccessKeyID+":c2ln") }, "IncompleteSignature"},
		"another user's key":           {authorization(admin.AccessKeyID, "LKIAAAAAAAAAAAAAAAAA"), "InvalidClientTokenId"},
		"another region":               {authorization("/us-east-1/", "/eu-west-1/"), "SignatureDoesNotMatch"},
		"another service":              {authorization("/sts/", "/iam/"), "InvalidAction"},
		"host left out":                {authorization("host;", ""), "SignatureDoesNotMatch"},
		"host changed":                 {func(r *http.Request) { r.Host = "sts.evil.example" }, "SignatureDoesNotMatch"},
		"body exchanged": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("Action=GetSessionToken&Version=2011-06-15"))
		}, "SignatureDoesNotMatch"},
		"query added":    {func(r *http.Request) { r.URL.RawQuery = "Action=GetSessionToken" }, "SignatureDoesNotMatch"},
		"path added":     {func(r *http.Request) { r.URL.Path = "/x" }, "SignatureDoesNotMatch"},
		"token added":    {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, "InvalidClientTokenId"},
		"two signatures": {func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "IncompleteSignature"},
		"two dates":      {func(r *http.Request) { r.Header.Add("X-Amz-Date", "20200101T000000Z") }, "SignatureDoesNotMatch"},
		"signature in header and query": {func(r *http.Request) {
			r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&X-Amz-Credential=x"
		}, "IncompleteSignature"},
		"unsigned header of AWS's":           {func(r *http.Request) { r.Header.Set("X-Amz-Source-Account", other) }, "must be a &#39;SignedHeader&#39;"},
		"a digest that the body has not":     {func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("a", 64)) }, "SignatureDoesNotMatch"},
		"forwarded as if it were loopback's": {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1"); r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
	} {
		status, answer := f.query(admin, "sts", whoAmI, c.attack)
		f.refused(name, status, strings.ReplaceAll(answer, "'", "&#39;"), c.want)
	}
}

// TestAttackTargets: what was signed for one operation is not another's.
func TestAttackTargets(t *testing.T) {
	f := newFortress(t)
	admin := f.user(home, "admin", everything)
	for name, c := range map[string]struct {
		attack func(*http.Request)
		want   string
	}{
		"another operation": {func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DeleteCluster")
		}, "InvalidSignatureException"},
		"two operations": {func(r *http.Request) {
			r.Header.Add("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DeleteCluster")
		}, "InvalidSignatureException"},
		"another body": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"cluster":"x"}`)) }, "InvalidSignatureException"},
	} {
		status, answer := f.json(admin, "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters", "{}", c.attack)
		f.refused(name, status, answer, c.want)
	}
}

// TestAttackPaths: however a key is spelled, the object of that key is meant,
// and permission is asked for exactly that.
func TestAttackPaths(t *testing.T) {
	f := newFortress(t)
	admin := f.user(home, "admin", everything)
	if status, answer := f.s3(admin, "PUT", "/vault", "", nil); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	for _, key := range []string{"/vault/public/a", "/vault/secret/b"} {
		if status, answer := f.s3(admin, "PUT", key, "text of "+key, nil); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	guest := f.user(home, "guest", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::vault/public/*"}`)
	if status, answer := f.s3(guest, "GET", "/vault/public/a", "", nil); status != 200 || answer != "text of /vault/public/a" {
		t.Fatalf("%d %s", status, answer)
	}
	for _, path := range []string{
		"/vault/secret/b", "/vault/public/../secret/b", "/vault/public/%2e%2e/secret/b", "/vault/public/..%2fsecret/b", "/vault/public%2f..%2fsecret%2fb",
		"/vault/public/%252e%252e/secret/b", "/vault//public/../../vault/secret/b", "/vault/./secret/b", "/vault/secret%2Fb", "/vault/%73ecret/b", "/vault/public/a/../../secret/b",
		"/vault/public/%00/../secret/b", "/vault\\secret\\b",
	} {
		status, answer := f.s3(guest, "GET", path, "", nil)
		if status < 400 || strings.Contains(answer, "text of /vault/secret") {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	// Signed for one path, sent to another.
	for _, path := range []string{"/vault/secret/b", "/vault/public/a/", "/vault/public/%61"} {
		status, answer := f.s3(admin, "GET", "/vault/public/a", "", func(r *http.Request) {
			u, err := url.Parse("http://s3.us-east-1.amazonaws.com" + path)
			f.must(err)
			r.URL = u
		})
		if path == "/vault/public/%61" { // the same key: clients differ in what they escape
			continue
		}
		f.refused("sent to "+path, status, answer, "SignatureDoesNotMatch")
	}
}
