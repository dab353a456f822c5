package containerd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupTree is the host's control groups: the unified hierarchy (v2), or one
// hierarchy per controller (v1, also beside an empty v2 mount: "hybrid").
// Paths of groups are below the root, with a leading slash.
type cgroupTree struct {
	root    string
	unified bool
}

// hostCgroups is found out once; it cannot change under a running kernel.
var hostCgroups = sync.OnceValue(func() cgroupTree {
	var st unix.Statfs_t
	const root = "/sys/fs/cgroup"
	unified := unix.Statfs(root, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
	return cgroupTree{root: root, unified: unified}
})

// limits of a group; 0 is none.
type limits struct {
	cpu    int64 // units of 1/1024 core
	memory int64 // bytes
}

const cpuPeriod = 100_000 // microseconds

// ensure makes a group and sets its limits; on v2 it also hands the controllers
// down, so that groups below can have limits of their own.
func (t cgroupTree) ensure(group string, l limits) error {
	if t.unified {
		return t.ensureUnified(group, l)
	}
	for _, controller := range []string{"cpu", "memory"} {
		if err := os.MkdirAll(filepath.Join(t.root, controller, group), 0o755); err != nil {
			return err
		}
	}
	quota, shares := int64(-1), int64(1024)
	if l.cpu > 0 {
		quota, shares = l.cpu*cpuPeriod/1024, max(l.cpu, 2)
	}
	memory := int64(-1)
	if l.memory > 0 {
		memory = l.memory
	}
	return errors.Join(
		t.write("cpu", group, "cpu.cfs_period_us", cpuPeriod),
		t.write("cpu", group, "cpu.cfs_quota_us", quota),
		t.write("cpu", group, "cpu.shares", shares),
		t.writeMemory(group, memory),
	)
}

// writeMemory sets limit and limit with swap, in the order that the kernel
// demands: the latter may never be the smaller one.
func (t cgroupTree) writeMemory(group string, limit int64) error {
	err := t.write("memory", group, "memory.limit_in_bytes", limit)
	if !t.has("memory", group, "memory.memsw.limit_in_bytes") {
		return err
	}
	if swapErr := t.write("memory", group, "memory.memsw.limit_in_bytes", limit); err == nil {
		return swapErr
	}
	return t.write("memory", group, "memory.limit_in_bytes", limit)
}

func (t cgroupTree) ensureUnified(group string, l limits) error {
	dir := t.root
	for _, name := range strings.Split(strings.Trim(group, "/"), "/") {
		if err := delegate(dir); err != nil {
			return err
		}
		dir = filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := delegate(dir); err != nil {
		return err
	}
	cpu, weight, memory := "max", int64(100), "max"
	if l.cpu > 0 {
		cpu, weight = strconv.FormatInt(l.cpu*cpuPeriod/1024, 10), cpuWeight(l.cpu)
	}
	if l.memory > 0 {
		memory = strconv.FormatInt(l.memory, 10)
	}
	err := errors.Join(
		t.write("", group, "cpu.max", cpu+" "+strconv.Itoa(cpuPeriod)),
		t.write("", group, "cpu.weight", weight),
		t.write("", group, "memory.max", memory),
	)
	if t.has("", group, "memory.swap.max") {
		swap := "max"
		if l.memory > 0 {
			swap = "0"
		}
		err = errors.Join(err, t.write("", group, "memory.swap.max", swap))
	}
	return err
}

// delegate enables in a v2 group the controllers that the groups below need.
func delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	var enable []string
	for _, c := range strings.Fields(string(available)) {
		switch c {
		case "cpu", "cpuset", "io", "memory", "pids":
			enable = append(enable, "+"+c)
		}
	}
	err = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(strings.Join(enable, " ")), 0o644)
	if err != nil {
		return fmt.Errorf("delegating cgroup controllers: %w", err)
	}
	return nil
}

// cpuWeight turns shares (2 to 262144) into a v2 weight (1 to 10000).
func cpuWeight(shares int64) int64 {
	shares = min(max(shares, 2), 262144)
	return 1 + (shares-2)*9999/262142
}

// file is where a group's file is; controller counts on v1 only.
func (t cgroupTree) file(controller, group, name string) string {
	if t.unified {
		controller = ""
	}
	return filepath.Join(t.root, controller, group, name)
}

func (t cgroupTree) has(controller, group, name string) bool {
	_, err := os.Stat(t.file(controller, group, name))
	return err == nil
}

func (t cgroupTree) write(controller, group, name string, value any) error {
	file, err := os.OpenFile(t.file(controller, group, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(file, value)
	return errors.Join(err, file.Close())
}

// oomKills counts the processes of a group that were killed for want of memory.
func (t cgroupTree) oomKills(group string) uint64 {
	if group == "" {
		return 0
	}
	name := "memory.oom_control"
	if t.unified {
		name = "memory.events"
	}
	return t.keyed("memory", group, name)["oom_kill"]
}

// keyed reads a file of lines "name number".
func (t cgroupTree) keyed(controller, group, name string) map[string]uint64 {
	content, err := os.ReadFile(t.file(controller, group, name))
	if err != nil {
		return nil
	}
	out := map[string]uint64{}
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			out[key] = n
		}
	}
	return out
}

// number reads a file of one number; 0 for "max" and for what cannot be read.
func (t cgroupTree) number(controller, group, name string) uint64 {
	content, err := os.ReadFile(t.file(controller, group, name))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64)
	return n
}

// dirs returns the directories of a group that are there, in every hierarchy,
// also those that the OCI runtime made.
func (t cgroupTree) dirs(group string) []string {
	pattern := filepath.Join(t.root, "*", group)
	if t.unified {
		pattern = filepath.Join(t.root, group)
	}
	dirs, _ := filepath.Glob(pattern) // a bad pattern is impossible: ids have no meta characters
	return dirs
}

// processes returns the ids of all processes in a group and below it.
func (t cgroupTree) processes(group string) []int {
	seen := map[int]bool{}
	var pids []int
	for _, dir := range t.dirs(group) {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "cgroup.procs" {
				return nil // groups may vanish while we look
			}
			content, _ := os.ReadFile(path)
			for _, field := range strings.Fields(string(content)) {
				if pid, err := strconv.Atoi(field); err == nil && pid > 0 && !seen[pid] {
					seen[pid] = true
					pids = append(pids, pid)
				}
			}
			return nil
		})
	}
	return pids
}

// remove removes a group and those below it. The last process of a group may be
// on its way out for some milliseconds, during which the kernel says EBUSY.
func (t cgroupTree) remove(group string) error {
	deadline := time.Now().Add(10 * time.Second) // for a machine that is busy
	for {
		var errs []error
		for _, dir := range t.dirs(group) {
			errs = append(errs, removeGroup(dir))
		}
		err := errors.Join(errs...)
		if err == nil || !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func removeGroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeGroup(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
