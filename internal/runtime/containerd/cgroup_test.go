package containerd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime"
)

// tree makes a cgroup file system of ordinary files.
func tree(t *testing.T, unified bool, files map[string]string) cgroupTree {
	t.Helper()
	c := cgroupTree{root: t.TempDir(), unified: unified}
	for name, content := range files {
		path := filepath.Join(c.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func wantFiles(t *testing.T, c cgroupTree, want map[string]string) {
	t.Helper()
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(c.root, name))
		if err != nil || string(got) != content {
			t.Errorf("%s has %q, %v, want %q", name, got, err, content)
		}
	}
}

func TestEnsureUnified(t *testing.T) {
	files := map[string]string{}
	for _, group := range []string{"", "neargate-x/", "neargate-x/task/"} {
		files[group+"cgroup.controllers"] = "cpuset cpu io memory hugetlb pids rdma misc\n"
		files[group+"cgroup.subtree_control"] = ""
	}
	for _, name := range []string{"cpu.max", "cpu.weight", "memory.max", "memory.swap.max"} {
		files["neargate-x/task/"+name] = ""
	}
	c := tree(t, true, files)
	if err := c.ensure("/neargate-x/task", limits{cpu: 256, memory: 512 << 20}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, c, map[string]string{
		"cgroup.subtree_control":                 "+cpuset +cpu +io +memory +pids",
		"neargate-x/cgroup.subtree_control":      "+cpuset +cpu +io +memory +pids",
		"neargate-x/task/cgroup.subtree_control": "+cpuset +cpu +io +memory +pids",
		"neargate-x/task/cpu.max":                "25000 100000",
		"neargate-x/task/cpu.weight":             "10",
		"neargate-x/task/memory.max":             "536870912",
		"neargate-x/task/memory.swap.max":        "0",
	})
	c = tree(t, true, files)
	if err := c.ensure("/neargate-x/task", limits{}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, c, map[string]string{
		"neargate-x/task/cpu.max": "max 100000", "neargate-x/task/memory.max": "max", "neargate-x/task/memory.swap.max": "max",
	})
}

func TestEnsureV1(t *testing.T) {
	c := tree(t, false, map[string]string{
		"cpu/g/t/cpu.cfs_period_us": "", "cpu/g/t/cpu.cfs_quota_us": "", "cpu/g/t/cpu.shares": "",
		"memory/g/t/memory.limit_in_bytes": "", "memory/g/t/memory.memsw.limit_in_bytes": "",
	})
	if err := c.ensure("/g/t", limits{cpu: 512, memory: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, c, map[string]string{
		"cpu/g/t/cpu.cfs_quota_us": "50000", "cpu/g/t/cpu.shares": "512", "memory/g/t/memory.memsw.limit_in_bytes": "1048576",
	})
}

func TestStats(t *testing.T) {
	at := time.Unix(1, 0)
	v2 := tree(t, true, map[string]string{
		"g/cpu.stat": "usage_usec 1500\nuser_usec 1000\n", "g/memory.current": "5000\n", "g/memory.peak": "7000\n", "g/memory.max": "max\n",
		"g/memory.stat": "anon 1\ninactive_file 1000\n", "g/pids.current": "3\n", "g/memory.events": "oom 4\noom_kill 2\n",
	})
	want := runtime.Stats{At: at, CPU: 1500 * time.Microsecond, Memory: 4000, MemoryPeak: 7000, PIDs: 3}
	if got := v2.stats("/g", at); got != want {
		t.Errorf("v2: %+v, want %+v", got, want)
	}
	if got := v2.oomKills("/g"); got != 2 {
		t.Errorf("v2: %d kills, want 2", got)
	}
	v1 := tree(t, false, map[string]string{
		"cpuacct/g/cpuacct.usage": "1500000\n", "memory/g/memory.usage_in_bytes": "5000\n", "memory/g/memory.max_usage_in_bytes": "7000\n",
		"memory/g/memory.limit_in_bytes": "9000\n", "memory/g/memory.stat": "inactive_file 1\ntotal_inactive_file 1000\n",
		"pids/g/pids.current": "3\n", "memory/g/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
	})
	want.MemoryLimit, want.CPU = 9000, 1500*time.Microsecond
	if got := v1.stats("/g", at); got != want {
		t.Errorf("v1: %+v, want %+v", got, want)
	}
	if got := v1.oomKills("/g"); got != 1 {
		t.Errorf("v1: %d kills, want 1", got)
	}
	if err := os.WriteFile(filepath.Join(v1.root, "memory/g/memory.limit_in_bytes"), []byte("9223372036854771712\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := v1.stats("/g", at).MemoryLimit; got != 0 {
		t.Errorf("v1 without limit: %d, want 0", got)
	}
	if got := v1.oomKills("/nobody"); got != 0 {
		t.Errorf("group that is gone: %d kills", got)
	}
}

func TestCPUWeight(t *testing.T) {
	for shares, want := range map[int64]int64{0: 1, 2: 1, 1024: 39, 262144: 10000, 1 << 30: 10000} {
		if got := cpuWeight(shares); got != want {
			t.Errorf("cpuWeight(%d) = %d, want %d", shares, got, want)
		}
	}
}

func TestProcessesAndRemove(t *testing.T) {
	c := tree(t, false, map[string]string{"cpu/g/t/cgroup.procs": "5\n6\n", "memory/g/t/cgroup.procs": "6\n7\n"})
	pids := c.processes("/g")
	if len(pids) != 3 {
		t.Errorf("processes %v, want three", pids)
	}
	for _, dir := range c.dirs("/g") { // a real one has no files that could be removed
		os.Remove(filepath.Join(dir, "t", "cgroup.procs"))
	}
	if err := c.remove("/g"); err != nil || len(c.dirs("/g")) != 0 {
		t.Errorf("remove: %v, left %v", err, c.dirs("/g"))
	}
	if err := c.remove("/g"); err != nil {
		t.Errorf("remove of nothing: %v", err)
	}
}

func TestOptions(t *testing.T) {
	good := Options{DataDir: "/var/lib/" + strings.Repeat("long/", 40), Instance: strings.Repeat("a", 20)}
	if err := good.validate(); err != nil {
		t.Errorf("a long data directory: %v", err)
	}
	if n := len(good.paths().sockets) + 65; n > 107 {
		t.Errorf("sockets would have paths of %d bytes", n)
	}
	for _, bad := range []Options{{DataDir: "rel", Instance: "a"}, {DataDir: "/a", Instance: ""}, {DataDir: "/a", Instance: "a/b"},
		{DataDir: "/a", Instance: strings.Repeat("a", 21)}, {DataDir: "/a", Instance: "a", RunDir: "/" + strings.Repeat("r", 60)}} {
		if bad.validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
