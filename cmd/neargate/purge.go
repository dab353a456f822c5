package main

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/hostsfile"
	"github.com/neargate/neargate/internal/instance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd"
)

// downGrace is how long containers have to end by themselves.
const downGrace = 3 * time.Second

// purgeHost takes away everything that an instance which no longer runs made on
// the host: containers first, then their networks, then names and trust.
func purgeHost(ctx context.Context, dir *instance.Dir, data bool) error {
	log := slog.Default()
	var problems []error
	options := containerd.Options{DataDir: dir.Path, Instance: dir.ID, Log: log}
	if containers, err := containerd.Open(ctx, options); err == nil {
		askToStop(ctx, containers)
		problems = append(problems, containers.Purge(ctx, data))
	} else {
		log.Warn("containers are removed without containerd", "error", err)
		problems = append(problems, containerd.Sweep(options, data))
	}
	engine, err := network.Open(network.Options{Site: network.DefaultSite(dir.ID), Log: log})
	if err == nil {
		problems = append(problems, engine.Purge(ctx), engine.Close())
	} else {
		problems = append(problems, err)
	}
	problems = append(problems, hostsfile.New("/etc/hosts", dir.ID).Remove(), pki.Undo(ctx, "/", trustJournal(dir.Path)))
	return errors.Join(problems...)
}

// askToStop sends SIGTERM to every container and waits until all have ended,
// but not longer than downGrace. What then still runs is killed by the purge.
func askToStop(ctx context.Context, containers runtime.Runtime) {
	ctx, cancel := context.WithTimeout(ctx, downGrace)
	defer cancel()
	for asked := map[string]bool{}; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		all, err := containers.List(ctx, nil)
		if err != nil {
			return
		}
		running := 0
		for _, c := range all {
			if c.State != runtime.Running {
				continue
			}
			running++
			if !asked[c.ID] {
				asked[c.ID] = true
				if err := containers.Signal(ctx, c.ID, syscall.SIGTERM); err != nil {
					slog.Warn("asking a container to stop", "container", c.ID, "error", err)
				}
			}
		}
		if running == 0 {
			return
		}
	}
}
