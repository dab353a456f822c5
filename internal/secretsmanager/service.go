package secretsmanager

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/envelope"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service is AWS Secrets Manager. Its methods are the generated API.
type Service struct {
	db             *store.DB
	keys           *envelope.Keys
	self           secretsmanagerapi.API // called as the caller: for operations that are made of others
	validatePolicy func(document string) error
	now            func() time.Time
}

var _ secretsmanagerapi.API = (*Service)(nil)

// New returns the service. KMS is called by invoker; validatePolicy returns an
// error whose text says what is wrong with a policy document; now is time.Now but
// in tests.
func New(db *store.DB, invoker wire.Invoker, validatePolicy func(document string) error, now func() time.Time) *Service {
	keys := envelope.New(kmsapi.NewClient(invoker), "secretsmanager.amazonaws.com")
	return &Service{db: db, keys: keys, self: secretsmanagerapi.NewClient(invoker), validatePolicy: validatePolicy, now: now}
}

// Run deletes secrets whose recovery window has ended, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		if err := s.purge(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Service) purge(ctx context.Context) error {
	now := s.now()
	var due []string
	for sec := range state.Secrets.All(s.db.Read(), "") {
		if s.gone(sec, now) {
			due = append(due, sec.Key())
		}
	}
	if len(due) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, key := range due {
			if sec, ok := state.Secrets.Get(tx, key); ok && s.gone(sec, now) {
				state.Secrets.Delete(tx, key)
			}
		}
		return nil
	})
}

// gone reports whether the recovery window of a secret has ended.
func (s *Service) gone(sec *state.Secret, now time.Time) bool {
	return !sec.DeletedAt.IsZero() && !sec.DeletedAt.After(now)
}

func errNotFound() error {
	return &secretsmanagerapi.ResourceNotFoundException{Message: "Secrets Manager can't find the specified secret."}
}

func invalidParameter(message string) error {
	return &secretsmanagerapi.InvalidParameterException{Message: message}
}

func invalidRequest(message string) error {
	return &secretsmanagerapi.InvalidRequestException{Message: message}
}

// find returns the secret that an id stands for: its name, its ARN, or its ARN
// without the six characters at the end.
func (s *Service) find(tx *store.Tx, id caller.Identity, secretID string) (*state.Secret, error) {
	key, suffix := state.Key(id.Account, id.Region, secretID), ""
	if a, err := arn.Parse(secretID); err == nil {
		name, ok := strings.CutPrefix(a.Resource, "secret:")
		if !ok || a.Service != "secretsmanager" || a.Region != id.Region {
			return nil, errNotFound()
		}
		key = state.Key(a.Account, a.Region, name)
		if i := len(name) - 7; i > 0 && name[i] == '-' {
			if sec, ok := state.Secrets.Get(tx, state.Key(a.Account, a.Region, name[:i])); ok && sec.Suffix == name[i+1:] {
				key, suffix = sec.Key(), sec.Suffix
			}
		}
	} else if err := checkName(secretID); err != nil {
		return nil, err
	}
	sec, ok := state.Secrets.Get(tx, key)
	if !ok || suffix != "" && sec.Suffix != suffix || s.gone(sec, s.now()) {
		return nil, errNotFound()
	}
	return sec, nil
}

// alive is find for operations that a secret marked for deletion refuses.
func (s *Service) alive(tx *store.Tx, id caller.Identity, secretID string) (*state.Secret, error) {
	sec, err := s.find(tx, id, secretID)
	if err != nil {
		return nil, err
	}
	if !sec.DeletedAt.IsZero() {
		return nil, invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
	}
	return sec, nil
}

// update changes a copy of a living secret's record.
func (s *Service) update(ctx context.Context, secretID string, change func(*state.Secret) error) (*state.Secret, error) {
	var changed state.Secret
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		sec, err := s.alive(tx, caller.From(ctx), secretID)
		if err != nil {
			return err
		}
		changed = *sec
		changed.Versions = slices.Clone(sec.Versions)
		if err := change(&changed); err != nil {
			return err
		}
		state.Secrets.Put(tx, &changed)
		return nil
	})
	return &changed, err
}
