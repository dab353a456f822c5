package serviceconnect

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CloudMap is called as ECS's own principal. Both return when it is done, and may
// be repeated: what is as it should be is success.
type CloudMap interface {
	RegisterInstance(ctx context.Context, account, region, serviceID, instanceID string, attributes map[string]string) error
	DeregisterInstance(ctx context.Context, account, region, serviceID, instanceID string) error
}

// When a task is put into Cloud Map: when its containers listen, or after the
// time in which AWS would take it for healthy.
const (
	readyEvery = 100 * time.Millisecond
	readyAfter = 40 * time.Second
)

// How long a task that is to stop waits for what it carries.
const (
	drainAtLeast = 500 * time.Millisecond // until all proxies know
	drainAtMost  = 30 * time.Second
)

// attend puts the task into Cloud Map or takes it out, and says when to look again.
func (p *Proxies) attend(ctx context.Context, t *state.Task) (time.Duration, error) {
	c := t.Connect
	switch {
	case len(c.Services) == 0:
		return 0, nil
	case t.DesiredStatus == state.TaskStopped:
		// A crash may have come between being registered and the note of it.
		if t.StartedAt.IsZero() || !c.DeregisteredAt.IsZero() {
			return 0, nil
		}
		return 0, p.deregister(ctx, t)
	case !c.RegisteredAt.IsZero() || t.StartedAt.IsZero():
		return 0, nil
	case time.Since(t.StartedAt) < readyAfter && !ready(t, p.Plane.Listening(t.Interface.ID)):
		return readyEvery, nil
	}
	return 0, p.register(ctx, t)
}

func (p *Proxies) register(ctx context.Context, t *state.Task) error {
	for _, s := range t.Connect.Services {
		fault.Point("serviceconnect.register.before")
		d := state.ConnectDiscovery(p.DB.Read(), t.ConnectNamespace(), s.Discovery())
		if d == nil {
			return fmt.Errorf("service connect: %s is not in Cloud Map", s.Discovery())
		}
		err := p.CloudMap.RegisterInstance(ctx, t.Account, t.Region, d.ID, t.ID, map[string]string{
			"AWS_INSTANCE_IPV4": t.Interface.PrivateIP, "AWS_INSTANCE_PORT": strconv.Itoa(int(s.Ingress())),
			"AvailabilityZone": t.Zone, "DeploymentId": strings.TrimPrefix(t.Deployment, "ecs-svc/"),
		})
		if err != nil {
			return err
		}
	}
	fault.Point("serviceconnect.register.after")
	return p.update(ctx, t, func(c *state.TaskConnect) { c.RegisteredAt = time.Now() })
}

func (p *Proxies) deregister(ctx context.Context, t *state.Task) error {
	for _, s := range t.Connect.Services {
		d := state.ConnectDiscovery(p.DB.Read(), t.ConnectNamespace(), s.Discovery())
		if d == nil {
			continue
		}
		fault.Point("serviceconnect.deregister.before")
		if err := p.CloudMap.DeregisterInstance(ctx, t.Account, t.Region, d.ID, t.ID); err != nil {
			return err
		}
	}
	fault.Point("serviceconnect.deregister.after")
	return p.update(ctx, t, func(c *state.TaskConnect) { c.DeregisteredAt = time.Now() })
}

func (p *Proxies) update(ctx context.Context, t *state.Task, change func(*state.TaskConnect)) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		state.Tasks.Update(tx, t.Key(), func(r *state.Task) {
			if r.Connect != nil {
				c := *r.Connect
				change(&c)
				r.Connect = &c
			}
		})
		return nil
	})
}

// Leaving says how long a task that is to stop must wait at least before its
// containers may be told: until it is out of Cloud Map, every proxy knows, and
// what it carries has ended. Zero means that it may go.
func (p *Proxies) Leaving(t *state.Task) time.Duration {
	c := t.Connect
	if c == nil || c.RegisteredAt.IsZero() || time.Since(t.StoppingAt) > drainAtMost {
		return 0
	}
	if c.DeregisteredAt.IsZero() || len(state.ConnectInstances(p.DB.Read(), t)) > 0 {
		return readyEvery
	}
	if left := drainAtLeast - time.Since(c.DeregisteredAt); left > 0 {
		return left
	}
	if x := p.of(t.Key()); x != nil && x.busy() > 0 {
		return readyEvery
	}
	return 0
}
