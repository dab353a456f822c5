package secretsmanager

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Staging labels that Secrets Manager moves itself.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// value is a secret's value as a request gives it.
type value struct {
	text   string
	binary []byte
}

func (v value) given() bool { return v.text != "" || len(v.binary) > 0 }

func (v value) bytes() []byte {
	if v.text != "" {
		return []byte(v.text)
	}
	return v.binary
}

func (v value) check() error {
	if v.text != "" && len(v.binary) > 0 {
		return invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	return nil
}

// sealContext binds a ciphertext to its secret and version.
func sealContext(sec *state.Secret, version string) string { return sec.ARN() + ":" + version }

// addVersion appends a version with the given labels to a secret that the
// caller may change. A version of that id with the same value changes nothing.
func (s *Service) addVersion(sec *state.Secret, id string, v value, stages []string) error {
	if i := versionIndex(sec, id); i >= 0 {
		old, err := s.open(sec, &sec.Versions[i])
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(old, v.bytes()) == 1 && sec.Versions[i].Binary == (v.text == "") {
			return nil
		}
		return &secretsmanagerapi.ResourceExistsException{Message: fmt.Sprintf(
			"You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", id, sec.ARN())}
	}
	sealed, err := s.keys.Seal(sec.Account, sealContext(sec, id), v.bytes())
	if err != nil {
		return err
	}
	if len(sec.Versions) == 0 && !slices.Contains(stages, current) {
		stages = append(slices.Clone(stages), current) // the first version is always the current one
	}
	sec.Versions = append(sec.Versions, state.SecretVersion{ID: id, CreatedAt: s.now(), Binary: v.text == "", Sealed: sealed})
	for _, stage := range stages {
		moveStage(sec, stage, id)
	}
	sec.ChangedAt = s.now()
	sec.Versions = trimVersions(sec.Versions, s.now())
	return nil
}

// maxVersions is how many versions without labels a secret keeps beyond a day.
const maxVersions = 100

// trimVersions forgets the oldest versions that have no label and are older than a day.
func trimVersions(versions []state.SecretVersion, now time.Time) []state.SecretVersion {
	surplus := len(versions) - maxVersions
	return slices.DeleteFunc(versions, func(v state.SecretVersion) bool {
		if surplus <= 0 || len(v.Stages) > 0 || now.Sub(v.CreatedAt) < 24*time.Hour {
			return false
		}
		surplus--
		return true
	})
}

// moveStage gives a label to a version and takes it from any other. The version
// that loses AWSCURRENT gets AWSPREVIOUS.
func moveStage(sec *state.Secret, stage, to string) {
	for i := range sec.Versions {
		v := &sec.Versions[i]
		if v.ID == to || !slices.Contains(v.Stages, stage) {
			continue
		}
		v.Stages = without(v.Stages, stage)
		if stage == current {
			moveStage(sec, previous, v.ID)
		}
	}
	if i := versionIndex(sec, to); i >= 0 && !slices.Contains(sec.Versions[i].Stages, stage) {
		stages := slices.Clone(sec.Versions[i].Stages)
		if stage == current {
			stages = without(stages, previous)
		}
		sec.Versions[i].Stages = append(stages, stage)
	}
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == item })
}

func versionIndex(sec *state.Secret, id string) int {
	return slices.IndexFunc(sec.Versions, func(v state.SecretVersion) bool { return v.ID == id })
}

func (s *Service) open(sec *state.Secret, v *state.SecretVersion) ([]byte, error) {
	plain, err := s.keys.Open(sec.Account, sealContext(sec, v.ID), v.Sealed)
	if err != nil {
		return nil, &secretsmanagerapi.DecryptionFailure{Message: "Secrets Manager can't decrypt the protected secret text using the provided KMS key."}
	}
	return plain, nil
}

// chooseVersion finds the version that a request names by id, by label or by neither.
func chooseVersion(sec *state.Secret, id, stage string) (*state.SecretVersion, error) {
	label := stage
	if id == "" && label == "" {
		label = current
	}
	for i := range sec.Versions {
		v := &sec.Versions[i]
		switch {
		case id != "" && v.ID != id, id == "" && !slices.Contains(v.Stages, label):
		case stage != "" && !slices.Contains(v.Stages, stage):
			return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
		default:
			return v, nil
		}
	}
	message := "Secrets Manager can't find the specified secret value for staging label: " + label
	if id != "" {
		message = "Secrets Manager can't find the specified secret value for VersionId: " + id
	}
	return nil, &secretsmanagerapi.ResourceNotFoundException{Message: message}
}

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
	plain, err := s.open(sec, v)
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
	sec, err := s.update(ctx, in.SecretId, func(sec *state.Secret) error { return s.addVersion(sec, id, v, stages) })
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.PutSecretValueResponse{ARN: sec.ARN(), Name: sec.Name, VersionId: id, VersionStages: sec.Versions[versionIndex(sec, id)].Stages}, nil
}
