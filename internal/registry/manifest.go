package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// MaxManifest is the size in bytes that a manifest may have.
const MaxManifest = 4 << 20

// The media types of Docker's manifests and lists; OCI's are in ocispec.
const (
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Manifest is a parsed image manifest or index.
type Manifest struct {
	ocispec.Descriptor                      // media type, digest and size of Data
	Data               []byte               // as the client sent it
	Config             ocispec.Descriptor   // of an image; empty in an index
	Layers             []ocispec.Descriptor // of an image
	Manifests          []ocispec.Descriptor // of an index
	Subject            *ocispec.Descriptor  // what it is attached to, if anything
}

// IsIndex says whether the manifest is a list of images for several platforms.
func (m *Manifest) IsIndex() bool {
	return m.MediaType == ocispec.MediaTypeImageIndex || m.MediaType == DockerList
}

// ParseManifest reads a manifest. mediaType is what the client called it; when
// empty the manifest itself must say. A manifest of a kind that is not carried
// (schema 1), or that contradicts its media type, is an error.
func ParseManifest(mediaType string, data []byte) (Manifest, error) {
	var body struct {
		SchemaVersion int                  `json:"schemaVersion"`
		MediaType     string               `json:"mediaType"`
		ArtifactType  string               `json:"artifactType"`
		Config        *ocispec.Descriptor  `json:"config"`
		Layers        []ocispec.Descriptor `json:"layers"`
		Manifests     []ocispec.Descriptor `json:"manifests"`
		Subject       *ocispec.Descriptor  `json:"subject"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return Manifest{}, fmt.Errorf("not JSON: %w", err)
	}
	if mediaType == "" {
		mediaType = body.MediaType
	}
	m := Manifest{Data: data, Layers: body.Layers, Manifests: body.Manifests, Subject: body.Subject}
	m.MediaType, m.ArtifactType = mediaType, body.ArtifactType
	m.Digest, m.Size = digest.FromBytes(data), int64(len(data))
	switch {
	case body.SchemaVersion != 2:
		return m, fmt.Errorf("schema version %d is not carried", body.SchemaVersion)
	case body.MediaType != "" && body.MediaType != mediaType:
		return m, fmt.Errorf("it says %q and was sent as %q", body.MediaType, mediaType)
	case m.IsIndex():
		if body.Config != nil || len(body.Layers) > 0 {
			return m, fmt.Errorf("an index has no config and no layers")
		}
	case mediaType == ocispec.MediaTypeImageManifest || mediaType == DockerManifest:
		if body.Config == nil || len(body.Manifests) > 0 {
			return m, fmt.Errorf("an image has a config and no manifests")
		}
		m.Config = *body.Config
	default:
		return m, fmt.Errorf("media type %q is not carried", mediaType)
	}
	for _, d := range m.References() {
		if err := d.Digest.Validate(); err != nil || d.Size < 0 {
			return m, fmt.Errorf("descriptor %q of %d bytes is not valid", d.Digest, d.Size)
		}
	}
	return m, nil
}

// References lists what the manifest needs to be complete: configuration and
// layers, or manifests. Layers that are elsewhere by intent (with URLs) are left out.
func (m *Manifest) References() []ocispec.Descriptor {
	var out []ocispec.Descriptor
	if m.Config.Digest != "" {
		out = append(out, m.Config)
	}
	for _, layer := range m.Layers {
		if len(layer.URLs) == 0 {
			out = append(out, layer)
		}
	}
	return append(out, m.Manifests...)
}

func (s *Server) getManifest(w http.ResponseWriter, r *http.Request, to route) error {
	descriptor, err := s.Backend.Resolve(r.Context(), to.repository, to.reference)
	if err != nil {
		return err
	}
	data, err := s.Blobs.Read(descriptor.Digest, MaxManifest)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", descriptor.MediaType)
	w.Header().Set("Docker-Content-Digest", descriptor.Digest.String())
	w.Header().Set("ETag", `"`+descriptor.Digest.String()+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		w.Write(data)
	}
	return nil
}

func (s *Server) putManifest(w http.ResponseWriter, r *http.Request, to route) error {
	if err := s.Backend.Exists(r.Context(), to.repository); err != nil {
		return err
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxManifest))
	if err != nil {
		return NewError(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "a manifest has at most %d bytes", MaxManifest)
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	m, err := ParseManifest(mediaType, data)
	if err != nil {
		return NewError(http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid: %v", err)
	}
	if d := digest.Digest(to.reference); d.Validate() == nil {
		if d != m.Digest {
			return errDigestInvalid()
		}
	} else if !ValidTag(to.reference) {
		return NewError(http.StatusBadRequest, "TAG_INVALID", "invalid tag %q", to.reference)
	}
	if err := s.storeManifest(m); err != nil {
		return err
	}
	if err := s.Backend.PutManifest(r.Context(), to.repository, to.reference, m); err != nil {
		return err
	}
	if m.Subject != nil {
		w.Header().Set("OCI-Subject", m.Subject.Digest.String())
	}
	w.Header().Set("Docker-Content-Digest", m.Digest.String())
	w.Header().Set("Location", "/v2/"+to.repository+"/manifests/"+m.Digest.String())
	w.WriteHeader(http.StatusCreated)
	return nil
}

// storeManifest puts a manifest's data into the blob store.
func (s *Server) storeManifest(m Manifest) error {
	_, _, err := s.Blobs.Put(bytes.NewReader(m.Data), m.Digest)
	return err
}
