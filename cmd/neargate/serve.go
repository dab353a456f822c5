package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/ecs/agent"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/instance"
	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/runtime/containerd"
)

// drain is how long requests under way may take when the instance stops.
const drain = 5 * time.Second

// serveHTTP serves until ctx ends and then lets requests under way finish.
func serveHTTP(ctx context.Context, server *http.Server, l net.Listener) error {
	done := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		done <- server.Shutdown(last)
	})
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// patience is how long a start waits for a data directory and a port: those of a
// process that was killed stay taken while a child of it, forked a moment before,
// has not come to its exec.
const patience = 2 * time.Second

// patiently tries until what is taken is free, or patience ends.
func patiently[T any](try func() (T, error)) (T, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got, err := try()
		if taken := errors.Is(err, instance.ErrLocked) || errors.Is(err, syscall.EADDRINUSE); !taken || time.Now().After(end) {
			return got, err
		}
	}
}

func openDir(path string) (*instance.Dir, error) {
	dir, err := patiently(func() (*instance.Dir, error) { return instance.Open(path) })
	if errors.Is(err, instance.ErrLocked) {
		return nil, &cli.Error{What: "cannot start: another Neargate runs on " + path, Fix: "neargate status   or   --data-dir elsewhere", Code: "host.data-dir-busy", Exit: cli.ExitConflict}
	}
	return dir, err
}

func portBusy(address string, err error) error {
	if strings.Contains(err.Error(), "in use") {
		return &cli.Error{What: "cannot start: " + address + " is in use", Why: "Neargate answers AWS calls there", Fix: "stop what listens there, or --listen 127.0.0.1:4567", Code: "host.port-busy", Exit: cli.ExitConflict}
	}
	return &cli.Error{What: "cannot start: " + err.Error(), Code: "host.listen"}
}

// paces are the speeds of pure waits.
func paces(name string) (deployment.Pace, agent.Pace) {
	if name == "aws" {
		return deployment.AWSPace, agent.AWSPace
	}
	return deployment.FastPace, agent.FastPace
}

func dialers(engine network.Engine) func(string) agent.DialFunc {
	return func(eni string) agent.DialFunc { return agent.DialFunc(engine.Dialer(eni)) }
}

// taskSource lets metadata be served before the agent is made.
type taskSource struct{ metadata.Source }

// identify tells which task asks for metadata.
func identify(r *http.Request) (metadata.Caller, bool) {
	facts, ok := edge.Conn(r.Context())
	return metadata.Caller{VPC: facts.VPC, IP: facts.Source}, ok
}

func embeddedRunc() bool { return containerd.RuncBuiltIn() }

// spendMemory has the heap grow to four times what is live before it is collected:
// the heap is small, so that by Go's default a quarter of a busy API's time went
// into collecting it. GOGC in the environment says otherwise.
func spendMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}
