package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/bench/runtime"
)

// calm is left after each removal, whose rest goes on behind the answer and
// would be charged to the next contender.
const calm = 150 * time.Millisecond

// oneByOne lets the contenders take turns, so that a busy machine is as busy for
// all of them, and prints their times beside those of the peer and the floor.
func oneByOne(ctx context.Context, contenders []runtime.Contender, rounds int) error {
	times := make([][]time.Duration, len(contenders))
	for i := range rounds + 2 {
		for c, contender := range contenders {
			id := fmt.Sprintf("c%d-%d", c, i)
			began := time.Now()
			if err := contender.Start(ctx, id); err != nil {
				return fmt.Errorf("%s: %w", contender.Name(), err)
			}
			if i >= 2 { // the first ones warm up
				times[c] = append(times[c], time.Since(began))
			}
			if err := contender.Remove(ctx, id); err != nil {
				return fmt.Errorf("%s: %w", contender.Name(), err)
			}
			time.Sleep(calm)
		}
	}
	var peerTime, floor time.Duration
	for c, contender := range contenders {
		slices.Sort(times[c])
		switch contender.(type) {
		case *runtime.Peer:
			peerTime = median(times[c])
		case runtime.Runc:
			floor = median(times[c])
		}
	}
	fmt.Printf("\nuntil the process runs, one by one, %d each\n%-36s %8s %8s %8s %12s %8s\n", rounds, "", "best ms", "p50 ms", "p95 ms", "x containerd", "x runc")
	for c, contender := range contenders {
		p50 := median(times[c])
		fmt.Printf("%-36s %8.1f %8.1f %8.1f %12s %8s\n", contender.Name(), ms(times[c][0]), ms(p50), ms(times[c][len(times[c])*95/100]), ratio(p50, peerTime), ratio(p50, floor))
	}
	return nil
}

// atOnce prints how many containers each contender starts in a second.
func atOnce(ctx context.Context, contenders []runtime.Contender, n, parallel int) error {
	fmt.Printf("\n%d at a time, %d each\n%-36s %8s\n", parallel, n, "", "starts/s")
	for c, contender := range contenders {
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		began := time.Now()
		for i := range n {
			group.Go(func() error { return contender.Start(within, fmt.Sprintf("p%d-%d", c, i)) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("%s: %w", contender.Name(), err)
		}
		took := time.Since(began)
		fmt.Printf("%-36s %8.1f\n", contender.Name(), float64(n)/took.Seconds())
		for i := range n {
			if err := contender.Remove(ctx, fmt.Sprintf("p%d-%d", c, i)); err != nil {
				return fmt.Errorf("%s: %w", contender.Name(), err)
			}
		}
	}
	return nil
}

// median takes sorted times.
func median(times []time.Duration) time.Duration { return times[len(times)/2] }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// ratio is "-" where there is nothing to compare with.
func ratio(a, b time.Duration) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}
