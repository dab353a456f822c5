package main

import (
	"errors"
	"net/http"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/roles"
)

// rolesAPI is what the commands about roles ask a running instance for.
type rolesAPI struct{ finder *roles.Finder }

func (a *rolesAPI) register(s *control.Server) {
	s.Handle(control.Route{Pattern: "GET /iam/suggest", Handle: a.suggest})
	s.Handle(control.Route{Pattern: "GET /roles", Handle: a.explain})
}

func (a *rolesAPI) explain(r *http.Request) (any, error) {
	id, query := caller.From(r.Context()), r.URL.Query()
	out, err := a.finder.Explain(id.Account, query.Get("stack"), query.Get("all") == "yes")
	return out, roleError(err)
}

func (a *rolesAPI) suggest(r *http.Request) (any, error) {
	id, query := caller.From(r.Context()), r.URL.Query()
	out, err := a.finder.Suggest(id.Account, id.Region, query.Get("role"), query.Get("verify") == "yes")
	return out, roleError(err)
}

// roleError tells a person that a role is not there.
func roleError(err error) error {
	if errors.Is(err, roles.ErrNotFound) {
		return &control.Error{Status: http.StatusNotFound, Code: "iam.role-not-found", Message: err.Error(), Fix: "neargate explain roles --all"}
	}
	return err
}
