package reconcile

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestCrew: what has not changed goes on, what has changed ends before it begins
// again, and what is gone is told of when its work has ended.
func TestCrew(t *testing.T) {
	seen := make(chan string)
	crew := NewCrew(func(a, b int) bool { return a == b }, func(ctx context.Context, key string, n int) {
		seen <- fmt.Sprint("begin ", key, n)
		<-ctx.Done()
		seen <- fmt.Sprint("end ", key, n)
	}, func(key string) { seen <- "gone " + key })
	ctx, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { return crew.Run(ctx) })
	expect := func(want ...string) {
		t.Helper()
		var got []string
		for range want {
			got = append(got, <-seen)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
	crew.Set(map[string]int{"a": 1, "b": 1})
	expect("begin a1", "begin b1")
	crew.Set(map[string]int{"a": 1, "b": 2})
	expect("end b1")
	expect("begin b2")
	crew.Set(map[string]int{"a": 1, "c": 1})
	expect("end b2")
	expect("gone b")
	expect("begin c1")
	stop()
	expect("end a1", "end c1")
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
