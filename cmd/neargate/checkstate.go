package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"testing/fstest"

	"github.com/neargate/neargate/internal/caller"
	preflight "github.com/neargate/neargate/internal/check"
	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/control"
)

// checkRequest is a source with its files, as `neargate check --with-state` sends it.
type checkRequest struct {
	Path           string
	Files          map[string]string // text by name
	Parameters     map[string]string
	Region         string
	AssumeExisting bool
}

// check checks a source against what the caller's account has. As it works with
// all of the account's records, it is for the account's root user.
func (c *commandAPI) check(r *http.Request) (any, error) {
	id := caller.From(r.Context())
	if id.Type != caller.Root {
		return nil, &control.Error{Status: http.StatusForbidden, Code: "check.root", Message: "a check with the account's state is for its root user", Fix: "neargate check without --with-state"}
	}
	var in checkRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "check.request", Message: "the request cannot be read: " + err.Error()}
	}
	files := fstest.MapFS{}
	for name, text := range in.Files {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	report, err := preflight.Check(r.Context(), preflight.Options{Files: files, Path: in.Path, Parameters: in.Parameters, Account: id.Account, Region: in.Region,
		AssumeExisting: in.AssumeExisting, State: &rehearsal.Origin{DB: c.db, Sealer: c.sealer}})
	if errors.Is(err, os.ErrNotExist) {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "check.request", Message: err.Error()}
	}
	return report, err
}
