package agent

import (
	"context"
	"maps"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// pin remembers the digests that a deployment's first task runs with, so that a
// tag that moves later does not change the rest of the deployment.
func (a *Agent) pin(ctx context.Context, t *state.Task, d *state.TaskDefinition, digests map[string]string) error {
	if t.Service == "" {
		return nil
	}
	have := a.pinned(t)
	missing := false
	for _, c := range d.Containers {
		missing = missing || c.VersionConsistency != "disabled" && have[c.Name] == ""
	}
	if !missing {
		return nil
	}
	return a.DB.Write(ctx, func(tx *store.Tx) error {
		state.Services.Update(tx, t.ServiceKey(), func(svc *state.Service) {
			svc.Deployments = append([]state.Deployment(nil), svc.Deployments...)
			for i := range svc.Deployments {
				if svc.Deployments[i].ID != t.Deployment {
					continue
				}
				with := maps.Clone(digests)
				maps.Copy(with, svc.Deployments[i].Digests) // who came first
				svc.Deployments[i].Digests = with
			}
		})
		return nil
	})
}
