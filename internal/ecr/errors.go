package ecr

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/ecrapi"
)

// AWS's texts, in one place.

func errRepositoryNotFound(sc scope, name string) error {
	return &ecrapi.RepositoryNotFoundException{Message: "The repository with name '" + name + "' does not exist in the registry with id '" + sc.account + "'"}
}

func errRepositoryExists(sc scope, name string) error {
	return &ecrapi.RepositoryAlreadyExistsException{Message: "The repository with name '" + name + "' already exists in the registry with id '" + sc.account + "'"}
}

func errRepositoryNotEmpty(sc scope, name string) error {
	return &ecrapi.RepositoryNotEmptyException{Message: "The repository with name '" + name + "' in registry with id '" + sc.account + "' cannot be deleted because it still contains images"}
}

func errImageNotFound(sc scope, repository string, digest, tag string) error {
	return &ecrapi.ImageNotFoundException{Message: "The image with imageId {imageDigest:'" + orNull(digest) + "', imageTag:'" + orNull(tag) + "'} does not exist within the repository with name '" + repository + "' in the registry with id '" + sc.account + "'"}
}

func errImageExists(sc scope, repository, digest, tag string) error {
	return &ecrapi.ImageAlreadyExistsException{Message: "Image with digest '" + digest + "' and tag '" + orNull(tag) + "' already exists in the repository with name '" + repository + "' in registry with id '" + sc.account + "'"}
}

func errTagImmutable(repository, tag string) error {
	return &ecrapi.ImageTagAlreadyExistsException{Message: "The image tag '" + tag + "' already exists in the '" + repository + "' repository and cannot be overwritten because the tag is immutable."}
}

func errLayersNotFound(sc scope, repository string, digests []string) error {
	return &ecrapi.LayersNotFoundException{Message: "Layers with digests '[" + strings.Join(digests, ", ") + "]' required for pushing image into repository with name '" + repository + "' in the registry with id '" + sc.account + "' do not exist"}
}

func errReferencesNotFound(sc scope, repository string, digests []string) error {
	return &ecrapi.ReferencedImagesNotFoundException{Message: "Images with digests '[" + strings.Join(digests, ", ") + "]' required for pushing image into repository with name '" + repository + "' in the registry with id '" + sc.account + "' do not exist"}
}

func errUploadNotFound(sc scope, repository, id string) error {
	return &ecrapi.UploadNotFoundException{Message: "The upload with id '" + id + "' does not exist in the repository with name '" + repository + "' in the registry with id '" + sc.account + "'"}
}

func errRepositoryPolicyNotFound(sc scope, name string) error {
	return &ecrapi.RepositoryPolicyNotFoundException{Message: "Repository policy does not exist for the repository with name '" + name + "' in the registry with id '" + sc.account + "'"}
}

func errLifecyclePolicyNotFound(sc scope, name string) error {
	return &ecrapi.LifecyclePolicyNotFoundException{Message: "Lifecycle policy does not exist for the repository with name '" + name + "' in the registry with id '" + sc.account + "'"}
}

// errInvalid is a parameter that is wrong, or that we do not carry out.
func errInvalid(parameter, why string) error {
	return &ecrapi.InvalidParameterException{Message: "Invalid parameter at '" + parameter + "' failed to satisfy constraint: '" + why + "'"}
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}
