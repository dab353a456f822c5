package secretsmanager

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/state"
)

// Staging labels that Secrets Manager moves itself.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"
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

// addVersion appends a version with the given labels to a secret that the
// caller may change.
func (s *Service) addVersion(sec *state.Secret, v sealedVersion, stages []string) error {
	if v.secretARN != sec.ARN() {
		return errNotFound() // another secret has taken the name in the meantime
	}
	if versionIndex(sec, v.ID) >= 0 {
		return errTokenUsed(sec, v.ID)
	}
	if len(sec.Versions) == 0 && !slices.Contains(stages, current) {
		stages = append(slices.Clone(stages), current) // the first version is always the current one
	}
	sec.Versions = append(sec.Versions, v.SecretVersion)
	for _, stage := range stages {
		moveStage(sec, stage, v.ID)
	}
	sec.ChangedAt = s.now()
	sec.Versions = trimVersions(sec.Versions, s.now())
	return nil
}

func errTokenUsed(sec *state.Secret, id string) error {
	return &secretsmanagerapi.ResourceExistsException{Message: fmt.Sprintf(
		"You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", id, sec.ARN())}
}

// repeats reports whether a secret has the version of a request already, with the
// same value: a client that asks once more is answered as before.
func (s *Service) repeats(ctx context.Context, sec *state.Secret, id string, v value) (bool, error) {
	i := versionIndex(sec, id)
	if i < 0 {
		return false, nil
	}
	old, err := s.open(ctx, sec, &sec.Versions[i])
	if err != nil {
		return false, err
	}
	if subtle.ConstantTimeCompare(old, v.bytes()) == 1 && sec.Versions[i].Binary == (v.text == "") {
		return true, nil
	}
	return false, errTokenUsed(sec, id)
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
