package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// benchStart measures how long a start takes, and what an idle instance holds.
func benchStart(ctx context.Context) error {
	var ready []time.Duration
	memory := 0
	for range 5 {
		s, err := startNeargate(ctx)
		if err != nil {
			return err
		}
		ready = append(ready, s.ready)
		time.Sleep(2 * time.Second)
		memory = max(memory, s.memory())
		s.stop()
	}
	slices.Sort(ready)
	fmt.Printf("\nstart until ready: median %s (%s to %s) of 5; goal for the API 100 ms\n", ready[2].Round(time.Millisecond), ready[0].Round(time.Millisecond), ready[4].Round(time.Millisecond))
	fmt.Printf("idle memory with containerd: %d MiB; goal 110 MiB\n", memory/1024)
	return nil
}
