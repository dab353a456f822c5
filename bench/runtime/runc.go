package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"golang.org/x/sys/unix"
)

// Runc is runc and an overlay mount of our own: nobody who collects the exit,
// keeps the output or knows the container afterwards.
type Runc struct{ dir, runc string }

// OpenRunc makes a Runc, with the runc that OpenOurs unpacked.
func OpenRunc(_ context.Context, dir, _ string) (Contender, error) {
	f := Runc{dir: dir + "/floor"}
	found, err := filepath.Glob(dir + "/ours/bin/*/runc") // the one that ours uses
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		f.runc = found[0]
	} else if f.runc, err = exec.LookPath("runc"); err != nil {
		return nil, err
	}
	lower := filepath.Join(f.dir, "lower", "bin")
	if err := os.MkdirAll(lower, 0o755); err != nil {
		return nil, err
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return nil, err
	}
	return f, os.WriteFile(filepath.Join(lower, "busybox"), busybox, 0o755)
}

func (f Runc) Name() string { return "plain runc" }

func (f Runc) Start(ctx context.Context, id string) error {
	bundle := filepath.Join(f.dir, id)
	rootfs := filepath.Join(bundle, "rootfs")
	for _, name := range []string{"upper", "work", "rootfs"} {
		if err := os.MkdirAll(filepath.Join(bundle, name), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", f.dir, bundle, bundle)
	if err := unix.Mount("overlay", rootfs, "overlay", 0, options); err != nil {
		return err
	}
	spec, err := oci.GenerateSpec(namespaces.WithNamespace(ctx, "bench"), nil, &containers.Container{ID: id}, oci.WithMemoryLimit(64<<20))
	if err != nil {
		return err
	}
	spec.Process.Args, spec.Process.Env = []string{"/bin/busybox", "sleep", "600"}, []string{"PATH=/bin"}
	content, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), content, 0o600); err != nil {
		return err
	}
	if err := f.run("create", "--bundle", bundle, id); err != nil {
		return err
	}
	return f.run("start", id)
}

func (f Runc) Remove(_ context.Context, id string) error {
	err := f.run("delete", "--force", id)
	return errors.Join(err, unix.Unmount(filepath.Join(f.dir, id, "rootfs"), unix.MNT_DETACH), os.RemoveAll(filepath.Join(f.dir, id)))
}

// run gives the container's process no pipe of ours, or Wait would wait for it.
func (f Runc) run(args ...string) error {
	if err := exec.Command(f.runc, append([]string{"--root", f.dir + "/state"}, args...)...).Run(); err != nil {
		return fmt.Errorf("runc %s: %w", args[0], err)
	}
	return nil
}

func (f Runc) Close() error { return nil }
