package secretsmanager

import (
	"context"
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/state"
)

// UpdateSecretVersionStage moves a staging label between versions.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *secretsmanagerapi.UpdateSecretVersionStageRequest) (*secretsmanagerapi.UpdateSecretVersionStageResponse, error) {
	sec, err := s.update(ctx, in.SecretId, func(sec *state.Secret) error { return moveLabel(sec, in) })
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.UpdateSecretVersionStageResponse{ARN: sec.ARN(), Name: sec.Name}, nil
}

func moveLabel(sec *state.Secret, in *secretsmanagerapi.UpdateSecretVersionStageRequest) error {
	for _, id := range []string{in.RemoveFromVersionId, in.MoveToVersionId} {
		if id != "" && versionIndex(sec, id) < 0 {
			return &secretsmanagerapi.ResourceNotFoundException{Message: "Secrets Manager can't find the specified secret value for VersionId: " + id}
		}
	}
	holder := slices.IndexFunc(sec.Versions, func(v state.SecretVersion) bool { return slices.Contains(v.Stages, in.VersionStage) })
	switch {
	case in.VersionStage == current && in.MoveToVersionId == "":
		return invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	case in.RemoveFromVersionId == "" && in.MoveToVersionId == "":
		return invalidParameter("You must specify MoveToVersionId or RemoveFromVersionId.")
	case holder >= 0 && sec.Versions[holder].ID != in.MoveToVersionId && in.RemoveFromVersionId == "":
		return invalidParameter(fmt.Sprintf("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.",
			in.VersionStage, sec.Versions[holder].ID))
	case in.RemoveFromVersionId != "" && (holder < 0 || sec.Versions[holder].ID != in.RemoveFromVersionId):
		return invalidParameter(fmt.Sprintf("The version %s that you specified in RemoveFromVersionId doesn't have the staging label %s.", in.RemoveFromVersionId, in.VersionStage))
	}
	if in.MoveToVersionId != "" {
		moveStage(sec, in.VersionStage, in.MoveToVersionId)
		return nil
	}
	sec.Versions[holder].Stages = without(sec.Versions[holder].Stages, in.VersionStage)
	return nil
}
