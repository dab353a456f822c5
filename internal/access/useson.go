package access

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// maxResourcesKept bounds what is remembered of one action of one principal. What
// is more is counted under the start that the further resources have in common.
const maxResourcesKept = 100

// narrowing are the condition keys by which permissions of a service's actions are
// commonly narrowed; each has one value in a request. Resources' and requests'
// tags are not among them: what is made next has others.
var narrowing = map[string][]string{
	"iam":                  {"iam:passedtoservice", "iam:awsservicename", "iam:policyarn", "iam:permissionsboundary"},
	"ecs":                  {"ecs:createaction", "ecs:cluster"},
	"ec2":                  {"ec2:createaction"},
	"elasticloadbalancing": {"elasticloadbalancing:createaction"},
	"kms":                  {"kms:viaservice"},
	"s3":                   {"s3:prefix"},
}

// onResources are the pending counts of an action by resource and condition keys.
type onResources struct {
	kept map[resourceKey]*state.ResourceUse
	rest *state.ResourceUse // of what is more than can be kept
}

type resourceKey struct{ resource, keys string }

// note counts one request.
func (o *onResources) note(q *question, r policy.Result, at time.Time) {
	key := resourceKey{resource: q.req.Resource}
	var keys map[string]string
	for _, name := range narrowing[serviceOf(q.req.Action)] {
		if v := q.ctx.given[name]; len(v) == 1 {
			if keys == nil {
				keys = map[string]string{}
			}
			keys[name] = v[0]
			key.keys += name + "=" + v[0] + "\n"
		}
	}
	use := o.kept[key]
	switch {
	case use != nil:
	case len(o.kept) < maxResourcesKept:
		if o.kept == nil {
			o.kept = map[resourceKey]*state.ResourceUse{}
		}
		use = &state.ResourceUse{Resource: strings.Clone(key.resource), Keys: keys}
		o.kept[resourceKey{use.Resource, key.keys}] = use
	case o.rest != nil:
		use = o.rest
		use.Resource = commonStart(use.Resource, key.resource)
	default:
		use = &state.ResourceUse{Resource: strings.Clone(key.resource), Rest: true}
		o.rest = use
	}
	use.Last, use.ByResource = at, r.Allowed && r.By == policy.ByResource
	if r.Allowed {
		use.Allowed++
	} else {
		use.Denied++
	}
}

// list is what is counted; the rest comes last.
func (o *onResources) list() []state.ResourceUse {
	all := make([]state.ResourceUse, 0, len(o.kept)+1)
	for _, use := range o.kept {
		all = append(all, *use)
	}
	sortResources(all)
	if o.rest != nil {
		all = append(all, *o.rest)
	}
	return all
}

// together adds newer counts to older ones and keeps the bound: the newest that
// have no place go to the rest.
func together(old, fresh []state.ResourceUse) []state.ResourceUse {
	all := make([]state.ResourceUse, 0, len(old)+len(fresh))
	var rest *state.ResourceUse
	add := func(use state.ResourceUse) {
		i := slices.IndexFunc(all, func(a state.ResourceUse) bool { return a.Resource == use.Resource && maps.Equal(a.Keys, use.Keys) })
		switch {
		case !use.Rest && i >= 0:
			all[i] = added(all[i], use)
		case !use.Rest && len(all) < maxResourcesKept:
			all = append(all, use)
		case rest == nil:
			use.Rest, use.Keys = true, nil
			rest = &use
		default:
			*rest = added(*rest, use)
		}
	}
	for _, use := range old {
		add(use)
	}
	for _, use := range fresh {
		add(use)
	}
	sortResources(all)
	if rest != nil {
		all = append(all, *rest)
	}
	return all
}

// added is an older count with a newer one.
func added(old, fresh state.ResourceUse) state.ResourceUse {
	old.Allowed, old.Denied = old.Allowed+fresh.Allowed, old.Denied+fresh.Denied
	old.Resource = commonStart(old.Resource, fresh.Resource)
	old.Last, old.ByResource = fresh.Last, fresh.ByResource
	return old
}

func sortResources(all []state.ResourceUse) {
	slices.SortFunc(all, func(a, b state.ResourceUse) int {
		if c := strings.Compare(a.Resource, b.Resource); c != 0 {
			return c
		}
		return slices.Compare(pairs(a.Keys), pairs(b.Keys))
	})
}

func pairs(keys map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		all = append(all, name+"="+keys[name])
	}
	return all
}

// commonStart is the longest text that both begin with.
func commonStart(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return a[:n]
}
