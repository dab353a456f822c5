package runtimetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/runtime"
)

func itoa(n int) string { return strconv.Itoa(n) }

// output runs a container to its end and returns what it printed.
func (s *suite) output(t *testing.T, args []string, change ...func(*runtime.ContainerSpec)) (string, runtime.Container) {
	t.Helper()
	spec := s.run(t, args, change...)
	c := s.stopped(t, spec.ID)
	must(t, s.Runtime.Remove(t.Context(), spec.ID)) // all output is in the file then
	content, err := os.ReadFile(spec.LogPath)
	must(t, err)
	return string(content), c
}

// wantLines checks that the output has all the lines.
func wantLines(t *testing.T, output string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+output, "\n"+line+"\n") {
			t.Errorf("no line %q in:\n%s", line, output)
		}
	}
}

func (s *suite) environment(t *testing.T) {
	s.real(t)
	out, _ := s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) {
		c.Environment = []string{"BOTH=container", "ADDED=1"}
		c.Hostname = "ip-10-0-1-10"
	})
	wantLines(t, out, "hostname=ip-10-0-1-10", "cwd=/tmp", "uid=0", "pid=1", "Seccomp=2", "NoNewPrivs=0",
		"env FROM_IMAGE=yes", "env BOTH=container", "env ADDED=1", "env HOME=/root")
	if strings.Contains(out, "BOTH=image") {
		t.Error("the image's value of BOTH is there as well")
	}
	out, _ = s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) {
		c.Environment, c.Secrets = []string{"BOTH=container", "ADDED=1"}, []string{"BOTH=secret", "HIDDEN=a=b"}
	})
	wantLines(t, out, "env BOTH=secret", "env ADDED=1", "env HIDDEN=a=b", "env FROM_IMAGE=yes")
	out, _ = s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) { c.WorkingDir = "/made/for/it" })
	wantLines(t, out, "cwd=/made/for/it")
	out, _ = s.output(t, []string{"complain", "to stderr"})
	wantLines(t, out, "to stderr")
}

func (s *suite) users(t *testing.T) {
	s.real(t)
	for user, want := range map[string][]string{
		"app":       {"uid=1000", "gid=1001", "groups=[50]", "CapEff=0000000000000000"},
		"1000":      {"uid=1000", "gid=1001"},
		"4711":      {"uid=4711", "gid=0"},
		"4711:4712": {"uid=4711", "gid=4712"},
		"app:web":   {"uid=1000", "gid=33"},
	} {
		out, _ := s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) { c.User = user })
		wantLines(t, out, want...)
	}
	spec := s.run(t, []string{"sleep"})
	spec.ID, spec.User = spec.ID+"-bad", "nobodyknows"
	err := s.Runtime.Create(t.Context(), spec)
	if want := "unable to find user nobodyknows: no matching entries in passwd file"; err == nil || err.Error() != want {
		t.Errorf("Create: %v, want %q", err, want)
	}
}

func (s *suite) capabilities(t *testing.T) {
	s.real(t)
	const docker = "00000000a80425fb"
	out, _ := s.output(t, []string{"facts"})
	wantLines(t, out, "CapEff="+docker, "CapBnd="+docker)
	out, _ = s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) {
		c.CapDrop, c.CapAdd = []string{"ALL"}, []string{"SYS_PTRACE", "CAP_KILL"}
	})
	wantLines(t, out, "CapEff=0000000000080020")
	spec := s.run(t, []string{"sleep"})
	spec.ID, spec.CapAdd = spec.ID+"-bad", []string{"FLY"}
	wantError(t, "Create", s.Runtime.Create(t.Context(), spec), runtime.ErrInvalid)
}

func (s *suite) mounts(t *testing.T) {
	s.real(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "hosts"), []byte("10.0.0.1 me\n"), 0o644))
	volume := filepath.Join(dir, "volume")
	must(t, os.Mkdir(volume, 0o755))
	with := func(c *runtime.ContainerSpec) {
		c.Mounts = []runtime.Mount{
			{Type: runtime.Bind, Source: volume, Target: "/data", CopyFromImage: true},
			{Type: runtime.Bind, Source: filepath.Join(dir, "hosts"), Target: "/etc/hosts", ReadOnly: true},
			{Type: runtime.Tmpfs, Target: "/scratch", Size: 1 << 20, Options: []string{"mode=1777"}},
		}
		c.ReadonlyRootfs = true
		c.ShmSize = 1 << 20
	}
	out, c := s.output(t, []string{"cat", "/etc/hosts"}, with)
	if out != "10.0.0.1 me\n" || c.ExitCode != 0 {
		t.Errorf("hosts: %q, %+v", out, c)
	}
	info, err := os.Stat(filepath.Join(volume, "seed"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("volume filled from the image: %v, %v", info, err)
	}
	for path, want := range map[string]int{"/data/new": 0, "/scratch/new": 0, "/etc/hosts": 99, "/etc/new": 99} {
		if _, c := s.output(t, []string{"write", path, "x"}, with); c.ExitCode != want {
			t.Errorf("writing %s: exit code %d, want %d", path, c.ExitCode, want)
		}
	}
	out, _ = s.output(t, []string{"cat", "/data/new"}, with)
	if out != "x" {
		t.Errorf("volume in another container: %q", out)
	}
	out, _ = s.output(t, []string{"facts"}, with)
	wantLines(t, out, "shm=1048576")
}

