package awslogs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime/loglimit"
)

// sink stores events in memory.
type sink struct {
	mu     sync.Mutex
	events []string
	calls  int
	fail   []error
	bad    string
}

func (s *sink) put(_ context.Context, events []Event, again bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		return err
	}
	size, last := 0, int64(0)
	for _, e := range events {
		size += len(e.Message) + eventOverhead
		if e.Message == "" || len(e.Message) > maxEvent || e.Timestamp < last {
			s.bad = fmt.Sprintf("event of %d bytes at %d after %d", len(e.Message), e.Timestamp, last)
		}
		last = e.Timestamp
		s.events = append(s.events, e.Message)
	}
	if size > maxBatch || len(events) > maxEvents {
		s.bad = fmt.Sprintf("batch of %d events, %d bytes", len(events), size)
	}
	return nil
}

func run(t *testing.T, d *Driver) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func drain(t *testing.T, d *Driver, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.Drain(ctx, path, 10*time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestABurstIsStoredWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	var s sink
	d := New(Options{Flush: 10 * time.Millisecond})
	defer run(t, d)()
	d.Follow(Stream{Path: path, Put: s.put})
	var content bytes.Buffer
	for i := 0; content.Len() < 10<<20; i++ {
		fmt.Fprintf(&content, "line %d %s\n", i, strings.Repeat("x", i%200))
	}
	content.WriteString("no newline")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	drain(t, d, path)
	if got := strings.Join(s.events, "\n"); got != content.String() {
		t.Errorf("%d bytes stored of %d", len(got), content.Len())
	}
	if s.bad != "" {
		t.Error(s.bad)
	}
}

func TestLinesArriveSoonAndARestartGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, _ := os.Create(path)
	defer f.Close()
	var s sink
	d := New(Options{Flush: 10 * time.Millisecond})
	stop := run(t, d)
	d.Follow(Stream{Path: path, Put: s.put})
	fmt.Fprintln(f, "one")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.events)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the line did not arrive")
		}
	}
	stop()
	fmt.Fprint(f, "two\n\nthree\n")
	d = New(Options{Flush: 10 * time.Millisecond})
	defer run(t, d)()
	d.Follow(Stream{Path: path, Put: s.put})
	drain(t, d, path)
	if want := []string{"one", "two", "three"}; !reflect.DeepEqual(s.events, want) {
		t.Errorf("%q", s.events)
	}
}

func TestErrorsAreRepeatedAndRefusalsAreDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	os.WriteFile(path, []byte("one\n"), 0o600)
	s := sink{fail: []error{errors.New("network"), errors.New("network")}}
	d := New(Options{Flush: time.Millisecond})
	defer run(t, d)()
	d.Follow(Stream{Path: path, Put: s.put})
	drain(t, d, path)
	if !reflect.DeepEqual(s.events, []string{"one"}) || s.calls != 3 {
		t.Errorf("%q after %d calls", s.events, s.calls)
	}
	other := filepath.Join(t.TempDir(), "b.log")
	os.WriteFile(other, []byte("one\n"), 0o600)
	var dropped error
	r := sink{fail: []error{&Refused{errors.New("no such group")}}}
	d.Follow(Stream{Path: other, Put: r.put, Dropped: func(err error) { dropped = err }})
	drain(t, d, other)
	if dropped == nil || len(r.events) != 0 {
		t.Errorf("dropped %v, events %q", dropped, r.events)
	}
}

// The limit of a log is there while, and only while, events cannot be stored.
func TestALogIsBoundedWhileItCannotBeStored(t *testing.T) {
	for _, drop := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a.log")
		os.WriteFile(path, []byte("one\n"), 0o600)
		seen := make(chan loglimit.Limit, 1)
		unreachable, calls := 0, 0
		var dropped error
		d := New(Options{Flush: time.Millisecond})
		defer run(t, d)()
		d.Follow(Stream{Path: path, Buffer: Buffer{Size: 100, Drop: drop}, Unreachable: func(error) { unreachable++ }, Dropped: func(err error) { dropped = err },
			Put: func(context.Context, []Event, bool) error {
				if calls++; calls < 3 {
					return errors.New("network")
				}
				if l, ok := loglimit.Get(path); ok && calls == 3 {
					loglimit.AddDropped(path, 7) // as the supervisor does meanwhile
					seen <- l
				}
				return nil
			}})
		drain(t, d, path)
		if l := <-seen; l.Size != 100 || l.Drop != drop {
			t.Errorf("limit %+v", l)
		}
		if l, ok := loglimit.Get(path); ok || unreachable != 1 {
			t.Errorf("after the end: %+v; told %d times", l, unreachable)
		}
		if dropped == nil || !strings.HasPrefix(dropped.Error(), "7 lines did not fit") {
			t.Errorf("dropped: %v", dropped)
		}
	}
}

