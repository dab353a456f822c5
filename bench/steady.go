package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// steadyTime is how long a constant rate is kept, after a quarter of it that does
// not count.
const steadyTime = 4 * time.Second

// latencies are what requests at a constant rate took, from when they were due.
type latencies struct{ P50, P99 time.Duration }

// steadyLoad asks url at a constant rate, from a process of its own on the core of
// the load.
func steadyLoad(ctx context.Context, url string, rate float64, conns int) (latencies, error) {
	self, err := os.Executable()
	if err != nil {
		return latencies{}, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", loadCore, self, "steady", url, strconv.Itoa(int(rate)), strconv.Itoa(conns))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return latencies{}, fmt.Errorf("steady load: %w", err)
	}
	var l latencies
	return l, json.Unmarshal(out, &l)
}

// sendSteady is the process of steadyLoad. A request that is due while all
// connections are busy waits, and its wait counts.
func sendSteady(ctx context.Context) error {
	target, err := url.Parse(os.Args[2])
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	conns, err := strconv.Atoi(os.Args[4])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(2) // one sleeps
	due := make(chan time.Time, rate)
	took := make([][]time.Duration, conns)
	group, ctx := errgroup.WithContext(ctx)
	from := time.Now().Add(steadyTime / 4)
	for i := range conns {
		c, err := dialSteady(target)
		if err != nil {
			return err
		}
		group.Go(func() error {
			defer c.Close()
			return c.serve(due, func(at time.Time, d time.Duration) {
				if at.After(from) {
					took[i] = append(took[i], d)
				}
			})
		})
	}
	group.Go(func() error {
		defer close(due)
		return pace(ctx, due, rate, steadyTime+steadyTime/4)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) < rate {
		return errors.New("too few requests were answered")
	}
	return json.NewEncoder(os.Stdout).Encode(latencies{all[len(all)/2], all[len(all)*99/100]})
}

// pace says when requests are due. It sleeps by the kernel's clock, as the
// scheduler's timers are a millisecond late in a process that waits.
func pace(ctx context.Context, due chan<- time.Time, rate int, long time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	for n := 0; ; n++ {
		at := start.Add(time.Duration(n) * time.Second / time.Duration(rate))
		if at.Sub(start) > long || ctx.Err() != nil {
			return ctx.Err()
		}
		if wait := time.Until(at); wait > 0 {
			t := unix.NsecToTimespec(int64(wait))
			_ = unix.Nanosleep(&t, nil)
		}
		select {
		case due <- at:
		default:
			return errors.New("a second of requests waits: the rate is too high")
		}
	}
}

// steadyConn is a connection that asks one thing again and again.
type steadyConn struct {
	net.Conn
	r       *bufio.Reader
	request []byte
}

func dialSteady(target *url.URL) (*steadyConn, error) {
	c, err := net.Dial("tcp", target.Host)
	if err != nil {
		return nil, err
	}
	if target.Scheme == "https" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) // its certificate was made for this run
	}
	return &steadyConn{c, bufio.NewReaderSize(c, 8<<10), []byte("GET " + target.Path + " HTTP/1.1\r\nHost: " + target.Host + "\r\n\r\n")}, nil
}

func (c *steadyConn) serve(due <-chan time.Time, done func(at time.Time, took time.Duration)) error {
	for at := range due {
		if _, err := c.Write(c.request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			return errors.Join(err, errors.New(resp.Status))
		}
		done(at, time.Since(at))
	}
	return nil
}

// compareLatency measures what each contender adds to the backend's latency, at
// half of what the slowest of them carries.
func compareLatency(ctx context.Context, contenders []*proxy, backend *proxy) error {
	fmt.Printf("\n%-28s %12s %10s %10s %10s\n", "at half load", "", "req/s", "p50 +ms", "p99 +ms")
	b := bodies[0]
	for _, secure := range []bool{false, true} {
		rate := 0.0
		for _, p := range contenders {
			c, err := p.load(ctx, b, secure)
			if err != nil {
				return err
			}
			if half := c.perSecond / 2; rate == 0 || half < rate {
				rate = half
			}
		}
		results := make([][]latencies, len(contenders))
		for range proxyRounds {
			base, err := steadyLoad(ctx, "http://"+backend.http+"/"+b.name, rate, b.conns)
			if err != nil {
				return err
			}
			for i, p := range contenders {
				l, err := steadyLoad(ctx, p.url(b, secure), rate, b.conns)
				if err != nil {
					return err
				}
				results[i] = append(results[i], latencies{l.P50 - base.P50, l.P99 - base.P99})
			}
		}
		for i, p := range contenders {
			fmt.Printf("%-28s %12s %10.0f %10.2f %10.2f\n", p.name, protocol(secure)+" "+b.name, rate,
				middleOf(results[i], func(l latencies) float64 { return float64(l.P50) / 1e6 }), middleOf(results[i], func(l latencies) float64 { return float64(l.P99) / 1e6 }))
		}
	}
	return nil
}
