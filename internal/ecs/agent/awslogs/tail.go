package awslogs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"golang.org/x/sys/unix"
)

const (
	readSize   = 256 << 10
	punchEvery = 8 << 20 // give the disk space of stored lines back in steps of this size
	firstPause = 250 * time.Millisecond
	mostPause  = 5 * time.Second
)

// tail reads one file and stores its events.
type tail struct {
	stream  Stream
	options Options
	wake    chan struct{}
	urged   chan struct{} // closed by finish
	drained chan struct{}
	cancel  context.CancelFunc
	batches atomic.Int64 // stored or refused
	limit   limiter

	mu     sync.Mutex
	ending bool

	// Of run only.
	file    *os.File
	offset  int64 // up to here everything is stored
	punched int64
	read    int64 // up to here the file was read
	lines   *lines
}

func newTail(s Stream, o Options) *tail {
	t := &tail{stream: s, options: o, wake: make(chan struct{}, 1), urged: make(chan struct{}), drained: make(chan struct{}), lines: newLines(s.Start)}
	t.limit.stream = &t.stream
	return t
}

// poke says that the file may have grown.
func (t *tail) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// finish says that the file will not grow any more.
func (t *tail) finish() {
	t.mu.Lock()
	if !t.ending {
		t.ending = true
		close(t.urged)
	}
	t.mu.Unlock()
	t.poke()
}

func (t *tail) isEnding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

func (t *tail) run(ctx context.Context) {
	defer func() {
		if t.file != nil {
			t.file.Close()
		}
	}()
	t.offset = t.savedOffset()
	if err := t.repeat(ctx); err != nil {
		return // ctx has ended
	}
	t.read = t.offset
	for ctx.Err() == nil {
		ending := t.isEnding() // before reading: what is written until then is read
		if err := t.gather(ctx, ending); err != nil {
			if ctx.Err() == nil && t.options.Log != nil {
				t.options.Log.Warn("reading a container's log", "file", t.stream.Path, "error", err)
			}
		} else if ending {
			t.limit.report()
			close(t.drained)
			return
		}
		select {
		case <-t.wake:
			t.pause(ctx)
		case <-time.After(t.idle()):
		case <-ctx.Done():
		}
	}
}

// idle is how long to wait without a notice: short while an event of several
// lines may be complete.
func (t *tail) idle() time.Duration {
	if t.lines.open() {
		return max(t.options.Flush, time.Second)
	}
	return time.Minute
}

// pause lets lines gather, unless the end has come.
func (t *tail) pause(ctx context.Context) {
	if t.isEnding() {
		return
	}
	timer := time.NewTimer(t.options.Flush)
	defer timer.Stop()
	for {
		select {
		case <-t.wake:
			if t.isEnding() {
				return
			}
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// gather reads what there is and stores it, batch by batch.
func (t *tail) gather(ctx context.Context, ending bool) error {
	if t.file == nil {
		f, err := os.Open(t.stream.Path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		t.file = f
	}
	quiet := true
	buffer := make([]byte, readSize)
	for {
		n, err := t.file.ReadAt(buffer, t.read)
		if n > 0 {
			quiet = false
			t.lines.add(buffer[:n], t.read, time.Now())
			t.read += int64(n)
			if err := t.store(ctx, false); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if ending {
		t.lines.end(t.read)
	} else if quiet {
		t.lines.closeEvent(t.read)
	}
	return t.store(ctx, true)
}

// store stores the events that are complete: full batches, and with all the rest, too.
func (t *tail) store(ctx context.Context, all bool) error {
	for {
		events, end, more := t.lines.batch(all)
		if len(events) == 0 {
			return nil
		}
		t.note(events, end)
		if err := t.put(ctx, events, false); err != nil {
			return err
		}
		t.batches.Add(1)
		t.lines.stored(len(events))
		t.save(end)
		if !more {
			return nil
		}
	}
}

// put stores one batch, again until it is stored, refused or ctx ends. When the
// end of the file comes it is tried at once: there may be little time left.
func (t *tail) put(ctx context.Context, events []Event, again bool) error {
	urged := t.urged
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		fault.Point("awslogs.put")
		answered := t.limit.ask(t.offset)
		err := t.stream.Put(ctx, events, again)
		answered()
		fault.Point("awslogs.stored")
		again = true
		var refused *Refused
		switch {
		case err == nil:
			t.limit.stored()
			return nil
		case errors.As(err, &refused):
			t.limit.stored()
			if t.stream.Dropped != nil {
				t.stream.Dropped(err)
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		t.limit.failed(t.offset, err)
		select {
		case <-time.After(pause):
		case <-urged:
			urged, pause = nil, firstPause/2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *tail) offsetPath() string { return t.stream.Path + ".offset" }

func (t *tail) savedOffset() int64 {
	content, err := os.ReadFile(t.offsetPath())
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(content)), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// save remembers that everything up to offset is stored, and gives the space back.
func (t *tail) save(offset int64) {
	t.offset = offset
	text := strconv.FormatInt(offset, 10)
	text = strings.Repeat("0", 19-len(text)) + text // one length, so that it is written over in place
	f, err := os.OpenFile(t.offsetPath(), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	f.WriteAt([]byte(text), 0)
	f.Close()
	if offset-t.punched < punchEvery {
		return
	}
	if f, err := os.OpenFile(t.stream.Path, os.O_WRONLY, 0); err == nil {
		unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, t.punched, offset-t.punched)
		f.Close()
		t.punched = offset
	}
}
