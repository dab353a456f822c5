package iam

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service implements the API of IAM.
type Service struct {
	db   *store.DB
	seal seal.Sealer
	auth *access.Authorizer // evaluates for SimulatePrincipalPolicy
	now  func() time.Time
}

var _ iamapi.API = (*Service)(nil)

// New returns the service over db. Secrets of access keys are sealed with seal.
func New(db *store.DB, seal seal.Sealer, auth *access.Authorizer) *Service {
	return &Service{db: db, seal: seal, auth: auth, now: func() time.Time { return time.Now().UTC().Truncate(time.Second) }}
}

// changeRole applies f to a copy of the caller's role and stores it. Roles that
// are linked to a service are refused.
func (s *Service) changeRole(ctx context.Context, name string, f func(*store.Tx, *state.Role) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := roleNamed(tx, caller.From(ctx).Account, name)
		if err != nil {
			return err
		}
		if old.LinkedService != "" {
			return protectedRole(old)
		}
		role := *old
		if err := f(tx, &role); err != nil {
			return err
		}
		state.Roles.Put(tx, &role)
		return nil
	})
}

// changeUser applies f to a copy of the caller's user and stores it.
func (s *Service) changeUser(ctx context.Context, name string, f func(*store.Tx, *state.User) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := userNamed(tx, caller.From(ctx).Account, name)
		if err != nil {
			return err
		}
		user := *old
		if err := f(tx, &user); err != nil {
			return err
		}
		state.Users.Put(tx, &user)
		return nil
	})
}

// changePolicy applies f to a copy of a customer-managed policy and stores it.
func (s *Service) changePolicy(ctx context.Context, arn string, f func(*store.Tx, *state.Policy) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := ownPolicy(tx, caller.From(ctx).Account, arn)
		if err != nil {
			return err
		}
		p := *old
		if err := f(tx, &p); err != nil {
			return err
		}
		state.Policies.Put(tx, &p)
		return nil
	})
}

func roleNamed(tx *store.Tx, account, name string) (*state.Role, error) {
	role, ok := state.Roles.Get(tx, state.IAMKey(account, name))
	if !ok || role.Name != name {
		return nil, noSuchEntity("The role with name %s cannot be found.", name)
	}
	return role, nil
}

func userNamed(tx *store.Tx, account, name string) (*state.User, error) {
	user, ok := state.Users.Get(tx, state.IAMKey(account, name))
	if !ok || user.Name != name {
		return nil, noSuchEntity("The user with name %s cannot be found.", name)
	}
	return user, nil
}
