package ecr

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// PutLifecyclePolicy puts a lifecycle policy on a repository, and applies it.
func (s *Service) PutLifecyclePolicy(ctx context.Context, in *ecrapi.PutLifecyclePolicyRequest) (*ecrapi.PutLifecyclePolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	if _, err := parseLifecycle(in.LifecyclePolicyText); err != nil {
		return nil, errInvalid("LifecyclePolicyText", "Lifecycle policy validation failure: "+err.Error())
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := s.repository(tx, sc, in.RepositoryName)
		if err != nil {
			return err
		}
		r := *old
		r.LifecyclePolicy = in.LifecyclePolicyText
		state.Repositories.Put(tx, &r)
		return expire(tx, &r, s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutLifecyclePolicyResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName, LifecyclePolicyText: in.LifecyclePolicyText}, nil
}

// GetLifecyclePolicy returns a repository's lifecycle policy.
func (s *Service) GetLifecyclePolicy(ctx context.Context, in *ecrapi.GetLifecyclePolicyRequest) (*ecrapi.GetLifecyclePolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	r, err := s.repository(s.DB.Read(), sc, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if r.LifecyclePolicy == "" {
		return nil, errLifecyclePolicyNotFound(sc, r.Name)
	}
	return &ecrapi.GetLifecyclePolicyResponse{RegistryId: sc.account, RepositoryName: r.Name, LifecyclePolicyText: r.LifecyclePolicy, LastEvaluatedAt: r.LifecycleChecked}, nil
}

// DeleteLifecyclePolicy removes a repository's lifecycle policy.
func (s *Service) DeleteLifecyclePolicy(ctx context.Context, in *ecrapi.DeleteLifecyclePolicyRequest) (*ecrapi.DeleteLifecyclePolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	out := &ecrapi.DeleteLifecyclePolicyResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName}
	err := s.update(ctx, sc, in.RepositoryName, func(r *state.Repository) error {
		if r.LifecyclePolicy == "" {
			return errLifecyclePolicyNotFound(sc, r.Name)
		}
		out.LifecyclePolicyText, out.LastEvaluatedAt = r.LifecyclePolicy, r.LifecycleChecked
		r.LifecyclePolicy, r.LifecycleChecked = "", time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// expire removes the images that the repository's policy says, if it has one.
func expire(tx *store.Tx, r *state.Repository, now time.Time) error {
	if r.LifecyclePolicy == "" {
		return nil
	}
	policy, err := parseLifecycle(r.LifecyclePolicy)
	if err != nil {
		return err
	}
	sc := scope{r.Account, r.Region}
	for _, image := range policy.expired(imagesOf(tx, sc, r.Name), now) {
		state.Images.Delete(tx, image.Key())
		dropLayers(tx, sc, image)
	}
	state.Repositories.Update(tx, r.Key(), func(r *state.Repository) { r.LifecycleChecked = now.UTC() })
	return nil
}

// expireAll applies every lifecycle policy.
func (s *Service) expireAll(ctx context.Context) error {
	var due []string
	for r := range state.Repositories.All(s.DB.Read(), "") {
		if r.LifecyclePolicy != "" {
			due = append(due, r.Key())
		}
	}
	for _, key := range due {
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			if r, ok := state.Repositories.Get(tx, key); ok {
				return expire(tx, r, s.Now())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
