package ecr

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/state"
)

// ListImages lists digests and tags of a repository's images.
func (s *Service) ListImages(ctx context.Context, in *ecrapi.ListImagesRequest) (*ecrapi.ListImagesResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	filter := ecrapi.TagStatusAny
	if in.Filter != nil && in.Filter.TagStatus != "" {
		filter = in.Filter.TagStatus
	}
	if in.Filter != nil && isArchive(in.Filter.ImageStatus) {
		return &ecrapi.ListImagesResponse{ImageIds: []ecrapi.ImageIdentifier{}}, nil
	}
	var ids []ecrapi.ImageIdentifier
	for _, image := range imagesOf(tx, sc, in.RepositoryName) {
		if len(image.Tags) == 0 && filter != ecrapi.TagStatusTagged {
			ids = append(ids, ecrapi.ImageIdentifier{ImageDigest: image.Digest})
		}
		for _, tag := range image.Tags {
			if filter != ecrapi.TagStatusUntagged {
				ids = append(ids, ecrapi.ImageIdentifier{ImageDigest: image.Digest, ImageTag: tag})
			}
		}
	}
	page, next, err := paginate(ids, func(id ecrapi.ImageIdentifier) string { return id.ImageDigest + ":" + id.ImageTag }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &ecrapi.ListImagesResponse{ImageIds: append([]ecrapi.ImageIdentifier{}, page...), NextToken: next}, nil
}

// DescribeImages describes a repository's images, or those that are named.
func (s *Service) DescribeImages(ctx context.Context, in *ecrapi.DescribeImagesRequest) (*ecrapi.DescribeImagesResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	out := &ecrapi.DescribeImagesResponse{ImageDetails: []ecrapi.ImageDetail{}}
	if in.ImageIds != nil {
		for _, id := range in.ImageIds {
			image, failure := find(tx, sc, in.RepositoryName, id)
			if failure != nil {
				return nil, errImageNotFound(sc, in.RepositoryName, id.ImageDigest, id.ImageTag)
			}
			out.ImageDetails = append(out.ImageDetails, detail(image))
		}
		return out, nil
	}
	var images []*state.Image
	for _, image := range imagesOf(tx, sc, in.RepositoryName) {
		if in.Filter == nil || wanted(in.Filter, image) {
			images = append(images, image)
		}
	}
	page, next, err := paginate(images, func(i *state.Image) string { return i.Digest }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	for _, image := range page {
		out.ImageDetails = append(out.ImageDetails, detail(image))
	}
	return out, nil
}

func wanted(f *ecrapi.DescribeImagesFilter, image *state.Image) bool {
	switch f.TagStatus {
	case ecrapi.TagStatusTagged:
		return len(image.Tags) > 0 && !isArchive(f.ImageStatus)
	case ecrapi.TagStatusUntagged:
		return len(image.Tags) == 0 && !isArchive(f.ImageStatus)
	}
	return !isArchive(f.ImageStatus)
}

// isArchive says whether only archived images are asked for; we have none.
func isArchive(f ecrapi.ImageStatusFilter) bool {
	return f == ecrapi.ImageStatusFilterArchived || f == ecrapi.ImageStatusFilterActivating
}

func detail(image *state.Image) ecrapi.ImageDetail {
	return ecrapi.ImageDetail{
		RegistryId: image.Account, RepositoryName: image.Repository, ImageDigest: image.Digest, ImageTags: image.Tags,
		ImageSizeInBytes: image.Size, ImagePushedAt: image.PushedAt, LastRecordedPullTime: image.PulledAt,
		ImageManifestMediaType: image.MediaType, ArtifactMediaType: image.ConfigType,
		SubjectManifestDigest: image.Subject, ImageStatus: ecrapi.ImageStatusActive,
	}
}
