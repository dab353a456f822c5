package iam

import (
	"context"
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreatePolicyVersion adds a version, and puts it in force if asked to.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionRequest) (*iamapi.CreatePolicyVersionResponse, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	var made state.PolicyVersion
	err := s.changePolicy(ctx, in.PolicyArn, func(_ *store.Tx, p *state.Policy) error {
		if len(p.Versions) >= maxVersions {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Last++
		made = state.PolicyVersion{Number: p.Last, Document: in.PolicyDocument, CreatedAt: s.now()}
		p.Versions = append(slices.Clone(p.Versions), made)
		if in.SetAsDefault {
			p.Default = p.Last
		}
		p.UpdatedAt = made.CreatedAt
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyVersionResponse{PolicyVersion: &iamapi.PolicyVersion{VersionId: made.ID(), IsDefaultVersion: in.SetAsDefault, CreateDate: made.CreatedAt}}, nil
}

// GetPolicyVersion returns the text of a version.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionRequest) (*iamapi.GetPolicyVersionResponse, error) {
	p, err := findPolicy(s.db.Read(), caller.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v, ok := p.Version(in.VersionId)
	if !ok {
		return nil, noSuchVersion(in.PolicyArn, in.VersionId)
	}
	out := versionOut(p.Policy, v)
	out.Document = encoded(v.Document)
	return &iamapi.GetPolicyVersionResponse{PolicyVersion: &out}, nil
}

func noSuchVersion(arn, version string) error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", arn, version)
}

// ListPolicyVersions lists the versions of a policy, newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsRequest) (*iamapi.ListPolicyVersionsResponse, error) {
	p, err := findPolicy(s.db.Read(), caller.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	versions, truncated, marker, err := page(slices.Clone(p.Versions), newestFirst, in.Marker, in.MaxItems)
	out := &iamapi.ListPolicyVersionsResponse{Versions: []iamapi.PolicyVersion{}, IsTruncated: truncated, Marker: marker}
	for _, v := range versions {
		out.Versions = append(out.Versions, versionOut(p.Policy, v))
	}
	return out, err
}

func newestFirst(v state.PolicyVersion) string { return fmt.Sprintf("%08d", 1e8-1-v.Number) }

// DeletePolicyVersion deletes a version that is not in force.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionRequest) error {
	return s.changePolicy(ctx, in.PolicyArn, func(_ *store.Tx, p *state.Policy) error {
		v, ok := p.Version(in.VersionId)
		switch {
		case !ok:
			return noSuchVersion(in.PolicyArn, in.VersionId)
		case v.Number == p.Default:
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = without(p.Versions, func(o state.PolicyVersion) bool { return o.Number == v.Number })
		return nil
	})
}

// SetDefaultPolicyVersion puts a version in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionRequest) error {
	return s.changePolicy(ctx, in.PolicyArn, func(_ *store.Tx, p *state.Policy) error {
		v, ok := p.Version(in.VersionId)
		if !ok {
			return noSuchVersion(in.PolicyArn, in.VersionId)
		}
		p.Default, p.UpdatedAt = v.Number, s.now()
		return nil
	})
}

func versionOut(p *state.Policy, v state.PolicyVersion) iamapi.PolicyVersion {
	return iamapi.PolicyVersion{VersionId: v.ID(), IsDefaultVersion: v.Number == p.Default, CreateDate: v.CreatedAt}
}
