package main

import (
	"errors"
	"net/http"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/netmap"
	"github.com/neargate/neargate/internal/reach"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/unused"
)

// networkAPI is what the commands about networks ask a running instance for.
type networkAPI struct {
	finder *reach.Finder
	unused *unused.Finder
}

func (n *networkAPI) register(s *control.Server) {
	for _, route := range []control.Route{
		{Pattern: "GET /reach", Handle: n.reach},
		{Pattern: "GET /who-can-reach", Handle: n.who},
		{Pattern: "GET /net/map", Handle: n.netMap},
		{Pattern: "GET /unused", Handle: n.neverUsed},
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

func (n *networkAPI) neverUsed(r *http.Request) (any, error) {
	id := caller.From(r.Context())
	found, err := n.unused.Find(r.Context(), id.Account, id.Region, r.URL.Query().Get("stack"))
	if found == nil {
		found = []unused.Finding{}
	}
	return found, err
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

// netMap answers the VPCs of the caller: the one that is named, else those in
// which something has an address, else all.
func (n *networkAPI) netMap(r *http.Request) (any, error) {
	id, name := caller.From(r.Context()), r.URL.Query().Get("vpc")
	tx := n.finder.DB.Read()
	var busy, idle []netmap.VPC
	for rec := range state.Vpcs.All(tx, state.Prefix(id.Account, id.Region)) {
		view, ok := n.finder.Networks.VPCView(rec.ID)
		if !ok {
			continue
		}
		v := netmap.Build(tx, rec, view)
		switch {
		case name != "" && name != v.ID && name != v.Name:
		case name != "" || len(view.ENIs) > 0:
			busy = append(busy, v)
		default:
			idle = append(idle, v)
		}
	}
	switch {
	case len(busy) > 0:
		return busy, nil
	case name != "":
		return nil, &control.Error{Status: http.StatusNotFound, Code: "net.vpc-not-found", Message: "there is no VPC " + name + " in " + id.Region, Fix: "neargate net map"}
	}
	return idle, nil
}
