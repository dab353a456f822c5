package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/neargate/neargate/internal/runtime"
)

// bundlePaths are where images keep the certificates that they trust: Debian
// and Alpine, Red Hat, SUSE, and the copies that Python packages bring along.
var bundlePaths = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/usr/lib/python3*/*-packages/certifi/cacert.pem", "/usr/local/lib/python3*/*-packages/certifi/cacert.pem",
	"/usr/lib/python3*/*-packages/botocore/cacert.pem", "/usr/local/lib/python3*/*-packages/botocore/cacert.pem",
}

// hostBundles are where this machine keeps its own, for images without any.
var hostBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

const plainBundle = "/etc/ssl/certs/ca-certificates.crt"

// trust is what lets the software of a container verify the names of AWS.
type trust struct {
	mounts []runtime.Mount
	// bundle is the path in the container of a bundle with everything in it.
	bundle string
	// alone says that the image has no bundle of its own.
	alone bool
}

// trustStores returns what lets the software of an image verify the names of
// AWS: copies of its CA bundles with the local authority added, to be mounted
// over them. They are made once per image and shared by all its containers.
func (a *Agent) trustStores(ctx context.Context, image runtime.Image) (trust, error) {
	if a.Bundle == nil {
		return trust{}, nil
	}
	a.trusting.Lock()
	defer a.trusting.Unlock()
	if have, ok := a.trusts[image.Digest]; ok {
		return have, nil
	}
	out, err := a.makeTrust(ctx, image)
	if err == nil {
		a.trusts[image.Digest] = out
	}
	return out, err
}

func (a *Agent) makeTrust(ctx context.Context, image runtime.Image) (trust, error) {
	var out trust
	have := map[string][]byte{}
	if a.Files != nil {
		var err error
		if have, err = a.Files.ImageFiles(ctx, image.Digest, bundlePaths); err != nil {
			return out, err
		}
	}
	if len(have) == 0 {
		out.alone = true
		have = map[string][]byte{plainBundle: hostBundle()}
	}
	for _, path := range slices.Sorted(maps.Keys(have)) {
		merged := a.Bundle(have[path])
		sum := sha256.Sum256(merged)
		source := filepath.Join(a.Dir, "trust", hex.EncodeToString(sum[:])) // its name says what is in it
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return out, err
		}
		if err := writeFile(source, merged, 0o644); err != nil {
			return out, err
		}
		if out.bundle == "" {
			out.bundle = path // the first: /etc sorts before the copies below /usr
		}
		out.mounts = append(out.mounts, runtime.Mount{Type: runtime.Bind, Source: source, Target: path, ReadOnly: true})
	}
	return out, nil
}

func hostBundle() []byte {
	for _, path := range hostBundles {
		if content, err := os.ReadFile(path); err == nil {
			return content
		}
	}
	return nil
}

// environment are the variables by which software finds the bundle. Those that
// the image or the task definition sets are left alone.
func (tr trust) environment(set func(string) bool) []string {
	if tr.bundle == "" {
		return nil
	}
	names := []string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
	if tr.alone {
		names = append(names, "SSL_CERT_FILE")
	}
	var out []string
	for _, name := range names {
		if !set(name) {
			out = append(out, name+"="+tr.bundle)
		}
	}
	return out
}

// writeFile writes a file by rename, so that it is there whole or not at all. A
// file that is there already stays: a container may have it mounted.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
