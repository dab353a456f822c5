package secretsmanager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// managedKey encrypts secrets that name no key.
const managedKey = "alias/aws/secretsmanager"

// sealedVersion is a version that was encrypted for one secret.
type sealedVersion struct {
	state.SecretVersion
	secretARN string
}

// bound binds a ciphertext to its secret and version, as AWS's encryption context does.
func bound(sec *state.Secret, version string) map[string]string {
	return map[string]string{"SecretARN": sec.ARN(), "SecretVersionId": version}
}

// seal encrypts a value under the secret's key.
func (s *Service) seal(ctx context.Context, sec *state.Secret, version string, v value) (sealedVersion, error) {
	keyID := sec.KMSKeyID
	switch {
	case keyID == "":
		keyID = managedKey
	case sec.Account != caller.From(ctx).Account && strings.HasPrefix(keyID, "alias/"):
		keyID = "arn:aws:kms:" + sec.Region + ":" + sec.Account + ":" + keyID
	}
	e, err := s.keys.Seal(ctx, keyID, bound(sec, version), v.bytes())
	if err != nil {
		return sealedVersion{}, keyError(err, &secretsmanagerapi.EncryptionFailure{
			Message: "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state."})
	}
	return sealedVersion{state.SecretVersion{ID: version, CreatedAt: s.now(), Binary: v.text == "", Value: e}, sec.ARN()}, nil
}

// open decrypts a version as the caller.
func (s *Service) open(ctx context.Context, sec *state.Secret, v *state.SecretVersion) ([]byte, error) {
	if sec.KMSKeyID == "" && sec.Account != caller.From(ctx).Account {
		return nil, invalidRequest("You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.")
	}
	plain, err := s.keys.Open(ctx, v.Value, bound(sec, v.ID))
	if err != nil {
		return nil, keyError(err, &secretsmanagerapi.DecryptionFailure{Message: "Secrets Manager can't decrypt the protected secret text using the provided KMS key."})
	}
	return plain, nil
}

// keyError words a refusal of KMS as Secrets Manager does: otherwise is for keys
// that are gone or cannot be used.
func keyError(err error, otherwise wire.Error) error {
	var refused wire.Error
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.ErrorCode() == "AccessDeniedException":
		return wire.NewError("AccessDeniedException", 400, "Access to KMS is not allowed")
	}
	return otherwise
}

// resealed encrypts the labelled versions of a secret under another key, as AWS
// does when a secret's key is changed. Others stay as they are.
func (s *Service) resealed(ctx context.Context, sec *state.Secret, keyID string) (map[string]state.Envelope, error) {
	target := new(*sec)
	target.KMSKeyID = keyID
	out := map[string]state.Envelope{}
	for i := range sec.Versions {
		v := &sec.Versions[i]
		if !slices.ContainsFunc([]string{current, previous, pending}, func(stage string) bool { return slices.Contains(v.Stages, stage) }) {
			continue
		}
		plain, err := s.open(ctx, sec, v)
		if err != nil {
			return nil, err
		}
		again := value{binary: plain}
		sealed, err := s.seal(ctx, target, v.ID, again)
		if err != nil {
			return nil, err
		}
		out[v.ID] = sealed.Value
	}
	return out, nil
}
