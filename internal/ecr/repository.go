package ecr

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateRepository makes an empty repository.
func (s *Service) CreateRepository(ctx context.Context, in *ecrapi.CreateRepositoryRequest) (*ecrapi.CreateRepositoryResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	switch {
	case sc.account != caller.From(ctx).Account:
		return nil, errInvalid("registryId", "must be the registry of the caller's account")
	case !registry.ValidRepository(in.RepositoryName):
		return nil, errInvalid("repositoryName", `must satisfy regular expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'`)
	case in.EncryptionConfiguration != nil && in.EncryptionConfiguration.EncryptionType != ecrapi.EncryptionTypeAes256:
		return nil, errInvalid("encryptionConfiguration", "encryption type "+string(in.EncryptionConfiguration.EncryptionType)+" is not carried out, only AES256")
	}
	if err := checkScanning(in.ImageScanningConfiguration); err != nil {
		return nil, err
	}
	mutability, exclusions, err := mutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	if err != nil {
		return nil, err
	}
	tags, err := addTags(ctx, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := &state.Repository{
		Account: sc.account, Region: sc.region, Name: in.RepositoryName, CreatedAt: s.Now().UTC(),
		TagMutability: mutability, TagExclusions: exclusions, Tags: tags,
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, ok := state.Repositories.Get(tx, r.Key()); ok {
			return errRepositoryExists(sc, r.Name)
		}
		state.Repositories.Put(tx, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.CreateRepositoryResponse{Repository: describe(r)}, nil
}

// DescribeRepositories lists repositories, or describes those that are named.
func (s *Service) DescribeRepositories(ctx context.Context, in *ecrapi.DescribeRepositoriesRequest) (*ecrapi.DescribeRepositoriesResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	out := &ecrapi.DescribeRepositoriesResponse{}
	if in.RepositoryNames != nil {
		for _, name := range in.RepositoryNames {
			r, ok := state.Repositories.Get(tx, sc.key(name))
			if !ok {
				return nil, errRepositoryNotFound(sc, name)
			}
			out.Repositories = append(out.Repositories, *describe(r))
		}
		return out, nil
	}
	names := []*state.Repository{}
	for r := range state.Repositories.All(tx, state.Prefix(sc.account, sc.region)) {
		names = append(names, r)
	}
	page, next, err := paginate(names, func(r *state.Repository) string { return r.Name }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	for _, r := range page {
		out.Repositories = append(out.Repositories, *describe(r))
	}
	return out, nil
}

// DeleteRepository removes a repository, with its images when forced.
func (s *Service) DeleteRepository(ctx context.Context, in *ecrapi.DeleteRepositoryRequest) (*ecrapi.DeleteRepositoryResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	var deleted *state.Repository
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		r, ok := state.Repositories.Get(tx, sc.key(in.RepositoryName))
		if !ok {
			return errRepositoryNotFound(sc, in.RepositoryName)
		}
		images := imagesOf(tx, sc, r.Name)
		if len(images) > 0 && !in.Force {
			return errRepositoryNotEmpty(sc, r.Name)
		}
		for _, image := range images {
			state.Images.Delete(tx, image.Key())
		}
		for _, layer := range slices.Collect(state.Layers.All(tx, sc.itemKey(r.Name, ""))) {
			state.Layers.Delete(tx, layer.Key())
		}
		state.Repositories.Delete(tx, r.Key())
		deleted = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.DeleteRepositoryResponse{Repository: describe(deleted)}, nil
}

// DescribeRegistry describes the caller's registry. Nothing is replicated.
func (s *Service) DescribeRegistry(ctx context.Context, _ *ecrapi.DescribeRegistryRequest) (*ecrapi.DescribeRegistryResponse, error) {
	return &ecrapi.DescribeRegistryResponse{
		RegistryId:               caller.From(ctx).Account,
		ReplicationConfiguration: &ecrapi.ReplicationConfiguration{Rules: []ecrapi.ReplicationRule{}},
	}, nil
}

func describe(r *state.Repository) *ecrapi.Repository {
	out := &ecrapi.Repository{
		RepositoryArn: r.ARN(), RegistryId: r.Account, RepositoryName: r.Name,
		RepositoryUri:              scope{r.Account, r.Region}.host() + "/" + r.Name,
		CreatedAt:                  r.CreatedAt,
		ImageTagMutability:         ecrapi.ImageTagMutability(r.TagMutability),
		ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{},
		EncryptionConfiguration:    &ecrapi.EncryptionConfiguration{EncryptionType: ecrapi.EncryptionTypeAes256},
	}
	out.ImageTagMutabilityExclusionFilters = filters(r.TagExclusions)
	return out
}

// repository finds the repository of a request.
func (s *Service) repository(tx *store.Tx, sc scope, name string) (*state.Repository, error) {
	r, ok := state.Repositories.Get(tx, sc.key(name))
	if !ok {
		return nil, errRepositoryNotFound(sc, name)
	}
	return r, nil
}

// update changes a repository in one transaction.
func (s *Service) update(ctx context.Context, sc scope, name string, change func(*state.Repository) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := s.repository(tx, sc, name)
		if err != nil {
			return err
		}
		changed := *r
		if err := change(&changed); err != nil {
			return err
		}
		state.Repositories.Put(tx, &changed)
		return nil
	})
}

// paginate is wire.Page with ECR's bound and error.
func paginate[T any](items []T, key func(T) string, token string, maxResults *int32) ([]T, string, error) {
	out, next, ok := wire.Page(items, key, token, int(wire.Or(maxResults, 100)))
	if !ok {
		return nil, "", errInvalid("nextToken", "must be a token that an earlier call returned")
	}
	return out, next, nil
}
