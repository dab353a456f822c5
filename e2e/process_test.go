package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// id is the instance's own: part of the name of everything that it makes on the host.
func (n *instance) id(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dataDir, "id"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// processes returns the pids of processes in containers of the instance, whose
// command line ends with text.
func (n *instance) processes(t *testing.T, text string) []string {
	t.Helper()
	cgroup := "/neargate-" + n.id(t) + "/"
	var out []string
	for pid, line := range commandLines(t) {
		if !strings.HasSuffix(line, text) {
			continue
		}
		if groups, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup")); err == nil && strings.Contains(string(groups), cgroup) {
			out = append(out, pid)
		}
	}
	return out
}

// shims returns the pids of the processes that keep the instance's containers.
func (n *instance) shims(t *testing.T) []string {
	t.Helper()
	socket := "-address /run/neargate/" + n.id(t) + "/grpc.sock"
	var out []string
	for pid, line := range commandLines(t) {
		if strings.Contains(line, socket) {
			out = append(out, pid)
		}
	}
	return out
}

// commandLines returns the command line of each process by its pid.
func commandLines(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			out[filepath.Base(filepath.Dir(f))] = strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return out
}

// waitGone waits until no process of the instance's containers has a command
// line that ends with text.
func (n *instance) waitGone(t *testing.T, text string) {
	t.Helper()
	for range 600 {
		if len(n.processes(t, text)) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("a process with %q did not end", text)
}
