package agent

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// prepared is what the containers of a task need and what was fetched through
// the task's network. It is held in memory only: after a restart it is fetched again.
type prepared struct {
	execution Credentials
	secrets   map[string][]string      // NAME=value by container
	files     map[string][]string      // NAME=value of environment files, by container
	images    map[string]runtime.Image // by container
	digests   map[string]string        // as the registry named it, by container
	trust     map[string]trust         // by container
}

// prepare fetches everything that the containers need. The parts run at the same
// time; when several fail, the failure that AWS would have met first is told.
func (a *Agent) prepare(ctx context.Context, t *state.Task) (*prepared, error) {
	l := a.of(t)
	l.mu.Lock()
	have := l.prepared
	l.mu.Unlock()
	if have != nil {
		return have, nil
	}
	d := a.definition(t)
	c, err := a.client(ctx, t)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	p := &prepared{}
	if p.execution, err = a.executionRole(ctx, t); err != nil {
		return nil, err
	}
	auth := newRegistryAuth()
	var pulls []*pull
	err = inOrder(ctx,
		func(ctx context.Context) error { return a.registryAuth(ctx, t, d, c, p.execution, auth) },
		func(ctx context.Context) (err error) {
			p.secrets, err = a.secrets(ctx, t, d, c, p.execution)
			return err
		},
		func(ctx context.Context) (err error) {
			p.files, err = a.environmentFiles(ctx, t, d, c, p.execution)
			return err
		},
		func(ctx context.Context) error { return a.checkLogs(ctx, t, d, c, p.execution) },
		func(ctx context.Context) (err error) {
			pulls, err = a.manifests(ctx, t, d, c, auth)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	if p.images, err = a.pullImages(ctx, t, pulls); err != nil {
		return nil, err
	}
	p.digests, p.trust = map[string]string{}, map[string]trust{}
	for _, pl := range pulls {
		p.digests[pl.container] = pl.target.Digest.String()
		if p.trust[pl.container], err = a.trustStores(ctx, p.images[pl.container]); err != nil {
			return nil, err
		}
	}
	if err := a.pin(ctx, t, d, p.digests); err != nil {
		return nil, err
	}
	ended := time.Now()
	err = a.update(ctx, t, func(r *state.Task) {
		if r.PullStartedAt.IsZero() {
			r.PullStartedAt, r.PullStoppedAt = began, ended
		}
		for i := range r.Containers {
			r.Containers[i].ImageDigest = p.digests[r.Containers[i].Name]
		}
	})
	if err != nil {
		return nil, err
	}
	a.allowed(ctx, t, pulls)
	l.mu.Lock()
	l.prepared = p
	l.mu.Unlock()
	return p, nil
}

// allowed records that everything could be fetched, and from where.
func (a *Agent) allowed(ctx context.Context, t *state.Task, pulls []*pull) {
	d := decision.Decision{Phase: decision.Layers, Verdict: decision.Allow, Confidence: decision.Observed, Cause: "credentials, secrets, log streams and images could be fetched through the task's network"}
	for _, p := range pulls {
		d.Facts = append(d.Facts, decision.Fact{Name: "image", Value: p.name()}, decision.Fact{Name: "digest", Value: p.target.Digest.String()})
	}
	a.decide(ctx, t, d)
}

// inOrder runs the parts at the same time and returns the error of the first
// part, in order, that failed. A failure ends the parts behind it, not those before.
func inOrder(ctx context.Context, parts ...func(context.Context) error) error {
	errs := make([]error, len(parts))
	cancels := make([]context.CancelFunc, len(parts))
	contexts := make([]context.Context, len(parts))
	for i := range parts {
		contexts[i], cancels[i] = context.WithCancel(ctx)
		defer cancels[i]()
	}
	var group errgroup.Group
	for i, part := range parts {
		group.Go(func() error {
			if errs[i] = part(contexts[i]); errs[i] != nil {
				for _, cancel := range cancels[i+1:] {
					cancel()
				}
			}
			return nil
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
