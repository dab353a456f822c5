package elbv2

import (
	"cmp"
	"context"
	"crypto/x509"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// AddTrustStoreRevocations adds lists of revoked certificates, which are read as the caller.
func (s *Service) AddTrustStoreRevocations(ctx context.Context, in *elbv2api.AddTrustStoreRevocationsInput) (*elbv2api.AddTrustStoreRevocationsOutput, error) {
	if _, err := scopeOf(ctx, s.DB.Read()).trustStore(in.TrustStoreArn); err != nil {
		return nil, err
	}
	var lists []*x509.RevocationList
	for _, c := range in.RevocationContents {
		if c.RevocationType != "" && c.RevocationType != elbv2api.RevocationTypeCrl {
			return nil, invalid("Revocation type '%s' must be 'CRL'", c.RevocationType)
		}
		list := &x509.RevocationList{}
		if s.Plane != nil { // rehearsals take any file
			var err error
			if list, err = s.revocations(ctx, file{c.S3Bucket, c.S3Key, c.S3ObjectVersion}); err != nil {
				return nil, err
			}
		}
		lists = append(lists, list)
	}
	out := &elbv2api.AddTrustStoreRevocationsOutput{TrustStoreRevocations: []elbv2api.TrustStoreRevocation{}}
	_, err := s.changeTrustStore(ctx, in.TrustStoreArn, func(_ scope, t *state.TrustStore) error {
		for _, list := range lists {
			r := state.TrustStoreRevocation{ID: t.NextID, Entries: int64(len(list.RevokedCertificateEntries)), List: list.Raw}
			t.NextID++
			t.Revocations = append(t.Revocations, r)
			out.TrustStoreRevocations = append(out.TrustStoreRevocations, elbv2api.TrustStoreRevocation{TrustStoreArn: t.ARN(), RevocationId: &r.ID, RevocationType: elbv2api.RevocationTypeCrl, NumberOfRevokedEntries: &r.Entries})
		}
		if *describeTrustStore(t).TotalRevokedEntries > maxRevoked {
			return &elbv2api.TooManyTrustStoreRevocationEntriesException{Message: "The maximum number of revocation entries of a trust store has been reached"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RemoveTrustStoreRevocations takes lists away.
func (s *Service) RemoveTrustStoreRevocations(ctx context.Context, in *elbv2api.RemoveTrustStoreRevocationsInput) (*elbv2api.RemoveTrustStoreRevocationsOutput, error) {
	_, err := s.changeTrustStore(ctx, in.TrustStoreArn, func(_ scope, t *state.TrustStore) error {
		for _, id := range in.RevocationIds {
			i := slices.IndexFunc(t.Revocations, func(r state.TrustStoreRevocation) bool { return r.ID == id })
			if i < 0 {
				return noRevocation(id)
			}
			t.Revocations = slices.Delete(t.Revocations, i, i+1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.RemoveTrustStoreRevocationsOutput{}, nil
}

func noRevocation(id int64) error {
	return &elbv2api.RevocationIdNotFoundException{Message: "The revocation ID '" + strconv.FormatInt(id, 10) + "' was not found"}
}

// DescribeTrustStoreRevocations lists the lists of a trust store.
func (s *Service) DescribeTrustStoreRevocations(ctx context.Context, in *elbv2api.DescribeTrustStoreRevocationsInput) (*elbv2api.DescribeTrustStoreRevocationsOutput, error) {
	t, err := scopeOf(ctx, s.DB.Read()).trustStore(in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	found := slices.Clone(t.Revocations)
	if len(in.RevocationIds) > 0 {
		for _, id := range in.RevocationIds {
			if !slices.ContainsFunc(found, func(r state.TrustStoreRevocation) bool { return r.ID == id }) {
				return nil, noRevocation(id)
			}
		}
		found = slices.DeleteFunc(found, func(r state.TrustStoreRevocation) bool { return !slices.Contains(in.RevocationIds, r.ID) })
	}
	slices.SortFunc(found, func(a, b state.TrustStoreRevocation) int { return cmp.Compare(a.ID, b.ID) })
	order := func(r state.TrustStoreRevocation) string { return strconv.FormatInt(r.ID+1e15, 10) }
	found, next, err := page(found, order, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoreRevocationsOutput{TrustStoreRevocations: []elbv2api.DescribeTrustStoreRevocation{}, NextMarker: next}
	for _, r := range found {
		out.TrustStoreRevocations = append(out.TrustStoreRevocations, elbv2api.DescribeTrustStoreRevocation{TrustStoreArn: t.ARN(), RevocationId: &r.ID, RevocationType: elbv2api.RevocationTypeCrl, NumberOfRevokedEntries: &r.Entries})
	}
	return out, nil
}
