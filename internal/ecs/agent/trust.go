package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
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

// trustStores writes copies of the image's CA bundles with the local authority
// added, to be mounted over them.
func (a *Agent) trustStores(ctx context.Context, t *state.Task, container string, image runtime.Image) (trust, error) {
	var out trust
	if a.Bundle == nil {
		return out, nil
	}
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
	dir := filepath.Join(a.dir(t), "trust", container)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return out, err
	}
	for path, content := range have {
		source := filepath.Join(dir, strings.ReplaceAll(strings.Trim(path, "/"), "/", "_"))
		if err := writeFile(source, a.Bundle(content), 0o644); err != nil {
			return out, err
		}
		out.mounts = append(out.mounts, runtime.Mount{Type: runtime.Bind, Source: source, Target: path, ReadOnly: true})
		if out.bundle == "" || path < out.bundle {
			out.bundle = path // /etc sorts before the copies below /usr
		}
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
