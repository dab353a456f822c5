package iam

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// keyOwner is the user that a request about access keys means: the one it
// names, or the caller. "" is the root user.
func keyOwner(tx *store.Tx, id caller.Identity, name string) (string, error) {
	if name == "" {
		if id.Type == caller.Root {
			return "", nil
		}
		var err error
		if name, err = callersUser(id); err != nil {
			return "", err
		}
	}
	_, err := userNamed(tx, id.Account, name)
	return name, err
}

// CreateAccessKey makes an access key. Its secret is told once.
func (s *Service) CreateAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyRequest) (*iamapi.CreateAccessKeyResponse, error) {
	id, secret := caller.From(ctx), ids.Mixed(40)
	key := &state.AccessKey{ID: access.NewAccessKeyID(), Account: id.Account, CreatedAt: s.now()}
	key.Secret = s.seal.Seal([]byte(secret), access.SecretPurpose(key.ID))
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if key.User, err = keyOwner(tx, id, in.UserName); err != nil {
			return err
		}
		n := 0
		for range state.AccessKeys.By(tx, "user", state.IAMKey(id.Account, key.User)) {
			n++
		}
		if n >= maxKeysPerUser {
			return limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxKeysPerUser)
		}
		state.AccessKeys.Put(tx, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{
		UserName: key.User, AccessKeyId: key.ID, Status: iamapi.StatusTypeActive, SecretAccessKey: secret, CreateDate: key.CreatedAt,
	}}, nil
}

// ListAccessKeys lists the access keys of a user, without secrets.
func (s *Service) ListAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysRequest) (*iamapi.ListAccessKeysResponse, error) {
	tx, id := s.db.Read(), caller.From(ctx)
	name, err := keyOwner(tx, id, in.UserName)
	if err != nil {
		return nil, err
	}
	keys := []iamapi.AccessKeyMetadata{}
	for k := range state.AccessKeys.By(tx, "user", state.IAMKey(id.Account, name)) {
		keys = append(keys, iamapi.AccessKeyMetadata{UserName: k.User, AccessKeyId: k.ID, Status: status(k), CreateDate: k.CreatedAt})
	}
	keys, truncated, marker, err := page(keys, func(k iamapi.AccessKeyMetadata) string { return k.CreateDate.Format(time.RFC3339) + k.AccessKeyId }, in.Marker, in.MaxItems)
	return &iamapi.ListAccessKeysResponse{AccessKeyMetadata: keys, IsTruncated: truncated, Marker: marker}, err
}

func status(k *state.AccessKey) iamapi.StatusType {
	if k.Inactive {
		return iamapi.StatusTypeInactive
	}
	return iamapi.StatusTypeActive
}

// ownKey finds an access key of the user that the request means.
func ownKey(tx *store.Tx, id caller.Identity, userName, keyID string) (*state.AccessKey, error) {
	name, err := keyOwner(tx, id, userName)
	if err != nil {
		return nil, err
	}
	key, ok := state.AccessKeys.Get(tx, keyID)
	if !ok || key.Account != id.Account || key.User != name {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", keyID)
	}
	return key, nil
}

// UpdateAccessKey switches an access key on or off.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyRequest) error {
	if in.Status == iamapi.StatusTypeExpired {
		return validation("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]", in.Status)
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		key, err := ownKey(tx, caller.From(ctx), in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		state.AccessKeys.Update(tx, key.ID, func(k *state.AccessKey) { k.Inactive = in.Status == iamapi.StatusTypeInactive })
		return nil
	})
}

// DeleteAccessKey deletes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		key, err := ownKey(tx, caller.From(ctx), in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		state.AccessKeys.Delete(tx, key.ID)
		state.KeyUses.Delete(tx, key.ID)
		return nil
	})
}

// GetAccessKeyLastUsed tells when and for what an access key was last used.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, in *iamapi.GetAccessKeyLastUsedRequest) (*iamapi.GetAccessKeyLastUsedResponse, error) {
	tx := s.db.Read()
	key, ok := state.AccessKeys.Get(tx, in.AccessKeyId)
	if !ok || key.Account != caller.From(ctx).Account {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", in.AccessKeyId)
	}
	out := &iamapi.GetAccessKeyLastUsedResponse{UserName: key.User, AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
	if use, ok := state.KeyUses.Get(tx, key.ID); ok {
		out.AccessKeyLastUsed = &iamapi.AccessKeyLastUsed{LastUsedDate: use.At, ServiceName: use.Service, Region: use.Region}
	}
	return out, nil
}
