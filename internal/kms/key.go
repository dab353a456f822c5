package kms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func invalid(format string, args ...any) error {
	return wire.NewError("ValidationException", 400, format, args...)
}

func unsupported(what string) error {
	return &kmsapi.UnsupportedOperationException{Message: what + " is not carried out by Neargate yet."}
}

// kind checks what kind of key is asked for.
func kind(in *kmsapi.CreateKeyRequest) (name, usage string, err error) {
	name, usage = string(in.KeySpec), string(in.KeyUsage)
	if name == "" {
		name = string(in.CustomerMasterKeySpec)
	}
	if name == "" {
		name = symmetric
	}
	sp, known := specs[name]
	switch {
	case in.MultiRegion:
		return "", "", unsupported("MultiRegion")
	case in.Origin != "" && in.Origin != kmsapi.OriginTypeAwsKms:
		return "", "", unsupported("The origin " + string(in.Origin))
	case in.CustomKeyStoreId != "" || in.XksKeyId != "":
		return "", "", unsupported("A custom key store")
	case !known:
		return "", "", unsupported("The key spec " + name)
	case usage == "" && name != symmetric:
		return "", "", invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case usage == "":
		usage = encryptDecrypt
	case !slices.Contains(sp.usages, usage):
		return "", "", invalid("KeyUsage %s is not compatible with KeySpec %s", usage, name)
	}
	return name, usage, nil
}

// CreateKey makes a key.
func (s *Service) CreateKey(ctx context.Context, in *kmsapi.CreateKeyRequest) (*kmsapi.CreateKeyResponse, error) {
	name, usage, err := kind(in)
	if err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	key := &state.KMSKey{Account: id.Account, Region: id.Region, ID: ids.UUID(), Description: in.Description, Usage: usage, Spec: name, CreatedAt: s.now(), Policy: in.Policy}
	if key.Tags, err = putTags(ctx, nil, in.Tags); err != nil {
		return nil, err
	}
	if key.Policy == "" {
		key.Policy = accountPolicy(id.Account)
	} else if err := checkPolicy(id, key, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if err := s.rotate(key, ""); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		state.KMSKeys.Put(tx, key)
		return nil
	})
	return &kmsapi.CreateKeyResponse{KeyMetadata: metadata(key)}, err
}

// metadata is a key as DescribeKey shows it.
func metadata(key *state.KMSKey) *kmsapi.KeyMetadata {
	sp := specs[key.Spec]
	m := &kmsapi.KeyMetadata{
		AWSAccountId: key.Account, KeyId: key.ID, Arn: key.ARN(), CreationDate: key.CreatedAt, Enabled: keyState(key) == kmsapi.KeyStateEnabled, Description: key.Description,
		KeyUsage: kmsapi.KeyUsageType(key.Usage), KeyState: keyState(key), DeletionDate: key.DeletionAt, Origin: kmsapi.OriginTypeAwsKms, KeyManager: kmsapi.KeyManagerTypeCustomer,
		KeySpec: kmsapi.KeySpec(key.Spec), CustomerMasterKeySpec: kmsapi.CustomerMasterKeySpec(key.Spec),
		EncryptionAlgorithms: encryptionAlgorithms(key),
	}
	if key.Service != "" {
		m.KeyManager = kmsapi.KeyManagerTypeAws
	}
	if key.Usage == signVerify {
		m.SigningAlgorithms = sp.sign
	}
	if sp.mac != "" {
		m.MacAlgorithms = []kmsapi.MacAlgorithmSpec{sp.mac}
	}
	if key.Spec == symmetric && len(key.Material) > 0 {
		m.CurrentKeyMaterialId = key.Material[len(key.Material)-1].ID
	}
	return m
}

func encryptionAlgorithms(key *state.KMSKey) []kmsapi.EncryptionAlgorithmSpec {
	switch {
	case key.Usage != encryptDecrypt:
		return nil
	case key.Spec == symmetric:
		return []kmsapi.EncryptionAlgorithmSpec{kmsapi.EncryptionAlgorithmSpecSymmetricDefault}
	}
	return []kmsapi.EncryptionAlgorithmSpec{kmsapi.EncryptionAlgorithmSpecRsaesOaepSha1, kmsapi.EncryptionAlgorithmSpecRsaesOaepSha256}
}

