package secretsmanager

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func checkName(name string) error {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-/_+=.@!", r)) {
			return wire.NewError("ValidationException", 400, "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
		}
	}
	return nil
}

// CreateSecret makes a secret, with its first version if a value is given.
func (s *Service) CreateSecret(ctx context.Context, in *secretsmanagerapi.CreateSecretRequest) (*secretsmanagerapi.CreateSecretResponse, error) {
	v := value{in.SecretString, in.SecretBinary}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	switch {
	case len(in.AddReplicaRegions) > 0:
		return nil, invalidParameter("AddReplicaRegions is not carried out by Neargate yet.")
	case in.Type != "":
		return nil, invalidParameter("Type is not carried out by Neargate yet.")
	}
	tags, err := putTags(ctx, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	version := in.ClientRequestToken
	if version == "" {
		version = ids.UUID()
	}
	id := caller.From(ctx)
	sec := &state.Secret{Account: id.Account, Region: id.Region, Name: in.Name, Suffix: ids.Mixed(6), Description: in.Description,
		KMSKeyID: givenKey(in.KmsKeyId), CreatedAt: s.now(), ChangedAt: s.now(), Tags: tags}
	if old, ok := state.Secrets.Get(s.db.Read(), sec.Key()); ok && !s.gone(old, s.now()) {
		return s.repeatedCreate(ctx, old, version, v)
	}
	if v.given() {
		sealed, err := s.seal(ctx, sec, version, v)
		if err != nil {
			return nil, err
		}
		if err := s.addVersion(sec, sealed, []string{current}); err != nil {
			return nil, err
		}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if old, ok := state.Secrets.Get(tx, sec.Key()); ok && !s.gone(old, s.now()) {
			return errExists(old)
		}
		state.Secrets.Put(tx, sec)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created(sec, version, v), nil
}

// givenKey is the key of a request; AWS's own, however it is named, is as none.
func givenKey(keyID string) string {
	if keyID == managedKey || strings.HasSuffix(keyID, ":"+managedKey) {
		return ""
	}
	return keyID
}

func created(sec *state.Secret, version string, v value) *secretsmanagerapi.CreateSecretResponse {
	out := &secretsmanagerapi.CreateSecretResponse{ARN: sec.ARN(), Name: sec.Name}
	if v.given() {
		out.VersionId = version
	}
	return out
}

func errExists(old *state.Secret) error {
	return &secretsmanagerapi.ResourceExistsException{Message: fmt.Sprintf("The operation failed because the secret %s already exists.", old.Name)}
}

// repeatedCreate accepts a CreateSecret that a client sends once more, and refuses
// any other of the same name.
func (s *Service) repeatedCreate(ctx context.Context, old *state.Secret, version string, v value) (*secretsmanagerapi.CreateSecretResponse, error) {
	if !old.DeletedAt.IsZero() {
		return nil, invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	if !v.given() {
		return nil, errExists(old)
	}
	again, err := s.repeats(ctx, old, version, v)
	if err != nil {
		return nil, err
	}
	if !again {
		return nil, errExists(old)
	}
	return created(old, version, v), nil
}

// UpdateSecret changes description and key, and adds a version if a value is given.
func (s *Service) UpdateSecret(ctx context.Context, in *secretsmanagerapi.UpdateSecretRequest) (*secretsmanagerapi.UpdateSecretResponse, error) {
	v := value{in.SecretString, in.SecretBinary}
	if err := v.check(); err != nil {
		return nil, err
	}
	if in.Type != "" {
		return nil, invalidParameter("Type is not carried out by Neargate yet.")
	}
	version := in.ClientRequestToken
	if version == "" {
		version = ids.UUID()
	}
	old, err := s.alive(s.db.Read(), caller.From(ctx), in.SecretId)
	if err != nil {
		return nil, err
	}
	var moved map[string]state.Envelope
	if in.KmsKeyId != "" && givenKey(in.KmsKeyId) != old.KMSKeyID {
		if moved, err = s.resealed(ctx, old, givenKey(in.KmsKeyId)); err != nil {
			return nil, err
		}
	}
	change := func(sec *state.Secret) {
		if in.Description != nil {
			sec.Description = *in.Description
		}
		if in.KmsKeyId != "" {
			sec.KMSKeyID = givenKey(in.KmsKeyId)
		}
		for i := range sec.Versions {
			if e, ok := moved[sec.Versions[i].ID]; ok && sec.ARN() == old.ARN() {
				sec.Versions[i].Value = e
			}
		}
		sec.ChangedAt = s.now()
	}
	var sec *state.Secret
	if v.given() {
		sec, err = s.put(ctx, in.SecretId, version, v, []string{current}, change)
	} else {
		sec, err = s.update(ctx, in.SecretId, func(sec *state.Secret) error { change(sec); return nil })
	}
	if err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.UpdateSecretResponse{ARN: sec.ARN(), Name: sec.Name}
	if v.given() {
		out.VersionId = version
	}
	return out, nil
}

// RotateSecret is refused: there are no functions that could rotate a secret.
func (s *Service) RotateSecret(ctx context.Context, in *secretsmanagerapi.RotateSecretRequest) (*secretsmanagerapi.RotateSecretResponse, error) {
	if _, err := s.alive(s.db.Read(), caller.From(ctx), in.SecretId); err != nil {
		return nil, err
	}
	if in.RotationLambdaARN != "" || in.ExternalSecretRotationRoleArn != "" {
		return nil, invalidParameter("Rotation is not carried out by Neargate yet: put new values with PutSecretValue.")
	}
	return nil, invalidRequest("No Lambda rotation function ARN is associated with this secret.")
}

// Recovery window of a deleted secret, in days.
const (
	minWindow, maxWindow = 7, 30
	day                  = 24 * time.Hour
)

// DeleteSecret marks a secret for deletion, or deletes it at once.
func (s *Service) DeleteSecret(ctx context.Context, in *secretsmanagerapi.DeleteSecretRequest) (*secretsmanagerapi.DeleteSecretResponse, error) {
	force := wire.Or(in.ForceDeleteWithoutRecovery, false)
	window := wire.Or(in.RecoveryWindowInDays, maxWindow)
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case window < minWindow || window > maxWindow:
		return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	var out *secretsmanagerapi.DeleteSecretResponse
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		find := s.alive
		if force {
			find = s.find // one that is marked already can still be deleted at once
		}
		sec, err := find(tx, caller.From(ctx), in.SecretId)
		if err != nil {
			return err
		}
		out = &secretsmanagerapi.DeleteSecretResponse{ARN: sec.ARN(), Name: sec.Name, DeletionDate: s.now()}
		if force {
			state.Secrets.Delete(tx, sec.Key())
			return nil
		}
		out.DeletionDate = s.now().Add(time.Duration(window) * day)
		state.Secrets.Update(tx, sec.Key(), func(sec *state.Secret) { sec.DeletedAt = out.DeletionDate })
		return nil
	})
	return out, err
}

// RestoreSecret takes the mark for deletion off a secret.
func (s *Service) RestoreSecret(ctx context.Context, in *secretsmanagerapi.RestoreSecretRequest) (*secretsmanagerapi.RestoreSecretResponse, error) {
	var out *secretsmanagerapi.RestoreSecretResponse
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		sec, err := s.find(tx, caller.From(ctx), in.SecretId)
		if err != nil {
			return err
		}
		out = &secretsmanagerapi.RestoreSecretResponse{ARN: sec.ARN(), Name: sec.Name}
		state.Secrets.Update(tx, sec.Key(), func(sec *state.Secret) { sec.DeletedAt = time.Time{} })
		return nil
	})
	return out, err
}
