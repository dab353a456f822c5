package ecs

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	keepStopped = time.Hour      // tasks, services and clusters stay describable
	keepTokens  = 24 * time.Hour // client tokens of RunTask
	sweepEvery  = time.Minute
)

// forget deletes what AWS does not show any more either: tasks that stopped an
// hour ago, INACTIVE services and clusters, and deleted task definitions that nothing uses.
func (s *Service) forget(ctx context.Context, _ string) (reconcile.Result, error) {
	now := s.Now()
	tx := s.DB.Read()
	var drop []func(*store.Tx)
	used := map[string]bool{}
	for t := range state.Tasks.All(tx, "") {
		if t.LastStatus == state.TaskStopped && now.Sub(t.StoppedAt) > keepStopped && (t.Service == "" || t.Counted) {
			drop = append(drop, unchanged(state.Tasks, t.Key(), t))
			continue
		}
		used[t.TaskDefinition] = true
	}
	for svc := range state.Services.All(tx, "") {
		if svc.Status == "INACTIVE" && now.Sub(svc.DeletedAt) > keepStopped {
			drop = append(drop, unchanged(state.Services, svc.Key(), svc))
		}
		for _, d := range svc.Deployments {
			used[d.TaskDefinition] = used[d.TaskDefinition] || svc.Status != "INACTIVE"
		}
	}
	for c := range state.Clusters.All(tx, "") {
		if c.Status == "INACTIVE" && now.Sub(c.DeletedAt) > keepStopped {
			drop = append(drop, unchanged(state.Clusters, state.Key(c.Account, c.Region, c.Name), c))
		}
	}
	for d := range state.TaskDefinitions.All(tx, "") {
		if d.Status == "DELETE_IN_PROGRESS" && !used[d.ARN()] && now.Sub(d.DeleteRequestedAt) > sweepEvery {
			drop = append(drop, unchanged(state.TaskDefinitions, state.TaskDefinitionKey(d.Account, d.Region, d.Family, d.Revision), d))
		}
	}
	for k := range state.RunTokens.All(tx, "") {
		if now.Sub(k.At) > keepTokens {
			drop = append(drop, unchanged(state.RunTokens, state.Key(k.Account, k.Region, k.Token), k))
		}
	}
	if len(drop) == 0 {
		return reconcile.Result{After: sweepEvery}, nil
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, f := range drop {
			f(tx)
		}
		return nil
	})
	return reconcile.Result{After: sweepEvery}, err
}

// unchanged deletes a record if it is still the one that was looked at.
func unchanged[T any](table *store.Table[T], key string, seen *T) func(*store.Tx) {
	return func(tx *store.Tx) {
		if now, ok := table.Get(tx, key); ok && now == seen {
			table.Delete(tx, key)
		}
	}
}
