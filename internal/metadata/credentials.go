package metadata

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// credentialsError is the body of a refusal.
type credentialsError struct {
	Code          string `json:"code"`
	Message       string `json:"message"`
	HTTPErrorCode int
}

func (h *Handler) credentials(w http.ResponseWriter, r *http.Request) {
	prefix, id := "CredentialsV2Request: ", r.PathValue("id")
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		prefix, id = "CredentialsV1Request: ", r.URL.Query().Get("id")
	}
	refuse := func(status int, code, text string) {
		reply(w, status, credentialsError{code, prefix + text, status})
	}
	if id == "" {
		refuse(http.StatusBadRequest, "NoIdInRequest", "No Credential ID in the request")
		return
	}
	c, err := h.source.Credentials(r.Context(), h.caller(r), id)
	switch {
	case errors.Is(err, ErrNotFound):
		refuse(http.StatusBadRequest, "InvalidIdInRequest", "Credentials not found")
	case errors.Is(err, ErrNotReady):
		refuse(http.StatusServiceUnavailable, "CredentialsUninitialized", "Credentials uninitialized for ID")
	case err != nil:
		h.log.Error("task credentials", "error", err)
		refuse(http.StatusInternalServerError, "InternalServerError", "Internal server error")
	default:
		reply(w, http.StatusOK, c)
	}
}

// MarshalJSON shows the expiration as AWS does, in whole seconds.
func (c Credentials) MarshalJSON() ([]byte, error) {
	type plain Credentials
	return json.Marshal(struct {
		plain
		Expiration string
	}{plain(c), c.Expiration.UTC().Format(time.RFC3339)})
}
