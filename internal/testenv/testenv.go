// Package testenv finds what tests need outside the repository: the shared
// folder of templates and protocol vectors, and root. Where something is
// missing a test is skipped with a line that says so; under CI=true it fails.
package testenv

import (
	"os"
	"path/filepath"
	"runtime"
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

// Root returns the root of this repository's checkout.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
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
