package reconcile_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/reconcile"
)

func start(t *testing.T, l *reconcile.Loop) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestSignalsCollapseAndAKeyNeverRunsTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs, now atomic.Int32
		l := &reconcile.Loop{Name: "x", Do: func(context.Context, string) (reconcile.Result, error) {
			if now.Add(1) > 1 {
				t.Error("one key is worked on twice at once")
			}
			time.Sleep(time.Second)
			now.Add(-1)
			runs.Add(1)
			return reconcile.Result{}, nil
		}}
		start(t, l)
		for range 100 {
			l.Add("k")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := runs.Load(); n < 10 || n > 12 {
			t.Errorf("%d runs for ten seconds of signals with runs of one second", n)
		}
	})
}

func TestErrorsAreRepeatedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		l := &reconcile.Loop{Name: "x", Do: func(context.Context, string) (reconcile.Result, error) {
			times = append(times, time.Now())
			if len(times) < 5 {
				return reconcile.Result{}, errors.New("not yet")
			}
			return reconcile.Result{}, nil
		}}
		start(t, l)
		l.Add("k")
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(times) != 5 {
			t.Fatalf("%d runs", len(times))
		}
		for i := 2; i < len(times); i++ {
			if a, b := times[i-1].Sub(times[i-2]), times[i].Sub(times[i-1]); b < a {
				t.Errorf("pause %d shrank from %v to %v", i, a, b)
			}
		}
	})
}

func TestAnotherLookIsTakenWhenAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		l := &reconcile.Loop{Name: "x", Do: func(context.Context, string) (reconcile.Result, error) {
			runs++
			return reconcile.Result{After: 10 * time.Second}, nil
		}}
		start(t, l)
		l.Add("k")
		time.Sleep(35 * time.Second)
		synctest.Wait()
		if runs != 4 {
			t.Errorf("%d runs in 35 s", runs)
		}
	})
}
