package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
)

// hostListing is everything on the host that an instance could leave behind,
// without what other instances on the machine come and go with: for those the
// id in the name tells, which own says is ours.
func hostListing(t *testing.T, own func(id string) bool) []string {
	t.Helper()
	var out []string
	add := func(kind string, lines ...string) {
		for _, l := range lines {
			if l = strings.TrimSpace(l); l != "" && !foreign(kind, l, own) {
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
	add("nftables", blocks(command("nft", "list", "ruleset"), func(l string) bool { return strings.HasPrefix(l, "table ") }, func(l string) bool { return l == "}" })...)
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
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	add("/etc/hosts", blocks(strings.Split(string(hosts), "\n"), func(l string) bool { return strings.HasPrefix(l, "# BEGIN neargate") }, func(l string) bool { return strings.HasPrefix(l, "# END neargate") })...)
	for _, file := range []string{"/proc/sys/net/ipv4/ip_forward", "/etc/ssl/certs/ca-certificates.crt", "/root/.docker/config.json"} {
		if b, err := os.ReadFile(file); err == nil {
			add(file, fmt.Sprintf("%x", sha256.Sum256(b)))
		}
	}
	for _, dir := range []string{"/etc", "/run/neargate", "/run/netns", "/etc/ssl/certs", "/usr/local/share/ca-certificates", "/etc/containers", "/etc/containers/certs.d", "/etc/docker", "/etc/docker/certs.d"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			add(dir, e.Name())
		}
	}
	for _, line := range commandLines(t) {
		add("process", line)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// blocks makes one line of each block of lines.
func blocks(lines []string, begins, ends func(string) bool) []string {
	var out, block []string
	for _, l := range lines {
		switch {
		case begins(l):
			block = []string{l}
		case block == nil:
			out = append(out, l)
		default:
			block = append(block, l)
		}
		if block != nil && ends(l) {
			out, block = append(out, strings.Join(block, "; ")), nil
		}
	}
	return append(out, block...)
}

var (
	// An instance's id in a name that Neargate gives.
	idPattern = regexp.MustCompile(`(?:\bng-|\bng|neargate-|/run/neargate/|# BEGIN neargate )([0-9a-f]{6})(?:\b|u[0-9a-f]+\b)`)
	ourKinds  = regexp.MustCompile(`neargate|containerd-shim|runc`)
)

// foreign reports whether a line of the listing is none of our business.
func foreign(kind, line string, own func(id string) bool) bool {
	switch kind {
	case "process":
		// Programs of others come and go, and so do those that look after or build Neargate.
		m := idPattern.FindStringSubmatch(line)
		return !ourKinds.MatchString(line) || m == nil || !own(m[1])
	case "/run/neargate":
		return !own(line)
	case "/etc", "/etc/ssl/certs", "/usr/local/share/ca-certificates":
		return !strings.Contains(line, "neargate")
	}
	if kind == "mount" && strings.Contains(line, "/containerd/") && !strings.Contains(line, "TestDownRestores") {
		return true // in another instance's data directory
	}
	if kind == "cgroup" && strings.Contains(line, "/neargate-t-") || kind == "mount" && strings.Contains(line, "/run/neargate/t-") {
		return true // of tests of other packages, which run beside this one
	}
	m := idPattern.FindStringSubmatch(line)
	return m != nil && !own(m[1])
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
			n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
			ours := ""
			own := func(id string) bool { return id == ours }
			before := hostListing(t, own)
			if err := n.start(); err != nil {
				t.Fatal(err)
			}
			ours = n.id(t)
			a := n.newAccount(t)
			image := a.push(busyboxArchive(t, a.dir, "sleep", "1000"), "app", "1")
			role := a.executionRole("execution")
			definition := a.register(fmt.Sprintf(`{"family":"app","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,"containerDefinitions":[{"name":"c","image":%q}]}`, role, image))
			a.runTask(definition, "RUNNING")
			if trusted, err := n.command("trust").CombinedOutput(); err != nil {
				t.Errorf("trust: %v\n%s", err, trusted)
			}
			processes := append(n.processes(t, ""), n.shims(t)...)
			if len(processes) != 2 {
				t.Errorf("processes of the task: %v, want the container's and its shim", processes)
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
			// What the kernel takes apart by itself may need a moment, and so may init
			// for processes whose parent was killed.
			var problems []string
			for range 50 {
				problems = differences(before, hostListing(t, own))
				for pid, line := range commandLines(t) {
					if slices.Contains(processes, pid) || strings.Contains(line, n.dataDir) {
						problems = append(problems, "left behind: process "+pid+": "+line)
					}
				}
				if len(problems) == 0 {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}

// differences tells what is in one listing only.
func differences(before, after []string) []string {
	var out []string
	for _, l := range after {
		if !slices.Contains(before, l) {
			out = append(out, "left behind: "+l)
		}
	}
	for _, l := range before {
		// Another instance may just have been changing /etc/hosts; its note goes by itself.
		if !slices.Contains(after, l) && !strings.HasSuffix(l, "/etc: .hosts.neargate~") {
			out = append(out, "gone: "+l)
		}
	}
	return out
}
