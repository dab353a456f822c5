package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// uses collects what keys and roles are used for and stores it now and then, all
// in one commit: a request must not wait for the disk to be noted. A crash
// forgets the last few seconds.
type uses struct {
	db *store.DB

	mu      sync.Mutex
	keys    map[string]state.KeyUse
	actions map[actionKey]*pending // counts since the last flush
}

// pending is what is not stored yet of the use of an action.
type pending struct {
	state.ActionUse
	on onResources
}

// stored is the use as it is kept.
func (p *pending) stored() state.ActionUse {
	use := p.ActionUse
	use.On = p.on.list()
	return use
}

type actionKey struct{ principalID, action string }

// usesInterval is how late a use may be in the store. AWS takes hours.
const usesInterval = 5 * time.Second

// maxActionsKept bounds what is remembered of one principal: more actions than
// all services together have.
const maxActionsKept = 2000

func newUses(db *store.DB) *uses {
	return &uses{db: db, keys: map[string]state.KeyUse{}, actions: map[actionKey]*pending{}}
}

// note notes that somebody tried an action, and what was answered. Only what was
// allowed counts as a use of the key, or of the role behind a session.
func (u *uses) note(q *question, r policy.Result, at time.Time) {
	id, action, resource, allowed := q.id, q.req.Action, q.req.Resource, r.Allowed
	at = at.UTC().Truncate(time.Second)
	name := id.AccessKeyID
	if id.RoleARN != "" {
		name = id.RoleARN
	}
	principalID, principal := principalOfUse(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	if allowed && name != "" {
		u.keys[name] = state.KeyUse{ID: name, At: at, Region: id.Region, Service: serviceOf(action)}
	}
	if principalID == "" {
		return
	}
	use := u.actions[actionKey{principalID, action}]
	if use == nil {
		use = &pending{ActionUse: state.ActionUse{PrincipalID: principalID, Principal: principal, Action: action}}
		u.actions[actionKey{principalID, action}] = use
	}
	use.Region, use.Resource = id.Region, resource
	if allowed {
		use.Allowed, use.LastAllowed = use.Allowed+1, at
	} else {
		use.Denied, use.LastDenied = use.Denied+1, at
	}
	use.on.note(q, r, at)
}

// principalOfUse is the unique id and the ARN under which a caller's uses are
// kept; empty for root users and services, whom no identity policy restrains.
func principalOfUse(id *caller.Identity) (principalID, arn string) {
	switch id.Type {
	case caller.AssumedRole:
		principalID, _, _ = strings.Cut(id.UserID, ":")
		return principalID, id.RoleARN
	case caller.User:
		return id.UserID, id.ARN
	}
	return "", ""
}

// of returns what a principal did, in the order of actions, with what is not
// stored yet.
func (u *uses) of(tx *store.Tx, principalID string) []state.ActionUse {
	var all []state.ActionUse
	for use := range state.ActionUses.All(tx, state.ActionUseKey(principalID, "")) {
		all = append(all, *use)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, use := range u.actions {
		if key.principalID != principalID {
			continue
		}
		if i := slices.IndexFunc(all, func(a state.ActionUse) bool { return a.Action == key.action }); i >= 0 {
			all[i] = sum(all[i], use.stored())
		} else {
			all = append(all, use.stored())
		}
	}
	slices.SortFunc(all, func(a, b state.ActionUse) int { return strings.Compare(a.Action, b.Action) })
	return all
}

// sum adds newer counts to stored ones.
func sum(old, fresh state.ActionUse) state.ActionUse {
	fresh.Allowed, fresh.Denied = old.Allowed+fresh.Allowed, old.Denied+fresh.Denied
	if fresh.LastAllowed.IsZero() {
		fresh.LastAllowed = old.LastAllowed
	}
	if fresh.LastDenied.IsZero() {
		fresh.LastDenied = old.LastDenied
	}
	fresh.On = together(old.On, fresh.On)
	return fresh
}

func (u *uses) run(ctx context.Context) error {
	tick := time.NewTicker(usesInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := u.flush(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return u.flush(context.WithoutCancel(ctx))
		}
	}
}

func (u *uses) flush(ctx context.Context) error {
	u.mu.Lock()
	keys, actions := u.keys, u.actions
	u.keys, u.actions = map[string]state.KeyUse{}, map[actionKey]*pending{}
	u.mu.Unlock()
	if len(keys) == 0 && len(actions) == 0 {
		return nil
	}
	return u.db.Write(ctx, func(tx *store.Tx) error {
		for _, use := range keys {
			state.KeyUses.Put(tx, &use)
		}
		for key, pending := range actions {
			use := pending.stored()
			if !principalExists(tx, &use) {
				continue // deleted since
			}
			if old, ok := state.ActionUses.Get(tx, state.ActionUseKey(key.principalID, key.action)); ok {
				use = sum(*old, use)
			} else if full(tx, key.principalID) {
				continue
			}
			state.ActionUses.Put(tx, &use)
		}
		return nil
	})
}

// principalExists reports whether the role or user is still the one that acted.
func principalExists(tx *store.Tx, use *state.ActionUse) bool {
	if role, ok := RoleOf(tx, use.Principal); ok {
		return role.ID == use.PrincipalID
	}
	user, ok := userOf(tx, use.Principal)
	return ok && user.ID == use.PrincipalID
}

func full(tx *store.Tx, principalID string) bool {
	n := 0
	for range state.ActionUses.All(tx, state.ActionUseKey(principalID, "")) {
		n++
	}
	return n >= maxActionsKept
}

// Uses returns what a role or user (its unique id: AROA..., AIDA...) was allowed
// and denied, one entry per action in their order, with what it was tried on, up
// to this moment. The entries are shared: they are never written.
func (a *Authorizer) Uses(tx *store.Tx, principalID string) []state.ActionUse {
	return a.keys.uses.of(tx, principalID)
}