func (s *suite) readonlyRootfs(t *testing.T) {
	s.real(t)
	if _, c := s.output(t, []string{"write", "/etc/x", "x"}); c.ExitCode != 0 {
		t.Errorf("writing to the root file system: %+v", c)
	}
	out, c := s.output(t, []string{"write", "/etc/x", "x"}, func(c *runtime.ContainerSpec) { c.ReadonlyRootfs = true })
	if c.ExitCode != 99 || !strings.Contains(out, "read-only file system") {
		t.Errorf("writing to a read-only root file system: %q, %+v", out, c)
	}
}

func (s *suite) limits(t *testing.T) {
	s.real(t)
	out, _ := s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) {
		c.Ulimits = []runtime.Ulimit{{Name: "nofile", Soft: 4096, Hard: 8192}}
		c.Sysctls = map[string]string{"net.core.somaxconn": "512"}
	})
	wantLines(t, out, "nofile=8192")                                         // the hard one: Go programs raise their soft limit
	out, _ = s.output(t, []string{"facts"}, func(c *runtime.ContainerSpec) { // more than any host has
		c.Ulimits = []runtime.Ulimit{{Name: "nofile", Soft: -1, Hard: -1}}
	})
	if !strings.Contains(out, "nofile=") {
		t.Errorf("container with too high a limit: %q", out)
	}
	out, _ = s.output(t, []string{"cat", "/proc/sys/net/core/somaxconn"}, func(c *runtime.ContainerSpec) { c.Sysctls = map[string]string{"net.core.somaxconn": "512"} })
	wantLines(t, out, "512")
	spec := s.run(t, []string{"sleep"}, func(c *runtime.ContainerSpec) { c.MemoryLimit, c.CPUShares = 64<<20, 512 })
	stats, err := s.Runtime.Stats(t.Context(), spec.ID)
	if err != nil || stats.MemoryLimit != 64<<20 || stats.Memory == 0 || stats.Memory > 64<<20 || stats.CPU == 0 || stats.PIDs == 0 {
		t.Errorf("Stats: %+v, %v", stats, err)
	}
	bad := spec
	bad.ID, bad.Sysctls = bad.ID+"-bad", map[string]string{"kernel.panic": "1"}
	wantError(t, "Create with a sysctl of the host", s.Runtime.Create(t.Context(), bad), runtime.ErrInvalid)
}

func (s *suite) outOfMemory(t *testing.T) {
	s.real(t)
	seen := s.collect(t)
	spec := s.run(t, []string{"eat"}, func(c *runtime.ContainerSpec) { c.MemoryLimit = 24 << 20 })
	c := s.stopped(t, spec.ID)
	if c.ExitCode != 137 || !c.OOMKilled {
		t.Errorf("after eating: %+v", c)
	}
	eventually(t, "event oom", func() bool { return seen.has(runtime.OOM, spec.ID) })
}

// taskOutOfMemory: the limit of the task holds for a container without its own.
func (s *suite) taskOutOfMemory(t *testing.T) {
	s.real(t)
	task := s.task(t, func(s *runtime.TaskSpec) { s.Memory = 24 << 20 })
	spec := s.create(t, task, []string{"eat"})
	must(t, s.Runtime.Start(t.Context(), spec.ID))
	if c := s.stopped(t, spec.ID); c.ExitCode != 137 || !c.OOMKilled {
		t.Errorf("after eating: %+v", c)
	}
}

func (s *suite) execStreams(t *testing.T) {
	s.real(t)
	spec := s.run(t, []string{"sleep"})
	var stdout, stderr bytes.Buffer
	result, err := s.Runtime.Exec(t.Context(), spec.ID, runtime.ExecSpec{
		Args: []string{"/probe", "echo"}, Stdin: strings.NewReader("to and fro"), Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil || result.ExitCode != 0 || stdout.String() != "to and fro" || stderr.Len() != 0 {
		t.Errorf("echo: %+v, %v, %q, %q", result, err, stdout.String(), stderr.String())
	}
	stdout.Reset()
	_, err = s.Runtime.Exec(t.Context(), spec.ID, runtime.ExecSpec{
		Args: []string{"/probe", "facts"}, Stdout: &stdout, User: "app", Environment: []string{"ADDED=exec"}, WorkingDir: "/etc",
	})
	must(t, err)
	wantLines(t, stdout.String(), "uid=1000", "cwd=/etc", "env ADDED=exec", "env FROM_IMAGE=yes", "CapEff=0000000000000000")
	stdout.Reset()
	sizes := make(chan runtime.WindowSize, 1)
	sizes <- runtime.WindowSize{Columns: 100, Rows: 30}
	result, err = s.Runtime.Exec(t.Context(), spec.ID, runtime.ExecSpec{Args: []string{"/probe", "complain", "on a terminal"}, Terminal: true, Stdout: &stdout, Resize: sizes})
	if err != nil || result.ExitCode != 0 || stdout.String() != "on a terminal\r\n" {
		t.Errorf("terminal: %+v, %v, %q", result, err, stdout.String())
	}
	_, err = s.Runtime.Exec(t.Context(), spec.ID, runtime.ExecSpec{Args: []string{"/nope"}})
	if _, ok := err.(*runtime.StartError); !ok {
		t.Errorf("exec of nothing: %v, want a StartError", err)
	}
}
