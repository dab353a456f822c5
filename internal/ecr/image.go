package ecr

import (
	"bytes"
	"context"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// PutImage adds an image whose layers are in the repository, or tags one.
func (s *Service) PutImage(ctx context.Context, in *ecrapi.PutImageRequest) (*ecrapi.PutImageResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	if _, err := s.repository(s.DB.Read(), sc, in.RepositoryName); err != nil {
		return nil, err
	}
	if in.ImageTag != "" && !registry.ValidTag(in.ImageTag) {
		return nil, errInvalid("imageTag", `must satisfy regular expression '^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$'`)
	}
	m, err := registry.ParseManifest(in.ImageManifestMediaType, []byte(in.ImageManifest))
	if err != nil {
		return nil, errInvalid("ImageManifest", "Invalid JSON syntax or unsupported manifest: "+err.Error())
	}
	if in.ImageDigest != "" && in.ImageDigest != m.Digest.String() {
		return nil, &ecrapi.ImageDigestDoesNotMatchException{Message: "The calculated digest '" + m.Digest.String() + "' of the image manifest does not match the provided digest '" + in.ImageDigest + "'"}
	}
	if _, _, err := s.Blobs.Put(bytes.NewReader(m.Data), m.Digest); err != nil {
		return nil, err
	}
	added, err := s.putImage(ctx, sc, in.RepositoryName, in.ImageTag, m)
	if err != nil {
		return nil, err
	}
	if !added {
		return nil, errImageExists(sc, in.RepositoryName, m.Digest.String(), in.ImageTag)
	}
	return &ecrapi.PutImageResponse{Image: &ecrapi.Image{
		RegistryId: sc.account, RepositoryName: in.RepositoryName, ImageManifest: in.ImageManifest, ImageManifestMediaType: m.MediaType,
		ImageId: &ecrapi.ImageIdentifier{ImageDigest: m.Digest.String(), ImageTag: in.ImageTag},
	}}, nil
}

// putImage records an image whose manifest is in the blob store. It reports
// false when the repository has it with this tag already.
func (s *Service) putImage(ctx context.Context, sc scope, repository, tag string, m registry.Manifest) (added bool, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := s.repository(tx, sc, repository)
		if err != nil {
			return err
		}
		image, err := s.newImage(tx, sc, repository, m)
		if err != nil {
			return err
		}
		old, exists := state.Images.Get(tx, image.Key())
		if exists {
			image = new(state.Image)
			*image = *old
			if tag == "" || slices.Contains(old.Tags, tag) {
				return nil
			}
		}
		if tag != "" {
			if err := takeTag(tx, sc, r, tag); err != nil {
				return err
			}
			image.Tags = append(slices.Clone(image.Tags), tag)
			slices.Sort(image.Tags)
		}
		state.Images.Put(tx, image)
		added = true
		return expire(tx, r, s.Now())
	})
	return added, err
}

// takeTag removes a tag from the image that has it, if the repository lets it go.
func takeTag(tx *store.Tx, sc scope, r *state.Repository, tag string) error {
	for holder := range state.Images.By(tx, "tag", r.Key()+":"+tag) {
		if immutable(r, tag) {
			return errTagImmutable(r.Name, tag)
		}
		untag(tx, holder, tag)
	}
	return nil
}

func untag(tx *store.Tx, image *state.Image, tag string) {
	changed := *image
	changed.Tags = slices.DeleteFunc(slices.Clone(image.Tags), func(t string) bool { return t == tag })
	state.Images.Put(tx, &changed)
}

// newImage makes the record of a manifest, and checks that the repository has
// all that it refers to.
func (s *Service) newImage(tx *store.Tx, sc scope, repository string, m registry.Manifest) (*state.Image, error) {
	image := &state.Image{
		Account: sc.account, Region: sc.region, Repository: repository, Digest: m.Digest.String(),
		MediaType: m.MediaType, ConfigType: m.Config.MediaType, ManifestSize: m.Size, IsIndex: m.IsIndex(), PushedAt: s.Now().UTC(),
	}
	if m.ArtifactType != "" {
		image.ConfigType = m.ArtifactType
	}
	if m.Subject != nil {
		image.Subject = m.Subject.Digest.String()
	}
	var missing []string
	for _, d := range m.References() {
		key := sc.itemKey(repository, d.Digest.String())
		image.References = append(image.References, d.Digest.String())
		if image.IsIndex {
			part, ok := state.Images.Get(tx, key)
			if !ok {
				missing = append(missing, d.Digest.String())
				continue
			}
			image.Size = max(image.Size, part.Size)
			continue
		}
		layer, ok := state.Layers.Get(tx, key)
		if !ok {
			missing = append(missing, d.Digest.String())
			continue
		}
		image.Size += layer.Size
	}
	switch {
	case len(missing) == 0:
		return image, nil
	case image.IsIndex:
		return nil, errReferencesNotFound(sc, repository, missing)
	}
	return nil, errLayersNotFound(sc, repository, missing)
}

