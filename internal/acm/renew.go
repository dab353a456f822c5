package acm

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// renewable reports whether a certificate is renewed by itself: one that the
// authority issued and that something uses.
func renewable(tx *store.Tx, c *state.Certificate) bool {
	return !c.Imported && len(usedBy(tx, c.ARN())) > 0
}

func renewalDue(tx *store.Tx, c *state.Certificate, now time.Time) bool {
	return now.After(c.NotAfter.Add(-renewBefore)) && renewable(tx, c)
}

// renewDue issues the certificates again that are due, under the same ARN and
// with a new key.
func (s *Service) renewDue(ctx context.Context) error {
	now, tx := s.now(), s.DB.Read()
	for c := range state.Certificates.All(tx, "") {
		if !renewalDue(tx, c, now) {
			continue
		}
		renewed := *c
		key, err := generate(c.KeyAlgorithm)
		if err != nil {
			return err
		}
		if err := s.issue(&renewed, key); err != nil {
			return err
		}
		err = s.DB.Write(ctx, func(tx *store.Tx) error {
			state.Certificates.Update(tx, c.Key(), func(now *state.Certificate) {
				now.SealedKey, now.Body, now.Chain = renewed.SealedKey, renewed.Body, renewed.Chain
				now.NotBefore, now.NotAfter, now.IssuedAt, now.RenewedAt = renewed.NotBefore, renewed.NotAfter, renewed.IssuedAt, renewed.IssuedAt
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
