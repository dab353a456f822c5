package registry

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/blob"
)

func (s *Server) getBlob(w http.ResponseWriter, r *http.Request, to route) error {
	d, err := digest.Parse(to.reference)
	if err != nil {
		return errDigestInvalid()
	}
	if err := s.Backend.HasBlob(r.Context(), to.repository, d); err != nil {
		return err
	}
	if r.Method == http.MethodGet && s.LayerURL != nil {
		if url := s.LayerURL(r.Context(), to.repository, d); url != "" {
			w.Header().Set("Docker-Content-Digest", d.String())
			http.Redirect(w, r, url, http.StatusTemporaryRedirect)
			return nil
		}
	}
	return ServeBlob(w, r, s.Blobs, d)
}

// ServeBlob sends a blob of the store, or the range of it that the request asks for.
func ServeBlob(w http.ResponseWriter, r *http.Request, blobs *blob.Store, d digest.Digest) error {
	b, err := blobs.Open(d)
	if errors.Is(err, blob.ErrNotFound) {
		return errBlobUnknown()
	}
	if err != nil {
		return err
	}
	defer b.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Docker-Content-Digest", d.String())
	h.Set("ETag", `"`+d.String()+`"`)
	h.Set("Cache-Control", "max-age=31536000")
	http.ServeContent(w, r, "", time.Time{}, b)
	return nil
}

func (s *Server) startUpload(w http.ResponseWriter, r *http.Request, to route) error {
	ctx := r.Context()
	if err := s.Backend.Exists(ctx, to.repository); err != nil {
		return err
	}
	query := r.URL.Query()
	if mount := query.Get("mount"); mount != "" {
		if done, err := s.mount(w, r, to, digest.Digest(mount), query.Get("from")); done || err != nil {
			return err
		}
	}
	id, err := s.Uploads.Start(s.scope(to))
	if err != nil {
		return err
	}
	if d := query.Get("digest"); d != "" { // the whole blob is in this request
		to.reference = id
		return s.finishUpload(w, r, to)
	}
	s.uploadHeaders(w, to.repository, id, 0)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// mount makes a blob of another repository part of this one. It is not done,
// and the client uploads, when the other does not have it or may not be read.
func (s *Server) mount(w http.ResponseWriter, r *http.Request, to route, d digest.Digest, from string) (bool, error) {
	if d.Validate() != nil || !ValidRepository(from) {
		return false, nil
	}
	ctx, err := s.Authorize(r, MountBlob, from)
	if err != nil || s.Backend.HasBlob(ctx, from, d) != nil {
		return false, nil
	}
	size, err := s.Blobs.Size(d)
	if err != nil {
		return false, nil
	}
	if err := s.Backend.AddBlob(r.Context(), to.repository, d, size); err != nil {
		return false, err
	}
	blobCreated(w, to.repository, d)
	return true, nil
}

func (s *Server) writeUpload(w http.ResponseWriter, r *http.Request, to route) error {
	offset := int64(-1)
	if text := r.Header.Get("Content-Range"); text != "" {
		var err error
		if offset, err = parseContentRange(text); err != nil {
			return NewError(http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "invalid content range %q", text)
		}
	}
	size, err := s.Uploads.Append(s.scope(to), to.reference, offset, r.Body)
	if errors.Is(err, ErrOffset) {
		s.uploadHeaders(w, to.repository, to.reference, size)
		return NewError(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "the upload has %d bytes, the chunk starts at %d", size, offset)
	}
	if err != nil {
		return err
	}
	s.uploadHeaders(w, to.repository, to.reference, size)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Server) uploadStatus(w http.ResponseWriter, r *http.Request, to route) error {
	size, err := s.Uploads.Size(s.scope(to), to.reference)
	if err != nil {
		return err
	}
	s.uploadHeaders(w, to.repository, to.reference, size)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) finishUpload(w http.ResponseWriter, r *http.Request, to route) error {
	want, err := digest.Parse(r.URL.Query().Get("digest"))
	if err != nil || want.Algorithm() != digest.SHA256 {
		return errDigestInvalid()
	}
	if r.ContentLength != 0 {
		if _, err := s.Uploads.Append(s.scope(to), to.reference, -1, r.Body); err != nil {
			return err
		}
	}
	size, err := s.Uploads.Finish(s.scope(to), to.reference, want)
	if errors.Is(err, blob.ErrDigest) {
		return errDigestInvalid()
	}
	if err != nil {
		return err
	}
	if err := s.Backend.AddBlob(r.Context(), to.repository, want, size); err != nil {
		return err
	}
	blobCreated(w, to.repository, want)
	return nil
}

func (s *Server) cancelUpload(w http.ResponseWriter, r *http.Request, to route) error {
	if err := s.Uploads.Cancel(s.scope(to), to.reference); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// scope keeps the upload ids of one repository from being used in another.
func (s *Server) scope(to route) string { return UploadScope(s.Name, to.repository) }

func (s *Server) uploadHeaders(w http.ResponseWriter, repository, id string, size int64) {
	h := w.Header()
	h.Set("Location", "/v2/"+repository+"/blobs/uploads/"+id)
	h.Set("Docker-Upload-UUID", id)
	h.Set("Range", "0-"+strconv.FormatInt(max(size-1, 0), 10))
}

func blobCreated(w http.ResponseWriter, repository string, d digest.Digest) {
	w.Header().Set("Location", "/v2/"+repository+"/blobs/"+d.String())
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}
