package iam

import (
	"context"
	"regexp"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateAccountAlias gives the account its alias, in place of one that it had.
func (s *Service) CreateAccountAlias(ctx context.Context, in *iamapi.CreateAccountAliasRequest) error {
	account := caller.From(ctx).Account
	if accountID.MatchString(in.AccountAlias) {
		return invalidInput("The account alias %s is an account id.", in.AccountAlias)
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for other := range state.AccountAliases.By(tx, "name", in.AccountAlias) {
			if other.Account != account {
				return alreadyExists("The account alias %s already exists.", in.AccountAlias)
			}
		}
		state.AccountAliases.Put(tx, &state.AccountAlias{Account: account, Name: in.AccountAlias})
		return nil
	})
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// DeleteAccountAlias takes the account its alias.
func (s *Service) DeleteAccountAlias(ctx context.Context, in *iamapi.DeleteAccountAliasRequest) error {
	account := caller.From(ctx).Account
	return s.db.Write(ctx, func(tx *store.Tx) error {
		alias, ok := state.AccountAliases.Get(tx, account)
		if !ok || alias.Name != in.AccountAlias {
			return noSuchEntity("The account alias %s does not exist.", in.AccountAlias)
		}
		state.AccountAliases.Delete(tx, account)
		return nil
	})
}

// ListAccountAliases lists the one alias that an account may have.
func (s *Service) ListAccountAliases(ctx context.Context, _ *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	out := &iamapi.ListAccountAliasesResponse{AccountAliases: []string{}}
	if alias, ok := state.AccountAliases.Get(s.db.Read(), caller.From(ctx).Account); ok {
		out.AccountAliases = append(out.AccountAliases, alias.Name)
	}
	return out, nil
}