// BatchGetImage returns the manifests of images.
func (s *Service) BatchGetImage(ctx context.Context, in *ecrapi.BatchGetImageRequest) (*ecrapi.BatchGetImageResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	out := &ecrapi.BatchGetImageResponse{Images: []ecrapi.Image{}, Failures: []ecrapi.ImageFailure{}}
	for _, id := range in.ImageIds {
		image, failure := find(tx, sc, in.RepositoryName, id)
		if failure != nil {
			out.Failures = append(out.Failures, *failure)
			continue
		}
		data, err := s.Blobs.Read(digest.Digest(image.Digest), registry.MaxManifest)
		if err != nil {
			return nil, err
		}
		s.recordPull(ctx, image)
		out.Images = append(out.Images, ecrapi.Image{
			RegistryId: sc.account, RepositoryName: in.RepositoryName, ImageManifest: string(data), ImageManifestMediaType: image.MediaType,
			ImageId: &ecrapi.ImageIdentifier{ImageDigest: image.Digest, ImageTag: id.ImageTag},
		})
	}
	return out, nil
}

// recordPull notes that an image was pulled, once a day, as ECR does.
func (s *Service) recordPull(ctx context.Context, image *state.Image) {
	const day = 24 * 60 * 60
	now := s.Now().UTC()
	if !image.PulledAt.IsZero() && now.Unix()-image.PulledAt.Unix() < day {
		return
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		state.Images.Update(tx, image.Key(), func(i *state.Image) { i.PulledAt = now })
		return nil
	})
	if err != nil {
		s.logError(ctx, "recording a pull", err)
	}
}

// BatchDeleteImage removes tags, and images: with their last tag, or by digest
// with all their tags.
func (s *Service) BatchDeleteImage(ctx context.Context, in *ecrapi.BatchDeleteImageRequest) (*ecrapi.BatchDeleteImageResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	var out *ecrapi.BatchDeleteImageResponse
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		out = &ecrapi.BatchDeleteImageResponse{ImageIds: []ecrapi.ImageIdentifier{}, Failures: []ecrapi.ImageFailure{}}
		if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			image, failure := find(tx, sc, in.RepositoryName, id)
			if failure == nil {
				failure = deleteImage(tx, sc, image, id, out)
			}
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
			}
		}
		return nil
	})
	return out, err
}

func deleteImage(tx *store.Tx, sc scope, image *state.Image, id ecrapi.ImageIdentifier, out *ecrapi.BatchDeleteImageResponse) *ecrapi.ImageFailure {
	if id.ImageTag != "" && id.ImageDigest == "" && len(image.Tags) > 1 {
		untag(tx, image, id.ImageTag)
		out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: image.Digest, ImageTag: id.ImageTag})
		return nil
	}
	for _, other := range imagesOf(tx, sc, image.Repository) {
		if other.IsIndex && slices.Contains(other.References, image.Digest) {
			return failed(id, ecrapi.ImageFailureCodeImageReferencedByManifestList, "Requested image referenced by manifest list: ["+other.Digest+"]")
		}
	}
	state.Images.Delete(tx, image.Key())
	dropLayers(tx, sc, image)
	if len(image.Tags) == 0 {
		out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: image.Digest})
	}
	for _, tag := range image.Tags {
		out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: image.Digest, ImageTag: tag})
	}
	return nil
}

// dropLayers removes the layers of a deleted image that no other image of the
// repository has.
func dropLayers(tx *store.Tx, sc scope, deleted *state.Image) {
	kept := map[string]bool{}
	for _, image := range imagesOf(tx, sc, deleted.Repository) {
		for _, d := range image.References {
			kept[d] = true
		}
	}
	for _, d := range deleted.References {
		if !kept[d] {
			state.Layers.Delete(tx, sc.itemKey(deleted.Repository, d))
		}
	}
}

// find looks an image up by digest, tag or both.
func find(tx *store.Tx, sc scope, repository string, id ecrapi.ImageIdentifier) (*state.Image, *ecrapi.ImageFailure) {
	switch {
	case id.ImageDigest == "" && id.ImageTag == "":
		return nil, failed(id, ecrapi.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null")
	case id.ImageDigest != "":
		if digest.Digest(id.ImageDigest).Validate() != nil {
			return nil, failed(id, ecrapi.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
		}
		image, ok := state.Images.Get(tx, sc.itemKey(repository, id.ImageDigest))
		if !ok {
			return nil, failed(id, ecrapi.ImageFailureCodeImageNotFound, "Requested image not found")
		}
		if id.ImageTag != "" && !slices.Contains(image.Tags, id.ImageTag) {
			return nil, failed(id, ecrapi.ImageFailureCodeImageTagDoesNotMatchDigest, "Requested image tag does not match the digest")
		}
		return image, nil
	}
	for image := range state.Images.By(tx, "tag", sc.key(repository)+":"+id.ImageTag) {
		return image, nil
	}
	return nil, failed(id, ecrapi.ImageFailureCodeImageNotFound, "Requested image not found")
}

func failed(id ecrapi.ImageIdentifier, code ecrapi.ImageFailureCode, reason string) *ecrapi.ImageFailure {
	return &ecrapi.ImageFailure{ImageId: &id, FailureCode: code, FailureReason: reason}
}

func imagesOf(tx *store.Tx, sc scope, repository string) []*state.Image {
	return slices.Collect(state.Images.All(tx, sc.itemKey(repository, "")))
}
