package runtimetest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/loglimit"
)

// logEnd: once a container is Stopped, all that it printed is in its log.
func (s *suite) logEnd(t *testing.T) {
	s.real(t)
	for range 3 {
		spec := s.run(t, []string{"repeat", "4000", strings.Repeat("x", 99)})
		s.stopped(t, spec.ID)
		content, err := os.ReadFile(spec.LogPath)
		must(t, err)
		if len(content) != 4000*100 {
			t.Errorf("%d bytes of %d are in the log", len(content), 4000*100)
		}
	}
}

// logLimit: a container that may not print more waits, or its lines are dropped;
// its end is not held up.
func (s *suite) logLimit(t *testing.T) {
	s.real(t)
	size := func(spec runtime.ContainerSpec) int64 {
		info, err := os.Stat(spec.LogPath)
		must(t, err)
		return info.Size()
	}
	limited := func(l loglimit.Limit) runtime.ContainerSpec {
		spec := s.create(t, s.task(t), []string{"repeat", "10000", strings.Repeat("x", 99)})
		must(t, loglimit.Set(spec.LogPath, l))
		s.start(t, spec)
		return spec
	}

	waits := limited(loglimit.Limit{Size: 1000})
	eventually(t, "the log is full", func() bool { return size(waits) >= 1000 })
	time.Sleep(100 * time.Millisecond)
	if c := s.inspect(t, waits.ID); c.State != runtime.Running {
		t.Errorf("a container that cannot print is %s", c.State)
	}
	if n := size(waits); n > 100_000 {
		t.Errorf("the log has %d bytes and should have about 1000", n)
	}
	must(t, loglimit.Clear(waits.LogPath))
	s.stopped(t, waits.ID)
	if n := size(waits); n != 1_000_000 || loglimit.Dropped(waits.LogPath) != 0 {
		t.Errorf("the log has %d bytes, %d lines were dropped", n, loglimit.Dropped(waits.LogPath))
	}

	drops := limited(loglimit.Limit{Size: 1000, Drop: true})
	if c := s.stopped(t, drops.ID); c.ExitCode != 0 {
		t.Errorf("exit code %d", c.ExitCode)
	}
	lines := size(drops) / 100
	if lines+loglimit.Dropped(drops.LogPath) != 10_000 || lines < 10 || lines > 5000 {
		t.Errorf("%d lines are in the log, %d were dropped", lines, loglimit.Dropped(drops.LogPath))
	}
}
