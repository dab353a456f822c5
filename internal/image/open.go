package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	maxDocument = 8 << 20 // bytes of an index, manifest, config or manifest.json
	maxImages   = 1000    // in one archive
)

// ErrFormat says that a file is neither an OCI layout nor a Docker archive, or
// a broken one.
var ErrFormat = errors.New("not an OCI layout or Docker archive")

// Archive is an opened file or directory with images in it. It may be read from
// many goroutines at once.
type Archive struct {
	// Images are the images in it, in its order.
	Images []Image

	files files
	// alias maps digests to names of files, for blobs that are not below blobs/.
	alias map[digest.Digest]string
	// made holds documents that the archive does not have: manifests of Docker archives.
	made map[digest.Digest][]byte
}

// Image is one image of an archive.
type Image struct {
	// Names are references that the archive gives to the image ("nginx:1.27"); often none.
	Names []string
	// Target is the manifest or index.
	Target ocispec.Descriptor
}

// files is a read-only set of files, names with slashes, relative.
type files interface {
	// open returns a file and its size. Error: fs.ErrNotExist.
	open(name string) (io.ReadCloser, int64, error)
	Close() error
}

// Open reads the table of contents of an OCI layout directory, or of a tar
// archive (gzip-compressed or not) of one, or of a Docker archive. The caller
// closes it. Error: ErrFormat.
func Open(path string) (*Archive, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var set files
	if info.IsDir() {
		set, err = openDir(path)
	} else {
		set, err = openTar(path)
	}
	if err != nil {
		return nil, err
	}
	a := &Archive{files: set, alias: map[digest.Digest]string{}, made: map[digest.Digest][]byte{}}
	if err := a.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), set.Close())
	}
	return a, nil
}

// Close closes the files.
func (a *Archive) Close() error { return a.files.Close() }

func (a *Archive) read() error {
	err := a.readLayout()
	if errors.Is(err, fs.ErrNotExist) {
		err = a.readDocker()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: neither index.json nor manifest.json in it", ErrFormat)
	}
	return err
}

func (a *Archive) readLayout() error {
	var index ocispec.Index
	if err := a.document("index.json", &index); err != nil {
		return err
	}
	if len(index.Manifests) > maxImages {
		return fmt.Errorf("%w: %d images, more than %d", ErrFormat, len(index.Manifests), maxImages)
	}
	for _, target := range index.Manifests {
		if err := target.Digest.Validate(); err != nil {
			return fmt.Errorf("%w: index.json: %w", ErrFormat, err)
		}
		a.Images = append(a.Images, Image{Names: names(target.Annotations), Target: target})
	}
	return nil
}

// names reads the annotations by which tools name images: containerd and Docker
// give a full reference, others a tag or a reference.
func names(annotations map[string]string) []string {
	for _, key := range []string{"io.containerd.image.name", ocispec.AnnotationRefName} {
		if name := annotations[key]; name != "" {
			return []string{name}
		}
	}
	return nil
}

// document reads a small JSON file.
func (a *Archive) document(name string, into any) error {
	file, size, err := a.files.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if size > maxDocument {
		return fmt.Errorf("%w: %s of %d bytes, more than %d", ErrFormat, name, size, maxDocument)
	}
	if err := json.NewDecoder(io.LimitReader(file, maxDocument)).Decode(into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFormat, name, err)
	}
	return nil
}

// Blob opens a blob by its digest; reading it to the end fails if the bytes are
// not those of the digest. It fits runtime.ImageSource.Fetch. Error: fs.ErrNotExist.
func (a *Archive) Blob(_ context.Context, blob ocispec.Descriptor) (io.ReadCloser, error) {
	if err := blob.Digest.Validate(); err != nil {
		return nil, err
	}
	if content, ok := a.made[blob.Digest]; ok {
		return io.NopCloser(newVerifier(content, blob.Digest)), nil
	}
	name, ok := a.alias[blob.Digest]
	if !ok {
		name = "blobs/" + blob.Digest.Algorithm().String() + "/" + blob.Digest.Encoded()
	}
	file, size, err := a.files.open(name)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", blob.Digest, err)
	}
	if blob.Size > 0 && size != blob.Size {
		return nil, errors.Join(fmt.Errorf("%w: blob %s has %d bytes, its descriptor says %d", ErrFormat, blob.Digest, size, blob.Size), file.Close())
	}
	return &verifier{ReadCloser: file, want: blob.Digest, sum: blob.Digest.Verifier()}, nil
}
