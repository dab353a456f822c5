package kms

import (
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var keyIDForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func notFound(message string) error { return &kmsapi.NotFoundException{Message: message} }

// find returns the key that KeyId means: a key's id or ARN, an alias or its ARN.
// An AWS-managed key that was not used yet is answered without material.
func (s *Service) find(tx *store.Tx, id caller.Identity, keyID string) (*state.KMSKey, error) {
	account, name := id.Account, keyID
	if a, err := arn.Parse(keyID); err == nil {
		if a.Service != "kms" || a.Region != id.Region {
			return nil, notFound("Invalid arn " + a.Region)
		}
		account = a.Account
		if name = strings.TrimPrefix(a.Resource, "key/"); name == a.Resource && !strings.HasPrefix(name, "alias/") {
			return nil, notFound("Invalid arn " + a.Region)
		}
	}
	if strings.HasPrefix(name, "alias/") {
		return s.byAlias(tx, account, id.Region, name)
	}
	if !keyIDForm.MatchString(name) {
		return nil, notFound("Invalid keyId '" + name + "'")
	}
	if key, ok := state.KMSKeys.Get(tx, state.Key(account, id.Region, name)); ok && !gone(key, s.now()) {
		return key, nil
	}
	for service := range managedServices {
		if key := managedKey(account, id.Region, service); key.ID == name {
			return key, nil
		}
	}
	return nil, notFound("Key '" + arn.Format("kms", id.Region, account, "key/"+name) + "' does not exist")
}

func (s *Service) byAlias(tx *store.Tx, account, region, name string) (*state.KMSKey, error) {
	if alias, ok := state.KMSAliases.Get(tx, state.Key(account, region, name)); ok {
		if key, ok := state.KMSKeys.Get(tx, state.Key(account, region, alias.KeyID)); ok && !gone(key, s.now()) {
			return key, nil
		}
	}
	if service := strings.TrimPrefix(name, "alias/aws/"); managedServices[service] != "" {
		return managedKey(account, region, service), nil
	}
	return nil, notFound("Alias " + arn.Format("kms", region, account, name) + " is not found.")
}

// state of a key, as DescribeKey tells it.
func keyState(key *state.KMSKey) kmsapi.KeyState {
	switch {
	case !key.DeletionAt.IsZero():
		return kmsapi.KeyStatePendingDeletion
	case key.Disabled:
		return kmsapi.KeyStateDisabled
	}
	return kmsapi.KeyStateEnabled
}

// usable refuses keys that wait for their deletion or are disabled.
func usable(key *state.KMSKey) error {
	switch keyState(key) {
	case kmsapi.KeyStatePendingDeletion:
		return &kmsapi.KMSInvalidStateException{Message: key.ARN() + " is pending deletion."}
	case kmsapi.KeyStateDisabled:
		return &kmsapi.DisabledException{Message: key.ARN() + " is disabled."}
	}
	return nil
}

// notPending refuses keys that wait for their deletion.
func notPending(key *state.KMSKey) error {
	if !key.DeletionAt.IsZero() {
		return usable(key)
	}
	return nil
}
