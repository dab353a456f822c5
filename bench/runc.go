package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// bundle is an OCI bundle for plain runc.
type bundle struct {
	dir, runc string
	spec      map[string]any
}

// newBundle prepares a busybox root file system and runc's own default spec.
func newBundle(dir string) (*bundle, error) {
	b := &bundle{dir: filepath.Join(dir, "bundle")}
	var err error
	if b.runc, err = findRunc(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "rootfs", "bin"), 0o755); err != nil {
		return nil, err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "rootfs", "bin", "busybox"), binary, 0o755); err != nil {
		return nil, err
	}
	make := exec.Command(b.runc, "spec")
	make.Dir = b.dir
	if out, err := make.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("runc spec: %v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "config.json"))
	if err != nil {
		return nil, err
	}
	return b, json.Unmarshal(text, &b.spec)
}

// findRunc takes the runc that Neargate unpacked, or the host's.
func findRunc(dir string) (string, error) {
	found, _ := filepath.Glob(filepath.Join(dir, "data", "bin", "*", "runc"))
	if len(found) > 0 {
		return found[0], nil
	}
	return exec.LookPath("runc")
}

// run starts a container and returns how long it took until its process ran.
func (b *bundle) run(i int) (time.Duration, error) {
	marker := strconv.Itoa(2_000_000 + os.Getpid()*1000 + i)
	process := b.spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = []string{"/bin/busybox", "sleep", marker}
	delete(process, "rlimits")
	text, err := json.Marshal(b.spec)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "config.json"), text, 0o644); err != nil {
		return 0, err
	}
	name := "neargate-bench-" + marker
	started := time.Now()
	cmd := exec.Command(b.runc, "--root", filepath.Join(b.dir, "state"), "run", "-d", name)
	cmd.Dir = b.dir
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("runc run: %w", err)
	}
	took, err := awaitProcess("sleep "+marker, started)
	exec.Command(b.runc, "--root", filepath.Join(b.dir, "state"), "delete", "-f", name).Run()
	return took, err
}
