package main

import (
	"errors"
	"net/http"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/reach"
)

// networkAPI is what the commands about networks ask a running instance for.
type networkAPI struct {
	finder *reach.Finder
}

func (n *networkAPI) register(s *control.Server) {
	for _, route := range []control.Route{
		{Pattern: "GET /reach", Handle: n.reach},
		{Pattern: "GET /who-can-reach", Handle: n.who},
	} {
		s.Handle(route)
	}
}

// question reads the ends of a question from a request.
func question(r *http.Request) reach.Question {
	id, query := caller.From(r.Context()), r.URL.Query()
	return reach.Question{Account: id.Account, Region: id.Region, From: query.Get("from"), To: query.Get("to"), NoProbe: query.Get("probe") == "no"}
}

func (n *networkAPI) reach(r *http.Request) (any, error) {
	answers, err := n.finder.Reach(r.Context(), question(r))
	return answers, endError(err)
}

func (n *networkAPI) who(r *http.Request) (any, error) {
	answers, err := n.finder.WhoCanReach(question(r))
	return answers, endError(err)
}

// endError tells a person what is wrong with the ends of a question.
func endError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, reach.ErrNotFound):
		return &control.Error{Status: http.StatusNotFound, Code: "reach.not-found", Message: err.Error(),
			Fix: "name a task (see: neargate ps), service/NAME, eni-..., vpce-..., an address, a host, a service of AWS such as logs, internet or host"}
	case errors.Is(err, reach.ErrPort), errors.Is(err, reach.ErrSource):
		return &control.Error{Status: http.StatusBadRequest, Code: "reach.question", Message: err.Error(), Fix: "neargate reach service/web logs:443"}
	}
	return err
}
