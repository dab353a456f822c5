package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/log"

	"github.com/neargate/neargate/internal/runtime/loglimit"
)

const (
	// LastOutput is how long the end of a container waits for what it wrote last;
	// longer only when another process holds its output open.
	LastOutput = time.Second
	// again is how often a log that may not grow is looked at.
	again = 20 * time.Millisecond
	// longestPiece is how much of a line is dropped or kept at once, as Docker does.
	longestPiece = 16 << 10
)

// outputs are the logs of the shim's containers, by container id. Left to
// itself the shim would write them without limit, and tell of a container's end
// before it has written what the container wrote last.
type outputs struct {
	mu   sync.Mutex
	byID map[string]*output
}

// Create completes the container's environment (see SecretsAnnotation) and puts
// an output between the container and its log file.
func (f finishing) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	if err := addSecrets(r.Bundle); err != nil {
		return nil, fmt.Errorf("the container's secrets: %w", err)
	}
	path := logFile(r.Stdout)
	if path == "" {
		return f.TTRPCTaskService.Create(ctx, r)
	}
	o, err := openOutput(path)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	r.Stdout = o.attach()
	if !r.Terminal {
		r.Stderr = o.attach()
	}
	f.outputs.add(r.ID, o)
	answer, err := f.TTRPCTaskService.Create(ctx, r)
	o.attached() // whoever writes has opened the pipes, or never will
	return answer, err
}

// logFile is the regular file that a container's output is to go to, "" for
// anything else.
func logFile(stdout string) string {
	path := stdout
	if u, err := url.Parse(stdout); err == nil && u.Scheme == "file" {
		path = u.Path
	}
	info, err := os.Stat(path)
	if !filepath.IsAbs(path) || err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

func (o *outputs) add(id string, out *output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byID[id] = out
}

// finish is called when a container has ended: what it wrote is written to its
// end, whatever the limit, because there is little of it and nobody to wait.
func (o *outputs) finish(id string) {
	o.mu.Lock()
	out := o.byID[id]
	delete(o.byID, id)
	o.mu.Unlock()
	if out == nil {
		return
	}
	close(out.ended)
	select {
	case <-out.done:
	case <-time.After(LastOutput):
	}
}

// output writes what one container prints to its log.
type output struct {
	path  string
	file  *os.File
	ended chan struct{} // the container has ended
	done  chan struct{} // everything is written

	readers sync.WaitGroup
	writers []*os.File // our ends of the pipes, until the container has its own
}

func openOutput(path string) (*output, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &output{path: path, file: file, ended: make(chan struct{}), done: make(chan struct{})}, nil
}

// attach makes a pipe whose contents go to the log, and returns the path under
// which this process finds it; "" when there are no pipes left.
func (o *output) attach() string {
	r, w, err := os.Pipe()
	if err != nil {
		log.L.WithError(err).Error("no pipe for the output of a container")
		return ""
	}
	o.writers = append(o.writers, w)
	o.readers.Add(1)
	go func() {
		defer o.readers.Done()
		defer r.Close()
		s := stream{output: o}
		if _, err := io.CopyBuffer(&s, onlyReader{r}, make([]byte, 32<<10)); err != nil {
			log.L.WithError(err).Error("writing the log of a container")
		}
		s.report()
	}()
	return fmt.Sprintf("/proc/self/fd/%d", w.Fd())
}

// onlyReader keeps io.Copy from splicing past the limit.
type onlyReader struct{ io.Reader }

// attached gives our ends of the pipes up: they end with those of the container.
func (o *output) attached() {
	for _, w := range o.writers {
		w.Close()
	}
	go func() {
		o.readers.Wait()
		o.file.Close()
		close(o.done)
	}()
}

// stream is one of the two streams of a container.
type stream struct {
	*output
	inLine  bool  // the last byte was not the end of a line
	drop    bool  // the line that goes on is dropped
	dropped int64 // lines that were dropped and not reported
}

// Write implements io.Writer. It waits or drops where the log may not grow.
func (s *stream) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		limit, limited := s.limit()
		if !limited && !s.drop {
			s.report()
			s.inLine = data[len(data)-1] != '\n'
			_, err := s.file.Write(data)
			return n, err
		}
		if limited && !limit.Drop {
			if size, err := s.size(); err == nil && size >= limit.Size {
				s.wait()
				continue
			}
		}
		piece := data[:min(len(data), longestPiece)]
		if i := bytes.IndexByte(piece, '\n'); i >= 0 {
			piece = piece[:i+1]
		}
		data = data[len(piece):]
		if err := s.line(piece, limit, limited); err != nil {
			return n, err
		}
	}
	return n, nil
}

// line writes a line, or a piece of one, or drops it. What was begun is kept to
// the end of its piece, what was dropped to the end of its line.
func (s *stream) line(piece []byte, limit loglimit.Limit, limited bool) error {
	if !s.inLine {
		size, err := s.size()
		s.drop = limited && limit.Drop && err == nil && size+int64(len(piece)) > limit.Size
		if s.drop {
			s.dropped++
		} else {
			s.report()
		}
	}
	s.inLine = piece[len(piece)-1] != '\n'
	if s.drop {
		s.drop = s.inLine
		return nil
	}
	_, err := s.file.Write(piece)
	return err
}

// limit is the limit of the log: none once the container has ended.
func (o *output) limit() (loglimit.Limit, bool) {
	select {
	case <-o.ended:
		return loglimit.Limit{}, false
	default:
		return loglimit.Get(o.path)
	}
}

func (o *output) size() (int64, error) {
	info, err := o.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (o *output) wait() {
	select {
	case <-o.ended:
	case <-time.After(again):
	}
}

// report tells whoever reads the log how many lines are missing in it.
func (s *stream) report() {
	if s.dropped == 0 {
		return
	}
	if err := loglimit.AddDropped(s.path, s.dropped); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.L.WithError(err).Error("counting dropped lines")
	}
	s.dropped = 0
}
