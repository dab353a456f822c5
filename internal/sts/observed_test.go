package sts

import (
	"context"
	"testing"

	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/testenv/observed"
)

// TestObservedAnswers gives every error answer of STS that AWS was seen to give.
func TestObservedAnswers(t *testing.T) {
	w := newWorld(t)
	w.role(t, "app", trustRoot)
	bob := w.user(t, acct, "bob", mayAssume)
	chained := caller.From(bob)
	chained.Tags, chained.TransitiveTags = map[string]string{"Project": "x"}, []string{"Project"}
	assume := func(ctx context.Context, change func(*stsapi.AssumeRoleRequest)) func(*testing.T) error {
		return func(*testing.T) error {
			in := &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s1"}
			change(in)
			_, err := w.inv.AssumeRole(ctx, in)
			return err
		}
	}
	tag := func(keys ...string) (out []stsapi.Tag) {
		for _, k := range keys {
			out = append(out, stsapi.Tag{Key: k, Value: "v"})
		}
		return out
	}
	requests := []observed.Request{
		{Name: "two tags that differ by case", Do: assume(bob, func(in *stsapi.AssumeRoleRequest) { in.Tags = tag("a", "A") })},
		{Name: "a tag that the session passed on", Do: assume(caller.With(t.Context(), chained), func(in *stsapi.AssumeRoleRequest) { in.Tags = tag("Project") })},
		{Name: "a transitive key without a tag", Do: assume(bob, func(in *stsapi.AssumeRoleRequest) { in.TransitiveTagKeys = []string{"none"} })},
		{Name: "a session name with a colon", Do: assume(bob, func(in *stsapi.AssumeRoleRequest) { in.RoleSessionName = "Session1:2" })},
	}
	for _, bad := range []string{"arn::b:::something/test-role", "arn:a::::something/test-role", "arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:", "nothing-valid-in-here"} {
		requests = append(requests, observed.Request{Name: bad, Do: assume(bob, func(in *stsapi.AssumeRoleRequest) { in.RoleArn = bad })})
	}
	for i := range requests {
		requests[i].Operation = "AssumeRole"
	}
	observed.Check(t, "sts", stsapi.Model, requests, nil)
}
