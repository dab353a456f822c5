package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/pki"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pushImage builds the sample image out of this binary, pushes it to the
// instance's ECR as any registry client would, and returns its URI.
func (d *demo) pushImage(ctx context.Context) (string, error) {
	uri, err := d.repository(ctx)
	if err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if err := static(self); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "neargate-demo-image-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	manifest, err := image.Build(dir, image.Spec{
		Layers: [][]image.File{{{Path: "/neargate", Source: self, Mode: 0o755}}},
		Cmd:    []string{"/neargate", "demo-app"},
	})
	if err != nil {
		return "", err
	}
	p, err := d.pusher(ctx, uri)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(d.out, "pushing the sample image to %s:%s\n", uri, demoTag)
	return uri + ":" + demoTag, p.push(ctx, dir, manifest)
}

// static refuses a binary that needs libraries: the sample image has none.
func static(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) == 0 {
		return err
	}
	return &cli.Error{What: "this binary cannot run in the sample image", Why: "it was built with CGO and needs libraries", Fix: "make build", Code: "demo.not-static"}
}

// pusher writes images to one repository.
type pusher struct {
	base   string // https://HOST/v2/REPOSITORY
	auth   string
	client *http.Client
}

func (d *demo) pusher(ctx context.Context, uri string) (*pusher, error) {
	token, err := ecrapi.NewClient(d).GetAuthorizationToken(ctx, &ecrapi.GetAuthorizationTokenRequest{})
	if err != nil {
		return nil, awsError("logging in to ECR", err)
	}
	authority, err := pki.Open(filepath.Join(d.opts.dataDir, "pki"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	address, err := d.address(ctx)
	if err != nil {
		return nil, err
	}
	// The registries of the operator's account have the same names in every
	// instance, and the machine's hosts file leads to one of them: dial our own.
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, "443"))
	}
	host, repository, _ := strings.Cut(uri, "/")
	return &pusher{
		base:   "https://" + host + "/v2/" + repository,
		auth:   "Basic " + token.AuthorizationData[0].AuthorizationToken,
		client: &http.Client{Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool}}},
	}, nil
}

// address is where the instance answers with TLS for every name that it serves.
// It is there a moment after the instance is ready.
func (d *demo) address(ctx context.Context) (string, error) {
	for try := 0; ; try++ {
		var api apiNames
		err := d.call(ctx, http.MethodGet, "/_neargate/api/names?region="+d.Region, nil, &api)
		if err == nil || try == 50 {
			return api.Address, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// push sends the blobs that the registry does not have, and the manifest.
func (p *pusher) push(ctx context.Context, dir string, manifest ocispec.Descriptor) error {
	text, err := os.ReadFile(blobPath(dir, manifest.Digest))
	if err != nil {
		return err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	for _, blob := range append(m.Layers, m.Config) {
		if err := p.blob(ctx, dir, blob); err != nil {
			return err
		}
	}
	res, err := p.do(ctx, http.MethodPut, p.base+"/manifests/"+demoTag, manifest.MediaType, strings.NewReader(string(text)), int64(len(text)))
	if err != nil {
		return err
	}
	return accepted(res, "the manifest")
}

func (p *pusher) blob(ctx context.Context, dir string, d ocispec.Descriptor) error {
	res, err := p.do(ctx, http.MethodHead, p.base+"/blobs/"+d.Digest.String(), "", nil, 0)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	res, err = p.do(ctx, http.MethodPost, p.base+"/blobs/uploads/", "", nil, 0)
	if err != nil {
		return err
	}
	if err := accepted(res, "an upload"); err != nil {
		return err
	}
	target, err := res.Location()
	if err != nil {
		return err
	}
	query := target.Query()
	query.Set("digest", d.Digest.String())
	target.RawQuery = query.Encode()
	f, err := os.Open(blobPath(dir, d.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	res, err = p.do(ctx, http.MethodPut, target.String(), "application/octet-stream", f, d.Size)
	if err != nil {
		return err
	}
	return accepted(res, "a layer")
}

func (p *pusher) do(ctx context.Context, method, url, contentType string, body io.Reader, size int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Authorization", p.auth)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return p.client.Do(req)
}

func accepted(res *http.Response, what string) error {
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	if res.StatusCode >= 300 {
		return &cli.Error{What: "the registry did not take " + what, Why: res.Status + ": " + strings.TrimSpace(string(answer)), Code: "demo.push"}
	}
	return nil
}

func blobPath(dir string, d digest.Digest) string {
	return filepath.Join(dir, "blobs", d.Algorithm().String(), d.Encoded())
}
