// Package testenv finds what tests need outside the repository: the shared
// folder of templates and protocol vectors, and root. Where something is
// missing a test is skipped with a line that says so; under CI=true it fails.
package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the shared folder: NEARGATE_SHARED, or "shared" beside the checkout.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("NEARGATE_SHARED")
	if dir == "" {
		dir = filepath.Join(Root(), "..", "shared")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		Missing(t, "shared folder (set NEARGATE_SHARED): "+err.Error())
	}
	return path
}

// Root returns the root of this repository's checkout: the folder of go.mod, at
// or above the package whose tests run.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			panic("testenv: no go.mod above the working directory")
		}
		dir = above
	}
}

// NeedRoot skips (in CI: fails) a test that needs root, namespaces and nftables.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root")
	}
}

// Missing skips the test because something is not there; in CI it fails it.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("skipped, missing: %s", what)
}
