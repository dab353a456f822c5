package ecr

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// PutImageTagMutability changes whether tags can be overwritten.
func (s *Service) PutImageTagMutability(ctx context.Context, in *ecrapi.PutImageTagMutabilityRequest) (*ecrapi.PutImageTagMutabilityResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	mutability, exclusions, err := mutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, sc, in.RepositoryName, func(r *state.Repository) error {
		r.TagMutability, r.TagExclusions = mutability, exclusions
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutImageTagMutabilityResponse{
		RegistryId: sc.account, RepositoryName: in.RepositoryName, ImageTagMutability: ecrapi.ImageTagMutability(mutability),
		ImageTagMutabilityExclusionFilters: filters(exclusions),
	}, nil
}

// mutability checks the setting and its exclusions, which belong together.
func mutability(m ecrapi.ImageTagMutability, filters []ecrapi.ImageTagMutabilityExclusionFilter) (string, []string, error) {
	if m == "" {
		m = ecrapi.ImageTagMutabilityMutable
	}
	excludes := m == ecrapi.ImageTagMutabilityImmutableWithExclusion || m == ecrapi.ImageTagMutabilityMutableWithExclusion
	if excludes != (len(filters) > 0) {
		return "", nil, errInvalid("imageTagMutabilityExclusionFilters", "must be given with, and only with, a mutability that has exclusions")
	}
	var out []string
	for _, f := range filters {
		if strings.Count(f.Filter, "*") > 2 {
			return "", nil, errInvalid("imageTagMutabilityExclusionFilters", "a filter has at most 2 wildcards")
		}
		out = append(out, f.Filter)
	}
	return string(m), out, nil
}

func filters(exclusions []string) (out []ecrapi.ImageTagMutabilityExclusionFilter) {
	for _, f := range exclusions {
		out = append(out, ecrapi.ImageTagMutabilityExclusionFilter{FilterType: ecrapi.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: f})
	}
	return out
}

// immutable says whether a tag of the repository cannot be moved.
func immutable(r *state.Repository, tag string) bool {
	excluded := false
	for _, pattern := range r.TagExclusions {
		excluded = excluded || matches(pattern, tag)
	}
	return strings.HasPrefix(r.TagMutability, "IMMUTABLE") != excluded
}

// matches compares with a pattern in which * stands for any characters.
func matches(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !ok || !wild {
		return ok && text == ""
	}
	for i := 0; i <= len(text); i++ {
		if matches(rest, text[i:]) {
			return true
		}
	}
	return false
}

// PutImageScanningConfiguration turns scanning off; it cannot be turned on.
func (s *Service) PutImageScanningConfiguration(ctx context.Context, in *ecrapi.PutImageScanningConfigurationRequest) (*ecrapi.PutImageScanningConfigurationResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	if _, err := s.repository(s.DB.Read(), sc, in.RepositoryName); err != nil {
		return nil, err
	}
	if err := checkScanning(in.ImageScanningConfiguration); err != nil {
		return nil, err
	}
	return &ecrapi.PutImageScanningConfigurationResponse{
		RegistryId: sc.account, RepositoryName: in.RepositoryName, ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{},
	}, nil
}

func checkScanning(c *ecrapi.ImageScanningConfiguration) error {
	if c != nil && c.ScanOnPush {
		return errInvalid("imageScanningConfiguration.scanOnPush", "image scanning is not carried out")
	}
	return nil
}

// SetRepositoryPolicy puts a resource-based policy on a repository.
func (s *Service) SetRepositoryPolicy(ctx context.Context, in *ecrapi.SetRepositoryPolicyRequest) (*ecrapi.SetRepositoryPolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	document := in.PolicyText
	if _, err := policy.Parse(document, policy.Resource); err != nil {
		return nil, errInvalid("PolicyText", "Invalid repository policy provided")
	}
	err := s.update(ctx, sc, in.RepositoryName, func(r *state.Repository) error {
		r.Policy = document
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.SetRepositoryPolicyResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName, PolicyText: document}, nil
}

// GetRepositoryPolicy returns a repository's policy.
func (s *Service) GetRepositoryPolicy(ctx context.Context, in *ecrapi.GetRepositoryPolicyRequest) (*ecrapi.GetRepositoryPolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	r, err := s.repository(s.DB.Read(), sc, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if r.Policy == "" {
		return nil, errRepositoryPolicyNotFound(sc, r.Name)
	}
	return &ecrapi.GetRepositoryPolicyResponse{RegistryId: sc.account, RepositoryName: r.Name, PolicyText: r.Policy}, nil
}

// DeleteRepositoryPolicy removes a repository's policy.
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, in *ecrapi.DeleteRepositoryPolicyRequest) (*ecrapi.DeleteRepositoryPolicyResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	out := &ecrapi.DeleteRepositoryPolicyResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName}
	err := s.update(ctx, sc, in.RepositoryName, func(r *state.Repository) error {
		if r.Policy == "" {
			return errRepositoryPolicyNotFound(sc, r.Name)
		}
		out.PolicyText, r.Policy = r.Policy, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// TagResource adds tags to a repository.
func (s *Service) TagResource(ctx context.Context, in *ecrapi.TagResourceRequest) (*ecrapi.TagResourceResponse, error) {
	sc, name, err := parseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, sc, name, func(r *state.Repository) (err error) {
		r.Tags, err = addTags(ctx, r.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.TagResourceResponse{}, nil
}

// UntagResource removes tags from a repository.
func (s *Service) UntagResource(ctx context.Context, in *ecrapi.UntagResourceRequest) (*ecrapi.UntagResourceResponse, error) {
	sc, name, err := parseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, sc, name, func(r *state.Repository) error {
		r.Tags = state.WithoutTags(r.Tags, in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.UntagResourceResponse{}, nil
}

// ListTagsForResource lists a repository's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecrapi.ListTagsForResourceRequest) (*ecrapi.ListTagsForResourceResponse, error) {
	sc, name, err := parseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := s.repository(s.DB.Read(), sc, name)
	if err != nil {
		return nil, err
	}
	out := &ecrapi.ListTagsForResourceResponse{Tags: []ecrapi.Tag{}}
	for _, t := range r.Tags {
		out.Tags = append(out.Tags, ecrapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}

func parseARN(text string) (scope, string, error) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "ecr" || a.Type() != "repository" {
		return scope{}, "", errInvalid("resourceArn", "Invalid ARN")
	}
	return scope{a.Account, a.Region}, a.ID(), nil
}
