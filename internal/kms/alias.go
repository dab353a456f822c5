package kms

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/") || name == "alias/":
		return invalid(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case strings.HasPrefix(name, "alias/aws/"):
		return wire.NewError("NotAuthorizedException", 400, "Aliases that begin with alias/aws/ are reserved for AWS.")
	case strings.ContainsRune(name, ':'):
		return &kmsapi.InvalidAliasNameException{Message: name + " contains invalid characters for an alias"}
	}
	return nil
}

// target finds the key that an alias shall point to: by its id or ARN, in this account.
func (s *Service) target(tx *store.Tx, id caller.Identity, keyID string) (*state.KMSKey, error) {
	if strings.HasPrefix(keyID, "alias/") || strings.Contains(keyID, ":alias/") {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	key, err := s.find(tx, id, keyID)
	if err != nil {
		return nil, err
	}
	if key.Account != id.Account || key.Service != "" {
		return nil, notFound("Key '" + key.ARN() + "' does not exist")
	}
	return key, notPending(key)
}

// CreateAlias gives a key another name.
func (s *Service) CreateAlias(ctx context.Context, in *kmsapi.CreateAliasRequest) error {
	if err := checkAlias(in.AliasName); err != nil {
		return err
	}
	id := caller.From(ctx)
	return s.db.Write(ctx, func(tx *store.Tx) error {
		key, err := s.target(tx, id, in.TargetKeyId)
		if err != nil {
			return err
		}
		alias := &state.KMSAlias{Account: id.Account, Region: id.Region, Name: in.AliasName, KeyID: key.ID, CreatedAt: s.now(), UpdatedAt: s.now()}
		if _, ok := state.KMSAliases.Get(tx, alias.Key()); ok {
			return &kmsapi.AlreadyExistsException{Message: "An alias with the name " + alias.ARN() + " already exists"}
		}
		state.KMSAliases.Put(tx, alias)
		return nil
	})
}

// UpdateAlias points an alias to another key of the same kind.
func (s *Service) UpdateAlias(ctx context.Context, in *kmsapi.UpdateAliasRequest) error {
	if err := checkAlias(in.AliasName); err != nil {
		return err
	}
	id := caller.From(ctx)
	return s.db.Write(ctx, func(tx *store.Tx) error {
		alias, ok := state.KMSAliases.Get(tx, state.Key(id.Account, id.Region, in.AliasName))
		if !ok {
			return aliasNotFound(id, in.AliasName)
		}
		key, err := s.target(tx, id, in.TargetKeyId)
		if err != nil {
			return err
		}
		if old, ok := state.KMSKeys.Get(tx, state.Key(id.Account, id.Region, alias.KeyID)); ok && (old.Usage != key.Usage || (old.Spec == symmetric) != (key.Spec == symmetric)) {
			return invalid("Alias %s cannot be changed from a key with usage %s to one with usage %s", alias.ARN(), old.Usage, key.Usage)
		}
		changed := *alias
		changed.KeyID, changed.UpdatedAt = key.ID, s.now()
		state.KMSAliases.Put(tx, &changed)
		return nil
	})
}

// DeleteAlias takes a name away; the key stays.
func (s *Service) DeleteAlias(ctx context.Context, in *kmsapi.DeleteAliasRequest) error {
	if err := checkAlias(in.AliasName); err != nil {
		return err
	}
	id := caller.From(ctx)
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if !state.KMSAliases.Delete(tx, state.Key(id.Account, id.Region, in.AliasName)) {
			return aliasNotFound(id, in.AliasName)
		}
		return nil
	})
}

func aliasNotFound(id caller.Identity, name string) error {
	return notFound("Alias " + arn.Format("kms", id.Region, id.Account, name) + " is not found.")
}

// ListAliases lists aliases: of one key, or all, with AWS's own that have no key yet.
func (s *Service) ListAliases(ctx context.Context, in *kmsapi.ListAliasesRequest) (*kmsapi.ListAliasesResponse, error) {
	id, tx, only := caller.From(ctx), s.db.Read(), ""
	list := []kmsapi.AliasListEntry{}
	if in.KeyId != "" {
		key, err := s.find(tx, id, in.KeyId)
		if err != nil {
			return nil, err
		}
		only = key.ID
	}
	for a := range state.KMSAliases.All(tx, state.Prefix(id.Account, id.Region)) {
		if only == "" || a.KeyID == only {
			list = append(list, kmsapi.AliasListEntry{AliasName: a.Name, AliasArn: a.ARN(), TargetKeyId: a.KeyID, CreationDate: a.CreatedAt, LastUpdatedDate: a.UpdatedAt})
		}
	}
	for service := range managedServices {
		name := "alias/aws/" + service
		if only == "" && !slices.ContainsFunc(list, func(a kmsapi.AliasListEntry) bool { return a.AliasName == name }) {
			list = append(list, kmsapi.AliasListEntry{AliasName: name, AliasArn: arn.Format("kms", id.Region, id.Account, name)})
		}
	}
	slices.SortFunc(list, func(a, b kmsapi.AliasListEntry) int { return strings.Compare(a.AliasName, b.AliasName) })
	out := &kmsapi.ListAliasesResponse{}
	var err error
	out.Aliases, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 50, func(a kmsapi.AliasListEntry) string { return a.AliasName })
	return out, err
}
