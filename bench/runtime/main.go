// Command runtime measures how long it takes from "make this container" to its
// process running, beside the floor (plain runc) and a peer (containerd's API
// with a daemon of its own), taking turns in one run so that the ratios hold on
// a busy machine. It needs root, busybox-static, and for the peer containerd.
//
//	go run ./bench/runtime [-n 30] [-parallel 8]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/runtime/containerd"
	"golang.org/x/sync/errgroup"
)

// contender makes a container, starts it, and removes it again.
type contender interface {
	name() string
	start(ctx context.Context, id string) error
	remove(ctx context.Context, id string) error
	close() error
}

func main() {
	containerd.ShimMain()
	n := flag.Int("n", 30, "containers of each contender, one after the other")
	parallel := flag.Int("parallel", 8, "containers at a time in the second part, 0 to leave it out")
	flag.Parse()
	if err := run(*n, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(n, parallel int) (err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bench-runtime-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	layout := dir + "/layout"
	if err := busybox(layout); err != nil {
		return err
	}
	var contenders []contender
	defer func() {
		for _, c := range contenders {
			if closeErr := c.close(); err == nil {
				err = closeErr
			}
		}
	}()
	for _, open := range []func(context.Context, string, string) (contender, error){openOurs, openSecond, openPeer, openRunc} {
		c, err := open(ctx, dir, layout)
		if err != nil {
			return err
		}
		if c != nil {
			contenders = append(contenders, c)
		}
	}
	if err := oneByOne(ctx, contenders, n); err != nil {
		return err
	}
	if parallel == 0 {
		return nil
	}
	return atOnce(ctx, contenders, n, parallel)
}

// busybox is the image that all contenders run: "sleep 600".
func busybox(layout string) error {
	_, err := image.Build(layout, image.Spec{
		Name:   "docker.io/library/bench:latest",
		Layers: [][]image.File{{{Path: "/bin/busybox", Source: "/bin/busybox"}, {Path: "/etc/passwd", Content: []byte("root:x:0:0::/:/bin/sh\n")}}},
		Cmd:    []string{"/bin/busybox", "sleep", "600"},
	})
	return err
}

func oneByOne(ctx context.Context, contenders []contender, n int) error {
	times := make([][]time.Duration, len(contenders))
	for i := range n + 2 {
		for c, contender := range contenders {
			id := fmt.Sprintf("c%d-%d", c, i)
			began := time.Now()
			if err := contender.start(ctx, id); err != nil {
				return fmt.Errorf("%s: %w", contender.name(), err)
			}
			if i >= 2 { // the first ones warm up
				times[c] = append(times[c], time.Since(began))
			}
			if err := contender.remove(ctx, id); err != nil {
				return fmt.Errorf("%s: %w", contender.name(), err)
			}
		}
	}
	fmt.Printf("one by one, %d each\n%-34s %8s %8s %8s %8s %8s\n", n, "", "best ms", "p50 ms", "p95 ms", "x first", "x last")
	first, last := median(times[0]), median(times[len(times)-1])
	for c, contender := range contenders {
		p50 := median(times[c])
		fmt.Printf("%-34s %8.1f %8.1f %8.1f %8.2f %8.2f\n", contender.name(), ms(times[c][0]), ms(p50), ms(times[c][len(times[c])*95/100]),
			float64(p50)/float64(first), float64(p50)/float64(last))
	}
	return nil
}

func atOnce(ctx context.Context, contenders []contender, n, parallel int) error {
	fmt.Printf("\n%d at a time, %d each\n%-34s %8s\n", parallel, n, "", "starts/s")
	for c, contender := range contenders {
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		began := time.Now()
		for i := range n {
			group.Go(func() error { return contender.start(groupCtx, fmt.Sprintf("p%d-%d", c, i)) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("%s: %w", contender.name(), err)
		}
		took := time.Since(began)
		fmt.Printf("%-34s %8.1f\n", contender.name(), float64(n)/took.Seconds())
		for i := range n {
			if err := contender.remove(ctx, fmt.Sprintf("p%d-%d", c, i)); err != nil {
				return fmt.Errorf("%s: %w", contender.name(), err)
			}
		}
	}
	return nil
}

// median sorts the times.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
