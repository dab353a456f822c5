package access

import (
	"fmt"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// What an action was tried on is kept by resource, with the condition keys by
// which it can be narrowed, before and after it is stored.
func TestUsesTellResources(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	ctx := caller.With(t.Context(), id)
	for range 2 {
		w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x")
		w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/blue/x") // denied
		w.auth.Check(ctx, "iam:PassRole", "arn:aws:iam::111111111111:role/r", map[string][]string{"iam:PassedToService": {"ecs-tasks.amazonaws.com"}, "iam:ResourceTag/a": {"b"}})
		if err := w.keys.uses.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/y")
	uses := w.auth.Uses(w.db.Read(), "AROA1")
	var got []string
	for _, u := range uses {
		for _, on := range u.On {
			got = append(got, fmt.Sprint(u.Action, " ", on.Resource, " ", on.Keys, " ", on.Allowed, "/", on.Denied))
		}
	}
	want := []string{
		"iam:PassRole arn:aws:iam::111111111111:role/r map[iam:passedtoservice:ecs-tasks.amazonaws.com] 0/2",
		"s3:GetObject arn:aws:s3:::bucket/blue/x map[] 0/2",
		"s3:GetObject arn:aws:s3:::bucket/red/x map[] 2/0",
		"s3:GetObject arn:aws:s3:::bucket/red/y map[] 1/0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// However many resources there are, the record stays small and no count is lost.
func TestUsesAreBounded(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	const rounds, each = 3, maxResourcesKept + 50
	for round := range rounds {
		for i := range each {
			if err := w.check(t, id, "s3:GetObject", fmt.Sprintf("arn:aws:s3:::bucket/red/%d/%d", round, i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.keys.uses.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	use, _ := state.ActionUses.Get(w.db.Read(), state.ActionUseKey("AROA1", "s3:GetObject"))
	var sum uint64
	for _, on := range use.On {
		sum += on.Allowed
	}
	last := use.On[len(use.On)-1]
	if len(use.On) != maxResourcesKept+1 || sum != rounds*each || use.Allowed != sum || !last.Rest || last.Resource != "arn:aws:s3:::bucket/red/" {
		t.Errorf("%d entries, %d of %d requests, last %+v", len(use.On), sum, use.Allowed, last)
	}
}
