package awslogs

import (
	"fmt"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/runtime/loglimit"
)

// Buffer is how much may gather while events cannot be stored, and what becomes
// of more: the container's writes wait (blocking), or its newest lines are
// dropped (non-blocking), as the driver does on AWS. While events can be stored
// nothing is bounded and nothing is lost. The zero Buffer does not bound at all.
type Buffer struct {
	Size int64
	Drop bool
}

// How long a batch may take before the log is bounded: a container that waits
// loses nothing by it, one that does not wait loses lines.
const (
	slowToWait = time.Second
	slowToDrop = 5 * time.Second
)

// limiter bounds the log file of one tail.
type limiter struct {
	stream *Stream

	mu       sync.Mutex
	asking   bool  // a batch is being stored
	told     bool  // Unreachable was told of the batch
	reported int64 // lines of which Dropped was told
}

// ask says that a batch from offset is being stored: an answer that takes long
// is like none.
func (l *limiter) ask(offset int64) (answered func()) {
	if l.stream.Buffer.Size == 0 {
		return func() {}
	}
	l.mu.Lock()
	l.asking = true
	l.mu.Unlock()
	slow := slowToWait
	if l.stream.Buffer.Drop {
		slow = slowToDrop
	}
	timer := time.AfterFunc(slow, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.asking {
			l.set(offset)
		}
	})
	return func() {
		timer.Stop()
		l.mu.Lock()
		l.asking = false
		l.mu.Unlock()
	}
}

// failed says that a batch from offset could not be stored.
func (l *limiter) failed(offset int64, err error) {
	l.mu.Lock()
	first := !l.told
	l.told = true
	if l.stream.Buffer.Size > 0 {
		l.set(offset)
	}
	l.mu.Unlock()
	if first && l.stream.Unreachable != nil {
		l.stream.Unreachable(err)
	}
}

// set limits the file; l.mu is held. When that does not work lines wait on the disk.
func (l *limiter) set(offset int64) {
	_ = loglimit.Set(l.stream.Path, loglimit.Limit{Size: offset + l.stream.Buffer.Size, Drop: l.stream.Buffer.Drop})
}

// stored says that a batch was taken, or refused for good: the log may grow
// again. The limit may be that of a process before this one.
func (l *limiter) stored() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = false
	_ = loglimit.Clear(l.stream.Path)
}

// report tells how many lines the container could not get rid of.
func (l *limiter) report() {
	n := loglimit.Dropped(l.stream.Path)
	if l.stream.Dropped != nil && n > l.reported {
		l.stream.Dropped(fmt.Errorf("%d lines did not fit into the buffer of %d bytes (max-buffer-size) while the log group could not be reached", n-l.reported, l.stream.Buffer.Size))
	}
	l.reported = n
}
