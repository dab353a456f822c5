package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime/loglimit"
)

// printer is an output with a writer as the container has one.
func printer(t *testing.T) (o *output, out *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := openOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err = os.OpenFile(o.attach(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.attached()
	return o, out
}

func read(t *testing.T, o *output) string {
	t.Helper()
	content, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// until waits until the log holds what is expected.
func until(t *testing.T, o *output, want string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); read(t, o) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log is %q, want %q", read(t, o), want)
		}
	}
}

func set(t *testing.T, o *output, l loglimit.Limit) {
	t.Helper()
	if err := loglimit.Set(o.path, l); err != nil {
		t.Fatal(err)
	}
}

func TestOutputIsWrittenToItsEnd(t *testing.T) {
	o, out := printer(t)
	text := strings.Repeat("0123456789\n", 100_000) + "no newline"
	out.WriteString(text)
	out.Close()
	<-o.done
	if got := read(t, o); got != text {
		t.Errorf("%d bytes of %d", len(got), len(text))
	}
}

func TestWhatDoesNotFitWaits(t *testing.T) {
	o, out := printer(t)
	set(t, o, loglimit.Limit{Size: 8})
	out.WriteString("one\ntwo\n")
	until(t, o, "one\ntwo\n")
	out.WriteString("three\n")
	time.Sleep(3 * again)
	until(t, o, "one\ntwo\n")
	if err := loglimit.Clear(o.path); err != nil {
		t.Fatal(err)
	}
	until(t, o, "one\ntwo\nthree\n")
	if n := loglimit.Dropped(o.path); n != 0 {
		t.Errorf("%d lines dropped", n)
	}
	out.Close()
	<-o.done
}

// A writer that waits is stuck once the pipe is full: that is what blocking means.
func TestAContainerThatMayNotPrintIsStuck(t *testing.T) {
	o, out := printer(t)
	set(t, o, loglimit.Limit{Size: 0})
	written := make(chan struct{})
	go func() {
		out.WriteString(strings.Repeat("0123456789abcde\n", 1<<14)) // 256 KiB
		close(written)
	}()
	select {
	case <-written:
		t.Fatal("the writer was not held")
	case <-time.After(3 * again):
	}
	loglimit.Clear(o.path)
	<-written
	out.Close()
	<-o.done
	if n := len(read(t, o)); n != 256<<10 {
		t.Errorf("%d bytes", n)
	}
}

func TestWhatDoesNotFitIsDropped(t *testing.T) {
	o, out := printer(t)
	set(t, o, loglimit.Limit{Size: 10, Drop: true})
	out.WriteString("one\ntwo\nthree\n4\nfi")
	until(t, o, "one\ntwo\n4\n")
	loglimit.Clear(o.path)
	out.WriteString("ve\nsix\n") // the rest of a dropped line is dropped, too
	until(t, o, "one\ntwo\n4\nsix\n")
	if n := loglimit.Dropped(o.path); n != 2 {
		t.Errorf("%d lines dropped, want 2", n)
	}
	out.Close()
	<-o.done
}

func TestNothingIsLimitedAfterTheEnd(t *testing.T) {
	o, out := printer(t)
	all := outputs{byID: map[string]*output{"c": o}}
	set(t, o, loglimit.Limit{Size: 0})
	out.WriteString("last words\n")
	out.Close()
	all.finish("c")
	if got := read(t, o); got != "last words\n" {
		t.Errorf("%q", got)
	}
	all.finish("c") // of a container that is not known
}
