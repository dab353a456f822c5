package ecr

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// partSize is the size of the parts that clients are told to send, in bytes.
const partSize = 10 << 20

// BatchCheckLayerAvailability says which layers a repository has.
func (s *Service) BatchCheckLayerAvailability(ctx context.Context, in *ecrapi.BatchCheckLayerAvailabilityRequest) (*ecrapi.BatchCheckLayerAvailabilityResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	out := &ecrapi.BatchCheckLayerAvailabilityResponse{Layers: []ecrapi.Layer{}, Failures: []ecrapi.LayerFailure{}}
	for _, d := range in.LayerDigests {
		if digest.Digest(d).Validate() != nil {
			out.Failures = append(out.Failures, ecrapi.LayerFailure{LayerDigest: d, FailureCode: ecrapi.LayerFailureCodeInvalidLayerDigest, FailureReason: "Invalid layer digest"})
			continue
		}
		layer, ok := state.Layers.Get(tx, sc.itemKey(in.RepositoryName, d))
		if !ok {
			out.Layers = append(out.Layers, ecrapi.Layer{LayerDigest: d, LayerAvailability: ecrapi.LayerAvailabilityUnavailable})
			continue
		}
		out.Layers = append(out.Layers, ecrapi.Layer{LayerDigest: d, LayerAvailability: ecrapi.LayerAvailabilityAvailable, LayerSize: layer.Size})
	}
	return out, nil
}

// GetDownloadUrlForLayer returns a link to a layer that needs no credentials.
func (s *Service) GetDownloadUrlForLayer(ctx context.Context, in *ecrapi.GetDownloadUrlForLayerRequest) (*ecrapi.GetDownloadUrlForLayerResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	if _, ok := state.Layers.Get(tx, sc.itemKey(in.RepositoryName, in.LayerDigest)); !ok {
		return nil, &ecrapi.LayersNotFoundException{Message: fmt.Sprintf("Layers with digests '[%s]' do not exist in repository with name '%s' in the registry with id '%s'", in.LayerDigest, in.RepositoryName, sc.account)}
	}
	return &ecrapi.GetDownloadUrlForLayerResponse{
		LayerDigest: in.LayerDigest, DownloadUrl: s.layerURL(ctx, sc, digest.Digest(in.LayerDigest)),
	}, nil
}

// layerURL leads a client in a VPC to S3's name, which it reaches only by its
// VPC's routes and endpoints, and others to the registry itself.
func (s *Service) layerURL(ctx context.Context, sc scope, d digest.Digest) string {
	if caller.From(ctx).SourceVPC != "" {
		return s.links.URL(LayerHost(sc.region), sc.account+"-"+caller.From(ctx).SessionName, d)
	}
	return s.links.URL(sc.host(), "layers/"+sc.account, d)
}

// InitiateLayerUpload starts an upload.
func (s *Service) InitiateLayerUpload(ctx context.Context, in *ecrapi.InitiateLayerUploadRequest) (*ecrapi.InitiateLayerUploadResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	if _, err := s.repository(s.DB.Read(), sc, in.RepositoryName); err != nil {
		return nil, err
	}
	id, err := s.uploads.Start(registry.UploadScope(sc.host(), in.RepositoryName))
	if err != nil {
		return nil, limit(err)
	}
	return &ecrapi.InitiateLayerUploadResponse{UploadId: id, PartSize: partSize}, nil
}

// UploadLayerPart adds a part to an upload; parts come in order.
func (s *Service) UploadLayerPart(ctx context.Context, in *ecrapi.UploadLayerPartRequest) (*ecrapi.UploadLayerPartResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	if _, err := s.repository(s.DB.Read(), sc, in.RepositoryName); err != nil {
		return nil, err
	}
	if int64(len(in.LayerPartBlob)) != in.PartLastByte-in.PartFirstByte+1 {
		return nil, errInvalid("partLastByte", "the part must have as many bytes as partFirstByte and partLastByte say")
	}
	upload := registry.UploadScope(sc.host(), in.RepositoryName)
	size, err := s.uploads.Append(upload, in.UploadId, in.PartFirstByte, bytes.NewReader(in.LayerPartBlob))
	if errors.Is(err, registry.ErrOffset) {
		return nil, &ecrapi.InvalidLayerPartException{
			RegistryId: sc.account, RepositoryName: in.RepositoryName, UploadId: in.UploadId, LastValidByteReceived: max(size-1, 0),
			Message: fmt.Sprintf("The layer part upload is not valid, or the first byte specified is not consecutive to the last byte of a previous layer part upload: the first byte must be %d", size),
		}
	}
	if err != nil {
		return nil, s.uploadError(sc, in.RepositoryName, in.UploadId, err)
	}
	return &ecrapi.UploadLayerPartResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName, UploadId: in.UploadId, LastByteReceived: size - 1}, nil
}

// CompleteLayerUpload makes an upload a layer of the repository.
func (s *Service) CompleteLayerUpload(ctx context.Context, in *ecrapi.CompleteLayerUploadRequest) (*ecrapi.CompleteLayerUploadResponse, error) {
	sc := scopeOf(ctx, in.RegistryId)
	tx := s.DB.Read()
	if _, err := s.repository(tx, sc, in.RepositoryName); err != nil {
		return nil, err
	}
	upload := registry.UploadScope(sc.host(), in.RepositoryName)
	size, err := s.uploads.Size(upload, in.UploadId)
	if err != nil {
		return nil, s.uploadError(sc, in.RepositoryName, in.UploadId, err)
	}
	if size == 0 {
		return nil, &ecrapi.EmptyUploadException{Message: "The specified layer upload does not contain any layer parts."}
	}
	d := digest.Digest(in.LayerDigests[0])
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return nil, errInvalid("layerDigests", "must be a sha256 digest")
	}
	if _, ok := state.Layers.Get(tx, sc.itemKey(in.RepositoryName, d.String())); ok {
		return nil, &ecrapi.LayerAlreadyExistsException{Message: fmt.Sprintf("Layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", d, in.RepositoryName, sc.account)}
	}
	if _, err := s.uploads.Finish(upload, in.UploadId, d); err != nil {
		if errors.Is(err, blob.ErrDigest) {
			return nil, &ecrapi.InvalidLayerException{Message: "The layer digest calculation performed by Amazon ECR upon receipt of the image layer does not match the digest specified."}
		}
		return nil, s.uploadError(sc, in.RepositoryName, in.UploadId, err)
	}
	if err := s.addLayer(ctx, sc, in.RepositoryName, d, size); err != nil {
		return nil, err
	}
	return &ecrapi.CompleteLayerUploadResponse{RegistryId: sc.account, RepositoryName: in.RepositoryName, UploadId: in.UploadId, LayerDigest: d.String()}, nil
}

func (s *Service) addLayer(ctx context.Context, sc scope, repository string, d digest.Digest, size int64) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.repository(tx, sc, repository); err != nil {
			return err
		}
		state.Layers.Put(tx, &state.Layer{Account: sc.account, Region: sc.region, Repository: repository, Digest: d.String(), Size: size})
		return nil
	})
}

// uploadError turns the registry's answers into the API's.
func (s *Service) uploadError(sc scope, repository, id string, err error) error {
	var e *registry.Error
	if errors.As(err, &e) && e.Code == "BLOB_UPLOAD_UNKNOWN" {
		return errUploadNotFound(sc, repository, id)
	}
	return limit(err)
}

func limit(err error) error {
	var e *registry.Error
	if errors.As(err, &e) {
		return &ecrapi.LimitExceededException{Message: e.Message}
	}
	return err
}
