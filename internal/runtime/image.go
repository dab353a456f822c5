package runtime

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImageSource says where an image comes from.
type ImageSource struct {
	// Target is the image's manifest, or an index of manifests for several
	// platforms (media types of OCI or Docker schema 2). Its Size may be 0 when
	// it is not known.
	Target ocispec.Descriptor
	// Platform picks from an index; the zero value is the host's platform.
	Platform ocispec.Platform
	// Fetch opens a blob of the image: index, manifest, config or layer. It may be
	// called for several blobs at a time. The bytes are checked against the digest.
	Fetch func(ctx context.Context, blob ocispec.Descriptor) (io.ReadCloser, error)
}

// Image is an image that is ready to run.
type Image struct {
	Digest   string // of the index or manifest that EnsureImage was given
	Manifest string // digest of the manifest that was picked; Digest if there was no choice
	Size     int64  // bytes of the manifest, config and compressed layers
	Config   ImageConfig
}

// ImageConfig is what the image itself says about how to run it.
type ImageConfig struct {
	Entrypoint   []string
	Command      []string
	Environment  []string // NAME=value
	User         string   // "", user, uid, user:group, uid:gid ...
	WorkingDir   string
	StopSignal   string   // "SIGTERM", "15" or ""
	ExposedPorts []string // "80/tcp", sorted
	Volumes      []string // directories that the image declares as volumes, sorted
	Labels       map[string]string
	OS           string // "linux"
	Architecture string // Go's names: "amd64", "arm64"
}
