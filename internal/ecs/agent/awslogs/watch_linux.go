package awslogs

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// watcher tells when files grow, by inotify on the files' directories, so that a
// file may come later than the watch.
type watcher struct {
	file *os.File // nil when the machine has no inotify left; tails then look every minute

	mu      sync.Mutex
	pokes   map[string]func() // by path
	dirs    map[string]int    // watch descriptor by directory
	byWatch map[int]string
	users   map[string]int // files per directory
}

func newWatcher() *watcher {
	w := &watcher{pokes: map[string]func(){}, dirs: map[string]int{}, byWatch: map[int]string{}, users: map[string]int{}}
	if fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC); err == nil {
		w.file = os.NewFile(uintptr(fd), "inotify")
	}
	return w
}

func (w *watcher) add(path string, poke func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pokes[path] = poke
	dir := filepath.Dir(path)
	if w.users[dir]++; w.users[dir] > 1 || w.file == nil {
		return
	}
	wd, err := w.control(func(fd int) (int, error) {
		return unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE)
	})
	if err == nil {
		w.dirs[dir], w.byWatch[wd] = wd, dir
	}
}

func (w *watcher) remove(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pokes, path)
	dir := filepath.Dir(path)
	if w.users[dir]--; w.users[dir] > 0 {
		return
	}
	delete(w.users, dir)
	if wd, ok := w.dirs[dir]; ok {
		w.control(func(fd int) (int, error) { return unix.InotifyRmWatch(fd, uint32(wd)) })
		delete(w.dirs, dir)
		delete(w.byWatch, wd)
	}
}

// control calls f with the descriptor without taking it out of the poller.
func (w *watcher) control(f func(fd int) (int, error)) (n int, err error) {
	raw, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	if bad := raw.Control(func(fd uintptr) { n, err = f(int(fd)) }); bad != nil {
		return 0, bad
	}
	return n, err
}

// run hands notices to the tails until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	if w.file == nil {
		<-ctx.Done()
		return nil
	}
	stop := context.AfterFunc(ctx, func() { w.file.Close() })
	defer stop()
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buffer)
		if err != nil {
			return nil // closed: the tails look every minute, and when they are drained
		}
		w.deliver(buffer[:n])
	}
}

func (w *watcher) deliver(events []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int(int32(binary.NativeEndian.Uint32(events[0:4])))
		mask := binary.NativeEndian.Uint32(events[4:8])
		length := int(binary.NativeEndian.Uint32(events[12:16]))
		name := events[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+length]
		events = events[unix.SizeofInotifyEvent+length:]
		if mask&unix.IN_Q_OVERFLOW != 0 {
			for _, poke := range w.pokes {
				poke()
			}
			continue
		}
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if poke, ok := w.pokes[filepath.Join(w.byWatch[wd], string(name))]; ok {
			poke()
		}
	}
}
