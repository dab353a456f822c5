package kms

import (
	"context"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const (
	defaultRotation = 365 // days
	maxOnDemand     = 25  // rotations
)

// rotatable refuses keys whose material cannot change.
func rotatable(key *state.KMSKey) error {
	if key.Spec != symmetric {
		return &kmsapi.UnsupportedOperationException{}
	}
	return usable(key)
}

// EnableKeyRotation gives a key new material every year, or as often as is said.
func (s *Service) EnableKeyRotation(ctx context.Context, in *kmsapi.EnableKeyRotationRequest) error {
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		days := wire.Or(in.RotationPeriodInDays, defaultRotation)
		if key.RotationDays != days {
			key.RotationDays, key.RotateFrom = days, s.now()
		}
		return rotatable(key)
	})
	return err
}

// DisableKeyRotation ends automatic rotation.
func (s *Service) DisableKeyRotation(ctx context.Context, in *kmsapi.DisableKeyRotationRequest) error {
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		key.RotationDays = 0
		return rotatable(key)
	})
	return err
}

// GetKeyRotationStatus tells whether a key rotates by itself, and when.
func (s *Service) GetKeyRotationStatus(ctx context.Context, in *kmsapi.GetKeyRotationStatusRequest) (*kmsapi.GetKeyRotationStatusResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.GetKeyRotationStatusResponse{KeyId: key.ARN(), KeyRotationEnabled: key.RotationDays > 0 && key.DeletionAt.IsZero()}
	if out.KeyRotationEnabled {
		out.RotationPeriodInDays, out.NextRotationDate = key.RotationDays, nextRotation(key)
	}
	return out, nil
}

// RotateKeyOnDemand gives a key new material now.
func (s *Service) RotateKeyOnDemand(ctx context.Context, in *kmsapi.RotateKeyOnDemandRequest) (*kmsapi.RotateKeyOnDemandResponse, error) {
	key, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		if err := rotatable(key); err != nil {
			return err
		}
		done := 0
		for _, m := range key.Material {
			if m.Rotation == string(kmsapi.RotationTypeOnDemand) {
				done++
			}
		}
		if done >= maxOnDemand {
			return &kmsapi.LimitExceededException{Message: "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: " + key.ARN()}
		}
		return s.rotate(key, string(kmsapi.RotationTypeOnDemand))
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.RotateKeyOnDemandResponse{KeyId: key.ID}, nil
}

// ListKeyRotations lists the rotations that were made.
func (s *Service) ListKeyRotations(ctx context.Context, in *kmsapi.ListKeyRotationsRequest) (*kmsapi.ListKeyRotationsResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	if key.Spec != symmetric {
		return nil, &kmsapi.UnsupportedOperationException{}
	}
	list := []kmsapi.RotationsListEntry{}
	for n, m := range key.Material {
		if m.Rotation == "" && in.IncludeKeyMaterial != kmsapi.IncludeKeyMaterialAllKeyMaterial {
			continue
		}
		e := kmsapi.RotationsListEntry{KeyId: key.ID, KeyMaterialId: m.ID, RotationType: kmsapi.RotationType(m.Rotation), KeyMaterialState: kmsapi.KeyMaterialStateNonCurrent}
		if n == len(key.Material)-1 {
			e.KeyMaterialState = kmsapi.KeyMaterialStateCurrent
		}
		if m.Rotation != "" {
			e.RotationDate = m.CreatedAt
		}
		list = append(list, e)
	}
	out := &kmsapi.ListKeyRotationsResponse{}
	out.Rotations, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 100, func(e kmsapi.RotationsListEntry) string { return e.KeyMaterialId })
	return out, err
}
