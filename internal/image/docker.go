package image

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// readDocker reads manifest.json of "docker save". Such an archive has configs
// and layers but no manifests: they are made here, with the layers as they lie
// in the archive (not compressed, as a rule).
func (a *Archive) readDocker() error {
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := a.document("manifest.json", &list); err != nil {
		return err
	}
	if len(list) > maxImages {
		return fmt.Errorf("%w: %d images, more than %d", ErrFormat, len(list), maxImages)
	}
	for _, item := range list {
		manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
		var err error
		if manifest.Config, err = a.describe(item.Config, ocispec.MediaTypeImageConfig); err != nil {
			return err
		}
		for _, name := range item.Layers {
			layer, err := a.describe(name, "")
			if err != nil {
				return err
			}
			manifest.Layers = append(manifest.Layers, layer)
		}
		content, err := json.Marshal(manifest)
		if err != nil {
			return err
		}
		target := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(content), Size: int64(len(content))}
		a.made[target.Digest] = content
		a.Images = append(a.Images, Image{Names: item.RepoTags, Target: target})
	}
	return nil
}

// describe finds out a file's digest and size, and for a layer ("") the media
// type that its first bytes tell.
func (a *Archive) describe(name, mediaType string) (ocispec.Descriptor, error) {
	file, size, err := a.files.open(name)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("%w: %s: %v", ErrFormat, name, err)
	}
	defer file.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return ocispec.Descriptor{}, err
	}
	if mediaType == "" {
		mediaType = layerType(head[:n])
	}
	sum := digest.Canonical.Digester()
	sum.Hash().Write(head[:n])
	if _, err := io.Copy(sum.Hash(), file); err != nil {
		return ocispec.Descriptor{}, err
	}
	a.alias[sum.Digest()] = name
	return ocispec.Descriptor{MediaType: mediaType, Digest: sum.Digest(), Size: size}, nil
}

func layerType(head []byte) string {
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return ocispec.MediaTypeImageLayerGzip
	case string(head) == "\x28\xb5\x2f\xfd":
		return ocispec.MediaTypeImageLayerZstd
	}
	return ocispec.MediaTypeImageLayer
}
