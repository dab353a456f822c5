package registry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/pki"
)

// BenchmarkLayer pushes and pulls a layer of 100 MB over TLS.
func BenchmarkLayer(b *testing.B) {
	authority, err := pki.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	server := newServer(b, newMemory("app"))
	url := "https://" + serveTLS(b, authority, server) + "/v2/app/blobs/"
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	data := make([]byte, 100<<20)
	d := digest.FromBytes(data)
	do := func(method, target string, body io.Reader, want int) {
		r, _ := http.NewRequest(method, target, body)
		res, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		if n, _ := io.Copy(io.Discard, res.Body); res.StatusCode != want || method == "GET" && n != int64(len(data)) {
			b.Fatal(method, res.Status, n)
		}
	}
	b.Run("push", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			server.Blobs.Delete(d)
			do("POST", url+"uploads/?digest="+d.String(), bytes.NewReader(data), http.StatusCreated)
		}
	})
	b.Run("pull", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			do("GET", url+d.String(), nil, http.StatusOK)
		}
	})
}
