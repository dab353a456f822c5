package containerd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/runtimetest"
	"github.com/neargate/neargate/internal/testenv"
)

func TestMain(m *testing.M) {
	ShimMain()
	if plan := os.Getenv(daemonEnv); plan != "" {
		fmt.Fprintln(os.Stderr, daemon(plan))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// testOptions are those of an instance of the test's own; all of it is swept at
// the test's end.
func testOptions(t testing.TB) Options {
	t.Helper()
	testenv.NeedRoot(t)
	o := Options{DataDir: t.TempDir(), Instance: "t-" + ids.Hex(8)}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	t.Cleanup(func() {
		if err := Sweep(o, true); err != nil {
			t.Errorf("sweeping: %v", err)
		}
	})
	return o
}

func open(t testing.TB, o Options) *Runtime {
	t.Helper()
	r, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func itoa(n int) string { return strconv.Itoa(n) }

func TestConformance(t *testing.T) {
	source := runtimetest.ProbeImage(t)
	runtimetest.Test(t, func(t *testing.T) runtimetest.Subject {
		o := testOptions(t)
		r := open(t, o)
		return runtimetest.Subject{Runtime: r, Image: source, Real: true, Restart: func(*testing.T) runtime.Runtime {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = open(t, o)
			return r
		}}
	})
}
