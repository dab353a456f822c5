package cloudformation

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// parallel is how many resources of one stack are worked on at once.
const parallel = 32

// walk calls do for each name once those it waits for are done, in parallel.
// When one fails (do returns false) those that wait for it are left out; with
// stop, nothing new is begun at all and onFail is called. It returns when all
// that was begun has ended.
func walk(ctx context.Context, graph map[string][]string, stop bool, onFail func(), do func(name string) bool) {
	waiting := map[string]int{}
	needed := map[string][]string{}
	type result struct {
		name string
		ok   bool
	}
	results := make(chan result, len(graph))
	var ready []string
	for name, waits := range graph {
		n := 0
		for _, w := range waits {
			if _, in := graph[w]; in {
				needed[w] = append(needed[w], name)
				n++
			}
		}
		if waiting[name] = n; n == 0 {
			ready = append(ready, name)
		}
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	running, stopped := 0, false
	for {
		for _, name := range ready {
			if stopped || ctx.Err() != nil {
				break
			}
			running++
			group.Go(func() error {
				results <- result{name, do(name)}
				return nil
			})
		}
		ready = nil
		if running == 0 {
			break
		}
		r := <-results
		running--
		if !r.ok {
			if stop && !stopped {
				stopped = true
				onFail()
			}
			continue
		}
		for _, next := range needed[r.name] {
			if waiting[next]--; waiting[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	_ = group.Wait() // the functions return nil
}

// reversed turns a graph around: deletion waits for what depended.
func reversed(graph map[string][]string) map[string][]string {
	out := map[string][]string{}
	for name := range graph {
		out[name] = nil
	}
	for name, waits := range graph {
		for _, w := range waits {
			if _, in := graph[w]; in {
				out[w] = append(out[w], name)
			}
		}
	}
	return out
}
