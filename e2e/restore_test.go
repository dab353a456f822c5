package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

// hostListing is everything on the host that an instance could leave behind.
func hostListing(t *testing.T) []string {
	t.Helper()
	var out []string
	add := func(kind string, lines ...string) {
		for _, l := range lines {
			if l = strings.TrimSpace(l); l != "" {
				out = append(out, kind+": "+l)
			}
		}
	}
	command := func(name string, args ...string) []string {
		b, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			testenv.Missing(t, fmt.Sprintf("%s: %v", name, err))
		}
		return strings.Split(string(b), "\n")
	}
	add("namespace", command("ip", "netns", "list")...)
	add("link", command("ip", "-brief", "link")...)
	add("address", command("ip", "-brief", "address")...)
	add("route", command("ip", "route", "show", "table", "all")...)
	add("rule", command("ip", "rule")...)
	add("nftables", command("nft", "list", "ruleset")...)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	add("mount", strings.Split(string(mounts), "\n")...)
	filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			add("cgroup", path)
		}
		return nil
	})
	for _, file := range []string{"/etc/hosts", "/proc/sys/net/ipv4/ip_forward"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		add(file, strings.Split(string(b), "\n")...)
	}
	for _, dir := range []string{"/run/neargate", "/run/netns", "/usr/local/share/ca-certificates", "/etc/containers/certs.d", "/etc/docker/certs.d"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			add(dir, e.Name())
		}
	}
	for _, line := range command("ps", "-eo", "args") {
		if strings.Contains(line, "neargate") || strings.Contains(line, "containerd-shim") || strings.Contains(line, "runc") {
			add("process", line)
		}
	}
	slices.Sort(out)
	return out
}

// TestDownRestoresTheMachine compares the host before and after, also when the
// daemon was killed in the middle of its work.
func TestDownRestoresTheMachine(t *testing.T) {
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	for name, kill := range map[string]bool{"after SIGTERM": false, "after kill -9": true} {
		t.Run(name, func(t *testing.T) {
			before := hostListing(t)
			n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
			if err := n.start(); err != nil {
				t.Fatal(err)
			}
			a := n.newAccount(t)
			image := a.push(busyboxArchive(t, a.dir, "sleep", "1000"), "app", "1")
			role := a.executionRole("execution")
			definition := a.register(fmt.Sprintf(`{"family":"app","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,"containerDefinitions":[{"name":"c","image":%q}]}`, role, image))
			a.runTask(definition, "RUNNING")
			if trusted, err := n.command("trust").CombinedOutput(); err != nil {
				t.Errorf("trust: %v\n%s", err, trusted)
			}
			if kill {
				n.kill()
			} else {
				n.stop()
			}
			if out, err := n.command("down", "--data").CombinedOutput(); err != nil {
				t.Fatalf("down: %v\n%s", err, out)
			}
			if _, err := os.Stat(n.dataDir); !os.IsNotExist(err) {
				t.Errorf("the data directory is still there: %v", err)
			}
			after := hostListing(t)
			for _, l := range after {
				if !slices.Contains(before, l) {
					t.Errorf("left behind: %s", l)
				}
			}
			for _, l := range before {
				if !slices.Contains(after, l) {
					t.Errorf("gone: %s", l)
				}
			}
		})
	}
}
