package elbv2

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// saveEvery is how much of a log a crash can take away.
const saveEvery = 100 * time.Millisecond

// spool is the file where a load balancer's lines lie until they are delivered, so
// that a crash does not take them away.
type spool struct {
	mu   sync.Mutex // held by who writes; taken before logLines.mu
	file *os.File   // nil: nothing is kept
}

// spoolPath is where the lines of a load balancer lie.
func (s *Service) spoolPath(key string) string {
	return filepath.Join(s.Plane.Spool, url.PathEscape(key))
}

// openSpool takes up what a former process left, and keeps lines from now on.
func (s *Service) openSpool(b *state.LoadBalancer, r *balancer) error {
	if s.Plane.Spool == "" {
		return nil
	}
	if err := os.MkdirAll(s.Plane.Spool, 0o700); err != nil {
		return err
	}
	left, err := os.ReadFile(s.spoolPath(b.Key()))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(s.spoolPath(b.Key()), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(left), "\n") {
		parts := strings.SplitN(line, " ", 3)
		for _, k := range logKinds {
			if len(parts) == 3 && parts[0] == k.attribute {
				r.lines.add(logPlace{k, parts[1]}, parts[2])
			}
		}
	}
	r.lines.mu.Lock()
	r.lines.keep, r.lines.unsaved, r.lines.fresh = true, nil, make(chan struct{}, 1) // they are there already
	r.lines.mu.Unlock()
	r.spool.file = f
	return nil
}

// save writes new lines down until ctx ends.
func (r *balancer) save(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return r.saveNow()
		case <-r.lines.fresh:
		}
		select { // what comes together is written together
		case <-ctx.Done():
		case <-time.After(saveEvery):
		}
		if err := r.saveNow(); err != nil {
			return err
		}
	}
}

func (r *balancer) saveNow() error {
	r.spool.mu.Lock()
	defer r.spool.mu.Unlock()
	text := r.lines.takeUnsaved()
	if len(text) == 0 || r.spool.file == nil {
		return nil
	}
	_, err := r.spool.file.Write(text)
	if err != nil {
		r.lines.forget()
	}
	return err
}

// settleSpool leaves in the file what was not delivered.
func (r *balancer) settleSpool() error {
	r.spool.mu.Lock()
	defer r.spool.mu.Unlock()
	if r.spool.file == nil {
		return nil
	}
	text := r.lines.all()
	if err := r.spool.file.Truncate(0); err != nil || len(text) == 0 {
		return err
	}
	_, err := r.spool.file.Write(text)
	return err
}

// closeSpool ends the keeping of lines.
func (r *balancer) closeSpool() {
	r.spool.mu.Lock()
	defer r.spool.mu.Unlock()
	if r.spool.file != nil {
		_ = r.spool.file.Close()
		r.spool.file = nil
	}
}

// kept is a line as the spool has it.
func (at logPlace) kept(line string) string {
	return at.kind.attribute + " " + at.zone + " " + line + "\n"
}

// takeUnsaved takes the lines that are not in the spool yet.
func (l *logLines) takeUnsaved() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.unsaved
	l.unsaved = nil
	return text
}

// forget ends the keeping of lines: they cannot be written.
func (l *logLines) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep, l.unsaved = false, nil
}

// all are the lines that wait, for the spool.
func (l *logLines) all() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text []byte
	for at, lines := range l.waiting {
		for _, line := range lines {
			text = append(text, at.kept(line)...)
		}
	}
	l.unsaved = nil
	return text
}
