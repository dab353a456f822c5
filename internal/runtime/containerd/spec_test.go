package containerd

import (
	"context"
	"errors"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/moby/sys/user"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func specOf(t *testing.T, change func(*specInput)) (*specs.Spec, error) {
	t.Helper()
	in := specInput{
		container: runtime.ContainerSpec{ID: "task-web", TaskID: "task"},
		task:      runtime.TaskSpec{ID: "task", NetNS: "/run/netns/eni"},
		image:     runtime.ImageConfig{Entrypoint: []string{"/app"}, Command: []string{"serve"}, Environment: []string{"A=1", "PATH=/bin"}},
		host:      hostLimits{cpus: 2, openFiles: 1000, raise: true, hard: map[string]uint64{}},
		cgroup:    "/neargate-x/task/task-web", taskGroup: "/neargate-x/task", cgroups: cgroupTree{root: t.TempDir()},
	}
	change(&in)
	return buildSpec(namespaces.WithNamespace(context.Background(), namespace), in)
}

func TestSpecDefaults(t *testing.T) {
	s, err := specOf(t, func(*specInput) {})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Process
	if !slices.Equal(p.Args, []string{"/app", "serve"}) || p.Cwd != "/" || p.NoNewPrivileges || s.Hostname != "task-web" || s.Linux.Seccomp == nil {
		t.Errorf("process %+v, hostname %q", p, s.Hostname)
	}
	if !slices.Equal(p.Env, []string{"PATH=/bin", "A=1"}) {
		t.Errorf("environment %q", p.Env)
	}
	if p.Rlimits[0].Hard != 1000 {
		t.Errorf("open files %d, want the host's 1000", p.Rlimits[0].Hard)
	}
	if slices.ContainsFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/run" }) {
		t.Error("a mount hides the image's /run")
	}
	for _, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace && ns.Path != "/run/netns/eni" || ns.Type == specs.PIDNamespace && ns.Path != "" {
			t.Errorf("namespace %+v", ns)
		}
	}
	if s.Linux.CgroupsPath != "/neargate-x/task/task-web" || s.Annotations[groupAnnotation] != "task" || *s.Linux.Resources.CPU.Shares != 2 {
		t.Errorf("linux %+v", s.Linux)
	}
}

// TestSpecSeccomp: the native ABI comes first in containerd's profile, and an
// image for another one that the host can run gets all.
func TestSpecSeccomp(t *testing.T) {
	if goruntime.GOARCH != "amd64" {
		t.Skip("written for amd64")
	}
	for architecture, want := range map[string][]specs.Arch{
		"amd64": {specs.ArchX86_64}, "386": {specs.ArchX86_64, specs.ArchX86, specs.ArchX32},
	} {
		s, err := specOf(t, func(in *specInput) { in.image.Architecture = architecture })
		if err != nil || !slices.Equal(s.Linux.Seccomp.Architectures, want) {
			t.Errorf("%s: %v, %v", architecture, s.Linux.Seccomp.Architectures, err)
		}
	}
}

func TestSpecOnUnified(t *testing.T) {
	s, err := specOf(t, func(in *specInput) { in.cgroups.unified = true })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.CgroupNamespace }) {
		t.Error("no cgroup namespace: the container would see the host's tree")
	}
}

func TestSpecForUser(t *testing.T) {
	s, err := specOf(t, func(in *specInput) { in.user = user.ExecUser{Uid: 1000, Gid: 33, Sgids: []int{50}} })
	if err != nil {
		t.Fatal(err)
	}
	c := s.Process.Capabilities
	if s.Process.User.UID != 1000 || s.Process.User.AdditionalGids[0] != 50 || len(c.Effective)+len(c.Permitted)+len(c.Ambient) != 0 || len(c.Bounding) == 0 {
		t.Errorf("user %+v, capabilities %+v", s.Process.User, c)
	}
}

func TestSpecMounts(t *testing.T) {
	s, err := specOf(t, func(in *specInput) {
		in.container.Init = true
		in.initPath = "/bin/neargate"
		in.container.Mounts = []runtime.Mount{
			{Type: runtime.Bind, Source: "/h/inner", Target: "/data/deep/inner"},
			{Type: runtime.Bind, Source: "/h/outer", Target: "/data/", ReadOnly: true},
			{Type: runtime.Tmpfs, Target: "/dev/shm", Size: 4096},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, m := range s.Mounts {
		if _, twice := place[m.Destination]; twice {
			t.Errorf("two mounts at %s", m.Destination)
		}
		place[m.Destination] = i
	}
	if place["/data"] > place["/data/deep/inner"] || place["/data"] == 0 || place["/dev"] > place[initPath] {
		t.Errorf("order of mounts %v", place)
	}
	if !slices.Contains(s.Mounts[place["/data"]].Options, "ro") || !slices.Contains(s.Mounts[place["/dev/shm"]].Options, "size=4096") {
		t.Errorf("mounts %+v", s.Mounts)
	}
	if !slices.Equal(s.Process.Args, []string{initPath, "--", "/app", "serve"}) {
		t.Errorf("arguments %q", s.Process.Args)
	}
}

func TestSpecRefuses(t *testing.T) {
	for what, change := range map[string]func(*specInput){
		"no command":      func(in *specInput) { in.image = runtime.ImageConfig{} },
		"a capability":    func(in *specInput) { in.container.CapDrop = []string{"NOPE"} },
		"a ulimit":        func(in *specInput) { in.container.Ulimits = []runtime.Ulimit{{Name: "nope"}} },
		"soft above hard": func(in *specInput) { in.container.Ulimits = []runtime.Ulimit{{Name: "core", Soft: 2, Hard: 1}} },
		"a host's sysctl": func(in *specInput) { in.container.Sysctls = map[string]string{"vm.swappiness": "1"} },
		"a path":          func(in *specInput) { in.container.Sysctls = map[string]string{"net./../../vm/swappiness": "1"} },
	} {
		if _, err := specOf(t, change); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
}

func TestClampWithoutPrivilege(t *testing.T) {
	h := hostLimits{openFiles: 5000, hard: map[string]uint64{"nofile": 1024, "core": 7}}
	got, err := rlimits([]runtime.Ulimit{{Name: "nofile", Soft: 4096, Hard: -1}, {Name: "core", Soft: -1, Hard: -1}}, h)
	if err != nil || got[0].Soft != 1024 || got[0].Hard != 1024 || got[1].Hard != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}
