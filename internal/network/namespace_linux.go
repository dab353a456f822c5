package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/fault"
)

// threads knows the network namespace that the process's threads are in, and
// runs functions in others.
type threads struct{ home *os.File }

// enter runs fn on a thread that is in another network namespace. fn must not
// start goroutines that count on it.
func (t threads) enter(ns *os.File, fn func() error) error {
	return t.away(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		return fn()
	})
}

// away runs fn, which leaves the thread's namespace, and comes back. A thread
// that cannot come back ends with its goroutine.
func (t threads) away(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := fn()
		if back := unix.Setns(int(t.home.Fd()), unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// create makes a network namespace and a name for it. A leftover name without a
// namespace is used; an existing one is an error (fs.ErrExist).
func (t threads) create(name string, setUp func() error) (*os.File, error) {
	path := filepath.Join(namespaceDir, name)
	if err := os.MkdirAll(namespaceDir, 0o755); err != nil {
		return nil, err
	}
	if isNamespace(path) {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return nil, err
	}
	_ = f.Close()
	fault.Point("network.name")
	err = t.away(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := setUp(); err != nil {
			return err
		}
		self := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
		return os.NewSyscallError("mount", unix.Mount(self, path, "", unix.MS_BIND, ""))
	})
	if err != nil {
		_ = os.Remove(path)
		return nil, fmt.Errorf("network: create namespace %s: %w", name, err)
	}
	return openNamespace(name)
}

// openNamespace opens a named namespace; fs.ErrNotExist when there is none.
func openNamespace(name string) (*os.File, error) {
	path := filepath.Join(namespaceDir, name)
	if !isNamespace(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return os.Open(path)
}

// isNamespace tells a namespace from the empty file that a crash may leave.
func isNamespace(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// removeNamespace takes the name away; the namespace goes with its last user.
func removeNamespace(name string) error {
	path := filepath.Join(namespaceDir, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return os.NewSyscallError("umount", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// namespacesNamed lists the names that start with prefix.
func namespacesNamed(prefix string) ([]string, error) {
	entries, err := os.ReadDir(namespaceDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// routeHandle opens a netlink socket for links, addresses and routes.
func routeHandle(ns *os.File) (*netlink.Handle, error) {
	return netlink.NewHandleAt(netns.NsHandle(int(ns.Fd())), unix.NETLINK_ROUTE)
}

// sysctl writes a setting of the calling thread's network namespace.
func sysctl(name, value string) error {
	return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
}

// loopbackUp brings lo up in the calling thread's network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}
