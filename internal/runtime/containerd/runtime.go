package containerd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/cmd/containerd/server"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Runtime is a runtime.Runtime with containerd inside this process.
type Runtime struct {
	options     Options
	paths       paths
	records     supervisor.Records
	cgroups     cgroupTree
	runc        string // path of the OCI runtime
	executable  string // path of the program that is the shim, and the init of containers
	snapshotter string
	host        hostLimits

	lock   *os.File
	server *server.Server
	client *client.Client

	late   errgroup.Group // what Open begins and every verb that makes or removes awaits
	locks  keyedLocks     // one verb at a time per container, task and image
	mu     sync.Mutex
	images map[string]*knownImage // by the digest that EnsureImage was given
}

var _ runtime.Runtime = (*Runtime)(nil)

// Open starts containerd and finds the containers that are there. At most one
// process at a time has an instance open: another one gets an error at once.
func Open(ctx context.Context, options Options) (*Runtime, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	r := &Runtime{options: options, paths: options.paths(), cgroups: hostCgroups(), images: map[string]*knownImage{}}
	r.records = supervisor.Records{Dir: r.paths.records}
	if err := r.prepare(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.serve(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting containerd: %w", err), r.Close())
	}
	r.late.Go(func() error {
		r.snapshotter = pickSnapshotter(r.paths.root)
		return r.sweep(r.context(ctx))
	})
	return r, nil
}

// await waits for what Open began and did not wait for: the programs
// unpacked, the snapshotter chosen, leftovers swept. Together they take longer
// than all else in Open, and the API need not wait for them.
func (r *Runtime) await() error { return r.late.Wait() }

// prepare makes directories, takes the lock and puts the programs in place.
func (r *Runtime) prepare() (err error) {
	for _, dir := range []string{r.paths.base, r.paths.records, r.paths.tasks, r.paths.bin, r.paths.state, r.paths.sockets, r.paths.runc, r.paths.secrets} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if r.lock, err = lockFile(r.paths.lock); err != nil {
		return err
	}
	if err := r.ownMounts(); err != nil {
		return err
	}
	var unpack func() error
	if r.executable, unpack, err = findShim(r.options.Executable, r.paths.bin); err != nil {
		return err
	}
	r.late.Go(unpack)
	if err := replaceSymlink(r.executable, r.shimPath()); err != nil {
		return err
	}
	if r.runc, unpack, err = findRunc(r.options.Runc, r.paths.bin); err != nil {
		return err
	}
	r.late.Go(unpack)
	r.host = readHostLimits()
	return nil
}

// ownMounts has containerd's passing mounts in a place of the instance, not in the
// machine's temporary folder: what a kill leaves there is found by the next start,
// and by Purge.
func (r *Runtime) ownMounts() error {
	if err := mount.SetTempMountLocation(r.paths.mounts); err != nil {
		return err
	}
	_, err := mount.CleanupTempMounts(unix.MNT_DETACH)
	return err
}

// Close stops containerd. Containers and their shims go on; Open finds them again.
func (r *Runtime) Close() error {
	_ = r.await() // the verbs have told of an error
	if r.server != nil {
		r.server.Stop()
		r.server = nil
	}
	return r.unlock()
}

func (r *Runtime) unlock() error {
	if r.lock == nil {
		return nil
	}
	err := r.lock.Close()
	r.lock = nil
	return err
}

func (r *Runtime) shimPath() string { return filepath.Join(r.paths.bin, supervisor.ShimName) }

// context puts every call into our containerd namespace.
func (r *Runtime) context(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, namespace)
}

// containerGroup is the cgroup of a container, below its task's.
func (r *Runtime) containerGroup(task, id string) string { return r.taskGroup(task) + "/" + id }

func (r *Runtime) taskGroup(task string) string { return r.paths.cgroup + "/" + task }

// replaceSymlink makes link point to target by a rename, so that a shim that
// starts meanwhile finds the old or the new one.
func replaceSymlink(target, link string) error {
	if current, err := os.Readlink(link); err == nil && current == target {
		return nil
	}
	tmp := link + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, link)
}

// ShimMain runs the process in another role if it was started for one, and does
// not return then; see supervisor.Main. main calls it before anything else.
// Tests that run containers call it in TestMain.
func ShimMain() { supervisor.Main() }