// DescribeKey tells everything about a key but its material.
func (s *Service) DescribeKey(ctx context.Context, in *kmsapi.DescribeKeyRequest) (*kmsapi.DescribeKeyResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	if key, err = s.ensure(ctx, key); err != nil {
		return nil, err
	}
	return &kmsapi.DescribeKeyResponse{KeyMetadata: metadata(key)}, nil
}

// ListKeys lists the keys of the account and region.
func (s *Service) ListKeys(ctx context.Context, in *kmsapi.ListKeysRequest) (*kmsapi.ListKeysResponse, error) {
	id, list := caller.From(ctx), []kmsapi.KeyListEntry{}
	for key := range state.KMSKeys.All(s.db.Read(), state.Prefix(id.Account, id.Region)) {
		if !gone(key, s.now()) {
			list = append(list, kmsapi.KeyListEntry{KeyId: key.ID, KeyArn: key.ARN()})
		}
	}
	out := &kmsapi.ListKeysResponse{}
	var err error
	out.Keys, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 100, func(k kmsapi.KeyListEntry) string { return k.KeyId })
	return out, err
}

// page cuts a list; markers name the last entry of the page before.
func page[T any](list []T, limit *int32, marker string, most int32, name func(T) string) ([]T, string, bool, error) {
	if marker != "" {
		i := slices.IndexFunc(list, func(t T) bool { return name(t) == marker })
		if i < 0 {
			return nil, "", false, &kmsapi.InvalidMarkerException{Message: "Could not deserialize Marker"}
		}
		list = list[i+1:]
	}
	if n := int(wire.Or(limit, most)); len(list) > n {
		return list[:n], name(list[n-1]), true, nil
	}
	return list, "", false, nil
}

// EnableKey lets a key be used again.
func (s *Service) EnableKey(ctx context.Context, in *kmsapi.EnableKeyRequest) error {
	return s.setDisabled(ctx, in.KeyId, false)
}

// DisableKey keeps a key from being used.
func (s *Service) DisableKey(ctx context.Context, in *kmsapi.DisableKeyRequest) error {
	return s.setDisabled(ctx, in.KeyId, true)
}

func (s *Service) setDisabled(ctx context.Context, keyID string, disabled bool) error {
	_, err := s.update(ctx, keyID, func(key *state.KMSKey) error {
		key.Disabled = disabled
		return notPending(key)
	})
	return err
}

// UpdateKeyDescription changes what a key's description says.
func (s *Service) UpdateKeyDescription(ctx context.Context, in *kmsapi.UpdateKeyDescriptionRequest) error {
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		key.Description = in.Description
		return notPending(key)
	})
	return err
}

// Waiting period before a key is deleted, in days.
const minWindow, maxWindow = 7, 30

// ScheduleKeyDeletion makes a key unusable, and deletes it when the waiting
// period has ended.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	days := wire.Or(in.PendingWindowInDays, maxWindow)
	if days < minWindow || days > maxWindow {
		return nil, invalid("PendingWindowInDays must be between %d and %d", minWindow, maxWindow)
	}
	key, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		if err := notPending(key); err != nil {
			return err
		}
		key.DeletionAt, key.Window = s.now().Add(time.Duration(days)*24*time.Hour), days
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.ScheduleKeyDeletionResponse{KeyId: key.ARN(), DeletionDate: key.DeletionAt, KeyState: keyState(key), PendingWindowInDays: days}, nil
}

// CancelKeyDeletion keeps a key; it stays disabled, as on AWS.
func (s *Service) CancelKeyDeletion(ctx context.Context, in *kmsapi.CancelKeyDeletionRequest) (*kmsapi.CancelKeyDeletionResponse, error) {
	key, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		if key.DeletionAt.IsZero() {
			return &kmsapi.KMSInvalidStateException{Message: fmt.Sprintf("%s is not pending deletion.", key.ARN())}
		}
		key.DeletionAt, key.Window, key.Disabled = time.Time{}, 0, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.CancelKeyDeletionResponse{KeyId: key.ARN()}, nil
}
