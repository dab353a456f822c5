package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/neargate/neargate/internal/hostsfile"
	"github.com/neargate/neargate/internal/instance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/runtime/containerd"
)

// purgeHost takes away everything that an instance which no longer runs made on
// the host: containers first, then their networks, then names and trust.
func purgeHost(ctx context.Context, dir *instance.Dir, data bool) error {
	log := slog.Default()
	var problems []error
	options := containerd.Options{DataDir: dir.Path, Instance: dir.ID, Log: log}
	if containers, err := containerd.Open(ctx, options); err == nil {
		problems = append(problems, containers.Purge(ctx, data))
	} else {
		log.Warn("containers are removed without containerd", "error", err)
		problems = append(problems, containerd.Sweep(options, data))
	}
	engine, err := network.Open(network.Options{Site: network.Site{Instance: dir.ID, AWS: network.DefaultAWS, Uplinks: network.DefaultUplinks}, Log: log})
	if err == nil {
		problems = append(problems, engine.Purge(ctx), engine.Close())
	} else {
		problems = append(problems, err)
	}
	problems = append(problems, hostsfile.New("/etc/hosts", dir.ID).Remove(), pki.Undo(ctx, "/", trustJournal(dir.Path)))
	return errors.Join(problems...)
}
