package containerd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// sweep removes what a crash left half made: snapshots of a Create that did not
// come to the container's record, and notes of containers that are gone.
func (r *Runtime) sweep(ctx context.Context) error {
	service := r.client.SnapshotService(r.snapshotter)
	records, err := r.client.ContainerService().List(ctx)
	if err != nil {
		return err
	}
	used, known := map[string]bool{}, map[string]bool{}
	for _, record := range records {
		used[record.SnapshotKey], known[record.ID] = true, true
	}
	if err := r.records.Sweep(known); err != nil {
		return err
	}
	var orphans []string
	err = service.Walk(ctx, func(_ context.Context, info snapshots.Info) error {
		if info.Kind != snapshots.KindCommitted && info.Labels[gcRoot] == "neargate" && !used[info.Name] {
			orphans = append(orphans, info.Name)
		}
		return nil
	})
	for _, key := range orphans {
		err = errors.Join(err, ignoreNotFound(service.Remove(ctx, key)))
	}
	return err
}

// Purge removes all tasks and containers of this instance, closes the runtime
// and leaves no process, mount, cgroup or socket of it. Images stay unless data
// is to go as well.
func (r *Runtime) Purge(ctx context.Context, data bool) error {
	err := r.removeAll(ctx)
	err = errors.Join(err, r.Close())
	return errors.Join(err, Sweep(r.options, data))
}

func (r *Runtime) removeAll(ctx context.Context) error {
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, id := range tasks {
		group.Go(func() error { return r.RemoveTask(ctx, id) })
	}
	return group.Wait()
}

// Sweep removes what an instance that is not open left on the host, without
// asking containerd: after a Purge there is nothing, after a crash, a lost data
// directory or a version that no longer starts there may be. It needs the lock.
func Sweep(options Options, data bool) error {
	if err := options.validate(); err != nil {
		return err
	}
	p := options.paths()
	if err := os.MkdirAll(p.base, 0o700); err != nil {
		return err
	}
	lock, err := lockFile(p.lock)
	if err != nil {
		return err
	}
	defer lock.Close()
	cgroups := hostCgroups()
	killAll(func() []int { return append(shimsOf(p), cgroups.processes(p.cgroup)...) })
	err = errors.Join(unmountBelow(p.state), unmountBelow(p.base))
	if err != nil {
		return err // never delete through a mount
	}
	err = errors.Join(cgroups.remove(p.cgroup), os.RemoveAll(p.state))
	if !data {
		return err
	}
	return errors.Join(err, os.RemoveAll(p.base), os.RemoveAll(p.bin))
}

// shimsOf finds the shims of an instance by the socket in their command line.
func shimsOf(p paths) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		content, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil {
			continue
		}
		args := strings.Split(string(content), "\x00")
		at := slices.Index(args, "-address")
		if at > 0 && at+1 < len(args) && args[at+1] == p.grpc && slices.Contains(args, "-namespace") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killAll kills until nobody is left, two seconds at most.
func killAll(find func() []int) {
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		pids := find()
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// unmountBelow unmounts everything in a directory, inner mounts first.
func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return err
	}
	slices.SortFunc(mounts, func(a, b *mountinfo.Info) int { return len(b.Mountpoint) - len(a.Mountpoint) })
	var errs []error
	for _, m := range mounts {
		if m.Mountpoint == dir {
			continue
		}
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			errs = append(errs, &os.PathError{Op: "unmount", Path: m.Mountpoint, Err: err})
		}
	}
	return errors.Join(errs...)
}
