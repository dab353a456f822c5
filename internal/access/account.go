package access

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Account is a new AWS account with the access key of its root user.
type Account struct {
	AccountID       string `json:"AccountId"`
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
}

// CreateAccount makes an empty account and an access key for its root user.
// The secret can not be read again.
func (k *Keys) CreateAccount(ctx context.Context) (Account, error) {
	a := Account{AccessKeyID: NewAccessKeyID(), SecretAccessKey: ids.Mixed(40)}
	now := k.now().UTC().Truncate(time.Second)
	err := k.db.Write(ctx, func(tx *store.Tx) error {
		for taken := true; taken; {
			a.AccountID = ids.Digits(12)
			_, taken = state.Accounts.Get(tx, a.AccountID)
		}
		state.Accounts.Put(tx, &state.Account{ID: a.AccountID, CreatedAt: now})
		state.AccessKeys.Put(tx, &state.AccessKey{
			ID: a.AccessKeyID, Account: a.AccountID, CreatedAt: now,
			Secret: k.seal.Seal([]byte(a.SecretAccessKey), SecretPurpose(a.AccessKeyID)),
		})
		return nil
	})
	return a, err
}

// NewAccessKeyID returns the id of a new long-term access key.
func NewAccessKeyID() string { return "LKIA" + ids.Upper(16) }
