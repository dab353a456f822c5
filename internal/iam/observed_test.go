package iam

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/testenv/observed"
)

// TestObservedAnswers gives every error answer of IAM that AWS was seen to give
// and that our operations can give.
func TestObservedAnswers(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	w.user(t, "u")
	attachRole := func(arn string) func(*testing.T) error {
		return func(*testing.T) error {
			return w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: arn})
		}
	}
	attachUser := func(arn string) func(*testing.T) error {
		return func(*testing.T) error {
			return w.api.AttachUserPolicy(w.ctx, &iamapi.AttachUserPolicyRequest{UserName: "u", PolicyArn: arn})
		}
	}
	linked := func(service, suffix string) error {
		_, err := w.api.CreateServiceLinkedRole(w.ctx, &iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: service, CustomSuffix: suffix})
		return err
	}
	requests := []observed.Request{
		{Name: "a policy that is not there", Operation: "AttachRolePolicy", Do: attachRole(ownPol + "123")},
		{Name: "no ARN", Operation: "AttachRolePolicy", Do: attachRole("longpolicynamebutnoarn")},
		{Name: "a policy that is not there", Operation: "AttachUserPolicy", Do: attachUser(ownPol + "123")},
		{Name: "no ARN", Operation: "AttachUserPolicy", Do: attachUser("longpolicynamebutnoarn")},
		{Name: "a trust policy that is no JSON", Operation: "CreateRole", Do: func(*testing.T) error {
			_, err := w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "x", AssumeRolePolicyDocument: `{"Version"`})
			return err
		}},
		{Name: "a policy that is not there", Operation: "DeletePolicy", Do: func(*testing.T) error {
			return w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: "arn:aws:iam::000000000000:policy/non-existent-policy"})
		}},
		{Name: "twice", Operation: "CreateServiceLinkedRole", Do: func(t *testing.T) error {
			if err := linked("batch.amazonaws.com", ""); err != nil {
				t.Fatal(err)
			}
			return linked("batch.amazonaws.com", "")
		}},
	}
	const suffix = "Custom suffix is not allowed for "
	for _, a := range observed.Answers(t, "iam") {
		if service, ok := strings.CutPrefix(a.Message, suffix); ok {
			requests = append(requests, observed.Request{Name: service + " with a suffix", Operation: "CreateServiceLinkedRole", Do: func(*testing.T) error { return linked(service, "mine") }})
		}
	}
	observed.Check(t, "iam", iamapi.Model, requests, map[string]string{
		"Cannot delete entity, must remove referenced objects first.": "of a user with service-specific credentials, which are refused by name",
	})
}

// TestLinkedRoleIsMadeOnce: services ask for theirs whenever they may need it.
func TestLinkedRoleIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		ok(t, w.iam.EnsureLinkedRole(t.Context(), acct, "ecs.amazonaws.com"))
	}
	out, err := w.api.GetRole(w.ctx, &iamapi.GetRoleRequest{RoleName: "AWSServiceRoleForECS"})
	if err != nil || out.Role.Path != "/aws-service-role/ecs.amazonaws.com/" {
		t.Errorf("%+v %v", out, err)
	}
	if w.iam.EnsureLinkedRole(t.Context(), acct, "nobody.amazonaws.com") == nil {
		t.Error("a role of an unknown service was made")
	}
	_, err = w.api.CreateServiceLinkedRole(w.ctx, &iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: "autoscaling.amazonaws.com", CustomSuffix: "mine"})
	ok(t, err)
	_, err = w.api.GetRole(w.ctx, &iamapi.GetRoleRequest{RoleName: "AWSServiceRoleForAutoScaling_mine"})
	ok(t, err)
}
