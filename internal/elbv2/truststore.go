package elbv2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateTrustStore makes a trust store of the authorities in a file of S3, which is
// read as the caller.
func (s *Service) CreateTrustStore(ctx context.Context, in *elbv2api.CreateTrustStoreInput) (*elbv2api.CreateTrustStoreOutput, error) {
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	authorities, err := s.authorities(ctx, file{in.CaCertificatesBundleS3Bucket, in.CaCertificatesBundleS3Key, in.CaCertificatesBundleS3ObjectVersion})
	if err != nil {
		return nil, err
	}
	var t *state.TrustStore
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		if _, taken := q.trustStoreNamed(in.Name); taken {
			return &elbv2api.DuplicateTrustStoreNameException{Message: "A trust store with the same name '" + in.Name + "' exists"}
		}
		if count(state.TrustStores.All(tx, state.Prefix(q.account, q.region))) >= maxTrustStores {
			return &elbv2api.TooManyTrustStoresException{Message: "The maximum number of trust stores has been reached"}
		}
		t = &state.TrustStore{
			Account: q.account, Region: q.region, Path: in.Name + "/" + ids.Hex(16), Name: in.Name, Authorities: authorities, NextID: 1, CreatedAt: s.Now(), Tags: tags,
		}
		state.TrustStores.Put(tx, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.CreateTrustStoreOutput{TrustStores: []elbv2api.TrustStore{describeTrustStore(t)}}, nil
}

func (q scope) trustStoreNamed(name string) (*state.TrustStore, bool) {
	return first(state.TrustStores.By(q.tx, "name", q.key(name)))
}

func (q scope) trustStore(text string) (*state.TrustStore, error) {
	return get(q, state.TrustStores, kindTrustStore, text, &elbv2api.TrustStoreNotFoundException{Message: "Trust store '" + text + "' not found"})
}

func describeTrustStore(t *state.TrustStore) elbv2api.TrustStore {
	revoked := int64(0)
	for _, r := range t.Revocations {
		revoked += r.Entries
	}
	return elbv2api.TrustStore{Name: t.Name, TrustStoreArn: t.ARN(), Status: elbv2api.TrustStoreStatusActive, NumberOfCaCertificates: new(int32(len(t.Authorities))), TotalRevokedEntries: &revoked}
}

// changeTrustStore runs a change about a copy of a trust store, and keeps it.
func (s *Service) changeTrustStore(ctx context.Context, text string, change func(scope, *state.TrustStore) error) (*state.TrustStore, error) {
	var changed state.TrustStore
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		t, err := q.trustStore(text)
		if err != nil {
			return err
		}
		changed = *t
		changed.Revocations = slices.Clone(t.Revocations)
		if err := change(q, &changed); err != nil {
			return err
		}
		state.TrustStores.Put(tx, &changed)
		return nil
	})
	return &changed, err
}

// ModifyTrustStore takes the authorities from another file.
func (s *Service) ModifyTrustStore(ctx context.Context, in *elbv2api.ModifyTrustStoreInput) (*elbv2api.ModifyTrustStoreOutput, error) {
	if _, err := scopeOf(ctx, s.DB.Read()).trustStore(in.TrustStoreArn); err != nil {
		return nil, err
	}
	authorities, err := s.authorities(ctx, file{in.CaCertificatesBundleS3Bucket, in.CaCertificatesBundleS3Key, in.CaCertificatesBundleS3ObjectVersion})
	if err != nil {
		return nil, err
	}
	t, err := s.changeTrustStore(ctx, in.TrustStoreArn, func(_ scope, t *state.TrustStore) error {
		t.Authorities = authorities
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyTrustStoreOutput{TrustStores: []elbv2api.TrustStore{describeTrustStore(t)}}, nil
}

// DescribeTrustStores lists trust stores.
func (s *Service) DescribeTrustStores(ctx context.Context, in *elbv2api.DescribeTrustStoresInput) (*elbv2api.DescribeTrustStoresOutput, error) {
	q := scopeOf(ctx, s.DB.Read())
	var found []*state.TrustStore
	for _, text := range unique(in.TrustStoreArns) {
		t, err := q.trustStore(text)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	for _, name := range unique(in.Names) {
		t, ok := q.trustStoreNamed(name)
		if !ok {
			return nil, &elbv2api.TrustStoreNotFoundException{Message: "Trust store '" + name + "' not found"}
		}
		found = append(found, t)
	}
	if len(in.TrustStoreArns) == 0 && len(in.Names) == 0 {
		found = slices.Collect(state.TrustStores.All(q.tx, state.Prefix(q.account, q.region)))
	}
	found, next, err := page(found, (*state.TrustStore).Key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoresOutput{TrustStores: []elbv2api.TrustStore{}, NextMarker: next}
	for _, t := range found {
		out.TrustStores = append(out.TrustStores, describeTrustStore(t))
	}
	return out, nil
}

// DescribeTrustStoreAssociations lists the listeners that use a trust store.
func (s *Service) DescribeTrustStoreAssociations(ctx context.Context, in *elbv2api.DescribeTrustStoreAssociationsInput) (*elbv2api.DescribeTrustStoreAssociationsOutput, error) {
	q := scopeOf(ctx, s.DB.Read())
	t, err := q.trustStore(in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	var users []string
	for l := range state.Listeners.By(q.tx, "trust-store", t.ARN()) {
		users = append(users, l.ARN())
	}
	slices.Sort(users)
	users, next, err := page(users, func(arn string) string { return arn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoreAssociationsOutput{TrustStoreAssociations: []elbv2api.TrustStoreAssociation{}, NextMarker: next}
	for _, arn := range users {
		out.TrustStoreAssociations = append(out.TrustStoreAssociations, elbv2api.TrustStoreAssociation{ResourceArn: arn})
	}
	return out, nil
}

// DeleteTrustStore deletes a trust store that no listener uses.
func (s *Service) DeleteTrustStore(ctx context.Context, in *elbv2api.DeleteTrustStoreInput) (*elbv2api.DeleteTrustStoreOutput, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := scopeOf(ctx, tx).trustStore(in.TrustStoreArn)
		if err != nil {
			return err
		}
		if count(state.Listeners.By(tx, "trust-store", t.ARN())) > 0 {
			return &elbv2api.TrustStoreInUseException{Message: "Trust store '" + in.TrustStoreArn + "' is currently in use by a listener"}
		}
		state.TrustStores.Delete(tx, t.Key())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.DeleteTrustStoreOutput{}, nil
}
