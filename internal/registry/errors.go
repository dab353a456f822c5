package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Error is an answer that is not a success, in the form of the specification.
// A Backend and an Authorize hook return it to choose code, status and text.
type Error struct {
	Status    int    // of HTTP
	Code      string // for example MANIFEST_UNKNOWN
	Message   string
	Challenge string // of a 401: the WWW-Authenticate header
	Plain     string // sent as text instead of the JSON form, if not empty
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NewError returns an Error with a formatted message.
func NewError(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// The errors that the specification names and this package itself answers with.
func errNameInvalid(name string) *Error {
	return NewError(http.StatusBadRequest, "NAME_INVALID", "invalid repository name %q", name)
}

func errBlobUnknown() *Error {
	return NewError(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
}

func errUploadUnknown() *Error {
	return NewError(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

func errDigestInvalid() *Error {
	return NewError(http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
}

// fail writes an error as the specification's JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	if !errors.As(err, &e) {
		if s.Log != nil && r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "registry request", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		e = NewError(http.StatusInternalServerError, "UNKNOWN", "internal error")
	}
	writeError(w, r, e)
}

func writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	if e.Challenge != "" {
		w.Header().Set("WWW-Authenticate", e.Challenge)
	}
	if e.Plain != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(e.Status)
		fmt.Fprintln(w, e.Plain)
		return
	}
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string][]item{"errors": {{e.Code, e.Message}}})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead {
		w.Write(append(body, '\n'))
	}
}
