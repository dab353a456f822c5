package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// containerProcesses returns the pids of processes whose command line contains text.
func containerProcesses(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		line := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		if err == nil && strings.HasSuffix(line, text) {
			out = append(out, filepath.Base(filepath.Dir(f)))
		}
	}
	return out
}

// waitGone waits until no process has text in its command line.
func waitGone(t *testing.T, text string) {
	t.Helper()
	for range 600 {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		found := false
		for _, f := range files {
			b, _ := os.ReadFile(f)
			found = found || strings.Contains(strings.ReplaceAll(string(b), "\x00", " "), text)
		}
		if !found {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("a process with %q did not end", text)
}
