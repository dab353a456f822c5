package secretsmanager

import (
	"testing"

	api "github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/testenv/observed"
)

// TestObservedAnswers gives every error answer of Secrets Manager that AWS was seen to give.
func TestObservedAnswers(t *testing.T) {
	w := newWorld(t)
	w.create("here", "x")
	w.create("dying", "x")
	ok(w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: "dying"}))
	var requests []observed.Request
	add := func(operation, name string, do func() error) {
		requests = append(requests, observed.Request{Name: name, Operation: operation, Do: func(*testing.T) error { return do() }})
	}
	get := func(name string, in *api.GetSecretValueRequest) {
		add("GetSecretValue", name, func() error { _, err := w.GetSecretValue(w.ctx, in); return err })
	}
	get("no secret", &api.GetSecretValueRequest{SecretId: "none"})
	get("no previous version", &api.GetSecretValueRequest{SecretId: "here", VersionStage: "AWSPREVIOUS"})
	get("a stage of another version", &api.GetSecretValueRequest{SecretId: "here", VersionId: token(1), VersionStage: "AWSPREVIOUS"})
	create := func(name string) {
		add("CreateSecret", name, func() error {
			_, err := w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: name, SecretString: "y"})
			return err
		})
	}
	create("here")
	create("dying")
	for name, id := range map[string]string{"no secret": "none", "an invalid name": "a name"} {
		if name != "no secret" {
			create(id)
			get(name, &api.GetSecretValueRequest{SecretId: id})
			add("DeleteSecret", name, func() error { _, err := w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: id}); return err })
			add("PutSecretValue", name, func() error {
				_, err := w.PutSecretValue(w.ctx, &api.PutSecretValueRequest{SecretId: id, SecretString: "x"})
				return err
			})
			add("TagResource", name, func() error {
				return w.TagResource(w.ctx, &api.TagResourceRequest{SecretId: id, Tags: []api.Tag{{Key: "a"}}})
			})
			add("UntagResource", name, func() error {
				return w.UntagResource(w.ctx, &api.UntagResourceRequest{SecretId: id, TagKeys: []string{"a"}})
			})
			add("UpdateSecret", name, func() error { _, err := w.UpdateSecret(w.ctx, &api.UpdateSecretRequest{SecretId: id}); return err })
			add("ValidateResourcePolicy", name, func() error {
				_, err := w.ValidateResourcePolicy(w.ctx, &api.ValidateResourcePolicyRequest{SecretId: id, ResourcePolicy: "{}"})
				return err
			})
		}
		add("DescribeSecret", name, func() error { _, err := w.DescribeSecret(w.ctx, &api.DescribeSecretRequest{SecretId: id}); return err })
		add("ListSecretVersionIds", name, func() error {
			_, err := w.ListSecretVersionIds(w.ctx, &api.ListSecretVersionIdsRequest{SecretId: id})
			return err
		})
	}
	add("TagResource", "a dying secret", func() error {
		return w.TagResource(w.ctx, &api.TagResourceRequest{SecretId: "dying", Tags: []api.Tag{{Key: "a"}}})
	})
	add("UntagResource", "a dying secret", func() error {
		return w.UntagResource(w.ctx, &api.UntagResourceRequest{SecretId: "dying", TagKeys: []string{"a"}})
	})
	add("RotateSecret", "without a function", func() error { _, err := w.RotateSecret(w.ctx, &api.RotateSecretRequest{SecretId: "here"}); return err })
	observed.Check(t, "secretsmanager", api.Model, requests, map[string]string{
		"Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.": "rotation by functions is not carried out",
	})
}
