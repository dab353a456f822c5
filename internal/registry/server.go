package registry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/blob"
)

// Backend keeps the repositories of one registry. A method that finds nothing
// returns an *Error with the code and text that the registry's users expect.
type Backend interface {
	// Resolve finds a manifest by tag or digest.
	Resolve(ctx context.Context, repository, reference string) (ocispec.Descriptor, error)
	// PutManifest adds an image under its digest and, when reference is a tag,
	// makes the tag point to it. Its data is in the blob store by then. It
	// checks that the repository has what the manifest refers to.
	PutManifest(ctx context.Context, repository, reference string, m Manifest) error
	// HasBlob returns nil when the repository exists and has the blob.
	HasBlob(ctx context.Context, repository string, d digest.Digest) error
	// AddBlob makes a blob of the store part of a repository.
	AddBlob(ctx context.Context, repository string, d digest.Digest, size int64) error
	// Exists returns nil when the repository exists.
	Exists(ctx context.Context, repository string) error
	// Tags lists all tags of a repository, sorted.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Repositories lists all repositories, sorted.
	Repositories(ctx context.Context) ([]string, error)
}

// Operation is what a client asks of a repository.
type Operation string

// The operations.
const (
	Ping             Operation = "Ping" // is this a registry, and am I logged in?
	ListRepositories Operation = "ListRepositories"
	ListTags         Operation = "ListTags"
	GetManifest      Operation = "GetManifest" // also HEAD
	PutManifest      Operation = "PutManifest"
	GetBlob          Operation = "GetBlob"
	HeadBlob         Operation = "HeadBlob"
	MountBlob        Operation = "MountBlob" // asked for the repository that has the blob
	StartUpload      Operation = "StartUpload"
	WriteUpload      Operation = "WriteUpload"
	FinishUpload     Operation = "FinishUpload"
)

// Server is a registry as an http.Handler. All fields but Log and LayerURL are required.
type Server struct {
	Name    string // tells the uploads of one registry from another's
	Backend Backend
	Blobs   *blob.Store
	Uploads *Uploads
	// Authorize decides whether the request may go on, and returns the context
	// for the Backend. repository is empty for Ping and ListRepositories.
	Authorize func(r *http.Request, op Operation, repository string) (context.Context, error)
	// LayerURL returns where the client is to get a blob's content instead of
	// here; an empty answer means here.
	LayerURL func(ctx context.Context, repository string, d digest.Digest) string
	Log      *slog.Logger
}

// ServeHTTP answers a request of the Distribution API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	route, err := parsePath(r.URL.Path)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	handler, op := s.handler(route, r)
	if handler == nil {
		s.fail(w, r, NewError(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported."))
		return
	}
	ctx, err := s.Authorize(r, op, route.repository)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := handler(w, r.WithContext(ctx), route); err != nil {
		s.fail(w, r, err)
	}
}

type handlerFunc func(w http.ResponseWriter, r *http.Request, to route) error

func (s *Server) handler(to route, r *http.Request) (handlerFunc, Operation) {
	switch to.kind + " " + r.Method {
	case "ping GET", "ping HEAD":
		return s.ping, Ping
	case "catalog GET":
		return s.listRepositories, ListRepositories
	case "tags GET":
		return s.listTags, ListTags
	case "manifest GET", "manifest HEAD":
		return s.getManifest, GetManifest
	case "manifest PUT":
		return s.putManifest, PutManifest
	case "blob GET":
		return s.getBlob, GetBlob
	case "blob HEAD":
		return s.getBlob, HeadBlob
	case "uploads POST":
		return s.startUpload, StartUpload
	case "upload PATCH":
		return s.writeUpload, WriteUpload
	case "upload GET":
		return s.uploadStatus, WriteUpload
	case "upload PUT":
		return s.finishUpload, FinishUpload
	case "upload DELETE":
		return s.cancelUpload, WriteUpload
	}
	return nil, ""
}

func (s *Server) ping(w http.ResponseWriter, r *http.Request, _ route) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.Method == http.MethodGet {
		w.Write([]byte("{}"))
	}
	return nil
}

func (s *Server) listRepositories(w http.ResponseWriter, r *http.Request, _ route) error {
	names, err := s.Backend.Repositories(r.Context())
	if err != nil {
		return err
	}
	return writePage(w, r, names, func(page []string) any { return map[string]any{"repositories": page} })
}

func (s *Server) listTags(w http.ResponseWriter, r *http.Request, to route) error {
	tags, err := s.Backend.Tags(r.Context(), to.repository)
	if err != nil {
		return err
	}
	return writePage(w, r, tags, func(page []string) any { return map[string]any{"name": to.repository, "tags": page} })
}

// writePage answers with the part of a sorted list that ?n= and ?last= ask for,
// and a Link to the next.
func writePage(w http.ResponseWriter, r *http.Request, names []string, body func([]string) any) error {
	query := r.URL.Query()
	if last := query.Get("last"); last != "" {
		for len(names) > 0 && names[0] <= last {
			names = names[1:]
		}
	}
	const most = 1000
	n := most
	if text := query.Get("n"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 0 {
			return NewError(http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
		}
		n = min(asked, most)
	}
	if len(names) > n {
		names = names[:n]
		if n > 0 {
			next := url.Values{"n": {strconv.Itoa(n)}, "last": {names[n-1]}}
			w.Header().Set("Link", "<"+r.URL.Path+"?"+next.Encode()+`>; rel="next"`)
		}
	}
	if names == nil {
		names = []string{}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(body(names))
}

// route is what a path names.
type route struct {
	kind       string // ping, catalog, tags, manifest, blob, uploads, upload
	repository string
	reference  string // manifest: tag or digest; blob: digest; upload: id
}

func parsePath(path string) (route, error) {
	rest, ok := strings.CutPrefix(path, "/v2/")
	switch {
	case path == "/v2" || ok && rest == "":
		return route{kind: "ping"}, nil
	case !ok:
		return route{}, NewError(http.StatusNotFound, "UNSUPPORTED", "page not found")
	case rest == "_catalog":
		return route{kind: "catalog"}, nil
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	n := len(parts)
	var to route
	switch {
	case n >= 3 && parts[n-2] == "tags" && parts[n-1] == "list":
		to = route{kind: "tags", repository: strings.Join(parts[:n-2], "/")}
	case n >= 3 && parts[n-2] == "manifests":
		to = route{kind: "manifest", repository: strings.Join(parts[:n-2], "/"), reference: parts[n-1]}
	case n >= 4 && parts[n-3] == "blobs" && parts[n-2] == "uploads":
		to = route{kind: "upload", repository: strings.Join(parts[:n-3], "/"), reference: parts[n-1]}
	case n >= 3 && parts[n-2] == "blobs" && parts[n-1] == "uploads":
		to = route{kind: "uploads", repository: strings.Join(parts[:n-2], "/")}
	case n >= 3 && parts[n-2] == "blobs":
		to = route{kind: "blob", repository: strings.Join(parts[:n-2], "/"), reference: parts[n-1]}
	default:
		return route{}, NewError(http.StatusNotFound, "UNSUPPORTED", "The operation is unsupported.")
	}
	if !ValidRepository(to.repository) {
		return route{}, errNameInvalid(to.repository)
	}
	return to, nil
}
