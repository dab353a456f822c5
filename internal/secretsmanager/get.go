package secretsmanager

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GetSecretValue decrypts and returns a version of a secret.
func (s *Service) GetSecretValue(ctx context.Context, in *secretsmanagerapi.GetSecretValueRequest) (*secretsmanagerapi.GetSecretValueResponse, error) {
	sec, err := s.alive(s.db.Read(), caller.From(ctx), in.SecretId)
	if err != nil {
		return nil, err
	}
	v, err := chooseVersion(sec, in.VersionId, in.VersionStage)
	if err != nil {
		return nil, err
	}
	plain, err := s.open(ctx, sec, v)
	if err != nil {
		return nil, err
	}
	if err := s.touch(ctx, sec); err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.GetSecretValueResponse{ARN: sec.ARN(), Name: sec.Name, VersionId: v.ID, VersionStages: v.Stages, CreatedDate: v.CreatedAt}
	if v.Binary {
		out.SecretBinary = plain
	} else {
		out.SecretString = string(plain)
	}
	return out, nil
}

// touch notes the day of the last access.
func (s *Service) touch(ctx context.Context, sec *state.Secret) error {
	today := s.now().UTC().Truncate(24 * time.Hour)
	if sec.AccessedAt.Equal(today) {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		state.Secrets.Update(tx, sec.Key(), func(sec *state.Secret) { sec.AccessedAt = today })
		return nil
	})
}

// BatchGetSecretValue returns the current values of several secrets. Each is
// asked for as the caller; those that are refused are told beside the others.
func (s *Service) BatchGetSecretValue(ctx context.Context, in *secretsmanagerapi.BatchGetSecretValueRequest) (*secretsmanagerapi.BatchGetSecretValueResponse, error) {
	names, out := in.SecretIdList, &secretsmanagerapi.BatchGetSecretValueResponse{SecretValues: []secretsmanagerapi.SecretValueEntry{}, Errors: []secretsmanagerapi.APIErrorType{}}
	switch {
	case len(names) > 0 && len(in.Filters) > 0, len(names) == 0 && len(in.Filters) == 0:
		return nil, invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	case len(names) > 0 && in.MaxResults != nil:
		return nil, invalidParameter("'MaxResults' can only be used with 'Filters'.")
	}
	if len(in.Filters) > 0 {
		most := wire.Or(in.MaxResults, 20)
		list, err := s.self.ListSecrets(ctx, &secretsmanagerapi.ListSecretsRequest{Filters: in.Filters, MaxResults: &most, NextToken: in.NextToken})
		if err != nil {
			return nil, err
		}
		out.NextToken = list.NextToken
		for _, e := range list.SecretList {
			names = append(names, e.ARN)
		}
	}
	for _, name := range names {
		got, err := s.self.GetSecretValue(ctx, &secretsmanagerapi.GetSecretValueRequest{SecretId: name})
		var refused wire.Error
		switch {
		case errors.As(err, &refused):
			out.Errors = append(out.Errors, secretsmanagerapi.APIErrorType{SecretId: name, ErrorCode: refused.ErrorCode(), Message: refused.ErrorMessage()})
		case err != nil:
			return nil, err
		default:
			out.SecretValues = append(out.SecretValues, secretsmanagerapi.SecretValueEntry{ARN: got.ARN, Name: got.Name, VersionId: got.VersionId, VersionStages: got.VersionStages,
				SecretString: got.SecretString, SecretBinary: got.SecretBinary, CreatedDate: got.CreatedDate})
		}
	}
	return out, nil
}

// PutSecretValue adds a version.
func (s *Service) PutSecretValue(ctx context.Context, in *secretsmanagerapi.PutSecretValueRequest) (*secretsmanagerapi.PutSecretValueResponse, error) {
	v := value{in.SecretString, in.SecretBinary}
	switch {
	case in.RotationToken != "":
		return nil, invalidParameter("RotationToken is not carried out by Neargate yet.")
	case !v.given():
		return nil, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	id, stages := in.ClientRequestToken, in.VersionStages
	if id == "" {
		id = ids.UUID()
	}
	if len(stages) == 0 {
		stages = []string{current}
	}
	sec, err := s.put(ctx, in.SecretId, id, v, stages, func(*state.Secret) {})
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.PutSecretValueResponse{ARN: sec.ARN(), Name: sec.Name, VersionId: id, VersionStages: sec.Versions[versionIndex(sec, id)].Stages}, nil
}

// put adds a version, encrypted before the record is touched, and makes the other
// changes of the request. One that is there already with this value stays.
func (s *Service) put(ctx context.Context, secretID, version string, v value, stages []string, change func(*state.Secret)) (*state.Secret, error) {
	sec, err := s.alive(s.db.Read(), caller.From(ctx), secretID)
	if err != nil {
		return nil, err
	}
	again, err := s.repeats(ctx, sec, version, v)
	if err != nil {
		return nil, err
	}
	wanted := new(*sec)
	change(wanted)
	var sealed sealedVersion
	if !again {
		if sealed, err = s.seal(ctx, wanted, version, v); err != nil {
			return nil, err
		}
	}
	return s.update(ctx, secretID, func(sec *state.Secret) error {
		change(sec)
		if again {
			return nil
		}
		return s.addVersion(sec, sealed, stages)
	})
}
