package suggest

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// Principal is whose requests are replayed.
type Principal struct {
	Account string
	ARN     string // of a user, or of a session of the role
	RoleARN string // of a role
	// Boundary is the permissions boundary, nil for none: it stays as it is.
	Boundary *policy.Source
}

// Replay is what became of the recorded requests under another policy.
type Replay struct {
	Kinds    int      // different requests: by action, resource and condition keys
	Requests uint64   // that were allowed, and are again
	Denied   uint64   // that were denied, and are again
	Others   uint64   // that the resource's own policy allows
	Differ   []string // what is not as it was, one sentence each
}

// Run replays what a principal did against a document in place of all its
// policies, by the evaluator that decides about requests.
func Run(document string, who Principal, uses []state.ActionUse) (Replay, error) {
	set := policy.Set{Boundary: who.Boundary}
	if document != "" {
		d, err := policy.Parse(document, policy.Inline)
		if err != nil {
			return Replay{}, fmt.Errorf("the suggestion is no policy: %w", err)
		}
		set.Identity = []policy.Source{{Name: "suggestion", Document: d}}
	}
	var out Replay
	for _, use := range uses {
		for _, on := range use.On {
			if on.ByResource {
				out.Others += on.Allowed
				continue
			}
			out.Kinds++
			r := policy.Evaluate(request(who, use.Action, on), &set)
			out.count(use.Action, on, r)
		}
	}
	return out, nil
}

func (out *Replay) count(action string, on state.ResourceUse, r policy.Result) {
	before := on.Allowed > 0
	switch {
	case before == r.Allowed && before:
		out.Requests += on.Allowed
	case before == r.Allowed:
		out.Denied += on.Denied
	case r.Allowed:
		out.Differ = append(out.Differ, fmt.Sprintf("%s on %s was denied and would be allowed", action, on.Resource))
	default:
		out.Differ = append(out.Differ, fmt.Sprintf("%s on %s was allowed and would be denied %s", action, on.Resource, r.Because(action)))
	}
}

// request is a recorded request again. What is only kept by its start asks for
// that start.
func request(who Principal, action string, on state.ResourceUse) *policy.Request {
	keys := policy.Keys{}
	for name, value := range on.Keys {
		keys[strings.ToLower(name)] = []string{value}
	}
	return &policy.Request{
		Principal: policy.Principal{Account: who.Account, ARN: who.ARN, RoleARN: who.RoleARN},
		Action:    action, Resource: on.Resource, ResourceAccount: who.Account, Context: keys,
	}
}