// A kill between the store's having a batch and our noting it must not double it.
func TestABatchWithoutAnAnswerIsRepeatedAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "one\ntwo\n")
	killed := make(chan []Event)
	d := New(Options{Flush: time.Millisecond})
	stop := run(t, d)
	d.Follow(Stream{Path: path, Put: func(ctx context.Context, events []Event, again bool) error {
		killed <- events // stored, and then the process is gone
		<-ctx.Done()
		return ctx.Err()
	}})
	first := <-killed
	stop()
	fmt.Fprint(f, "three\n")
	type call struct {
		events []Event
		again  bool
	}
	var calls []call
	d = New(Options{Flush: time.Millisecond})
	defer run(t, d)()
	d.Follow(Stream{Path: path, Put: func(_ context.Context, events []Event, again bool) error {
		calls = append(calls, call{events, again})
		return nil
	}})
	drain(t, d, path)
	if len(calls) != 2 || !calls[0].again || !reflect.DeepEqual(calls[0].events, first) || calls[1].again || len(calls[1].events) != 1 || calls[1].events[0].Message != "three" {
		t.Errorf("after %v came %+v", first, calls)
	}
}

func TestDrainGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	os.WriteFile(path, []byte("one\n"), 0o600)
	d := New(Options{Flush: time.Millisecond})
	defer run(t, d)()
	d.Follow(Stream{Path: path, Put: func(ctx context.Context, _ []Event, _ bool) error { <-ctx.Done(); return ctx.Err() }})
	if err := d.Drain(t.Context(), path, 20*time.Millisecond); !errors.Is(err, ErrNoProgress) {
		t.Error(err)
	}
	d.Forget(path)
}

func TestLines(t *testing.T) {
	at := time.UnixMilli(1)
	events := func(l *lines) (out []string) {
		for _, p := range l.ready {
			out = append(out, p.Message)
		}
		return out
	}
	t.Run("several lines per event", func(t *testing.T) {
		l := newLines(StartPattern("%Y-%m-%d", ""))
		text := "2026-01-02 a\n  b\n2026-01-03 c\nd"
		for i := range text { // byte by byte: pieces must not matter
			l.add([]byte{text[i]}, int64(i), at)
		}
		if got := events(l); !reflect.DeepEqual(got, []string{"2026-01-02 a\n  b"}) || l.ready[0].end != 17 {
			t.Errorf("%q %+v", got, l.ready)
		}
		l.end(int64(len(text)))
		if got := events(l); len(got) != 2 || got[1] != "2026-01-03 c\nd" {
			t.Errorf("%q", got)
		}
	})
	t.Run("long lines are cut between characters", func(t *testing.T) {
		l := newLines(nil)
		text := "x" + strings.Repeat("é", maxEvent)
		l.add([]byte(text+"\n"), 0, at)
		if strings.Join(events(l), "") != text {
			t.Error("text changed")
		}
		for _, p := range l.ready {
			if len(p.Message) > maxEvent || strings.ContainsRune(p.Message, '\uFFFD') {
				t.Errorf("piece of %d bytes", len(p.Message))
			}
		}
	})
}

func TestStartPattern(t *testing.T) {
	for format, line := range map[string]string{
		`\[%b %d, %Y %H:%M:%S\]`: "[May 01, 2017 19:00:01] A message",
		"%Y-%m-%dT%H:%M:%S":      "2026-11-22T06:00:00Z x",
		"%d/%m/%y %I:%M %p":      "1/2/26 3:04 PM",
	} {
		if re := StartPattern(format, ""); re == nil || !re.MatchString(line) || re.MatchString("  at java.lang") {
			t.Errorf("%s does not match %q", format, line)
		}
	}
	if StartPattern("", "") != nil || !StartPattern("", "^INFO").MatchString("INFO x") {
		t.Error("pattern")
	}
}
