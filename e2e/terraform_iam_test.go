package e2e

import (
	"strings"
	"testing"
)

const identities = `data "aws_caller_identity" "me" {}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}
data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]
  }
}
resource "aws_iam_policy" "read" {
  name        = "tf-read"
  path        = "/tf/"
  description = "reads"
  policy      = data.aws_iam_policy_document.read.json
  tags        = { made = "by-terraform" }
}
resource "aws_iam_role" "task" {
  name                 = "tf-task"
  path                 = "/tf/"
  description          = "a task's"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.read.arn
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  tags                 = { made = "by-terraform" }
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy_attachment" "own" {
  role       = aws_iam_role.task.name
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.task.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}
resource "aws_iam_instance_profile" "box" {
  name = "tf-box"
  role = aws_iam_role.task.name
  tags = { made = "by-terraform" }
}
resource "aws_iam_group" "team" {
  name = "tf-team"
  path = "/tf/"
}
resource "aws_iam_group_policy" "team" {
  name   = "inline"
  group  = aws_iam_group.team.name
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_group_policy_attachment" "team" {
  group      = aws_iam_group.team.name
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_user" "bob" {
  name = "tf-bob"
  path = "/tf/"
  tags = { made = "by-terraform" }
}
resource "aws_iam_user_policy" "bob" {
  name   = "inline"
  user   = aws_iam_user.bob.name
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_user_policy_attachment" "bob" {
  user       = aws_iam_user.bob.name
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_user_group_membership" "bob" {
  user   = aws_iam_user.bob.name
  groups = [aws_iam_group.team.name]
}
resource "aws_iam_access_key" "bob" {
  user = aws_iam_user.bob.name
}
resource "aws_iam_openid_connect_provider" "issuer" {
  url             = "https://issuer.example"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["0123456789abcdef0123456789abcdef01234567"]
}
resource "aws_iam_service_linked_role" "elb" {
  aws_service_name = "elasticloadbalancing.amazonaws.com"
}
data "aws_iam_principal_policy_simulation" "may" {
  policy_source_arn = aws_iam_user.bob.arn
  action_names      = ["s3:GetObject"]
  resource_arns     = ["arn:aws:s3:::bucket/x"]
  depends_on        = [aws_iam_user_policy.bob]
}
output "may" { value = data.aws_iam_principal_policy_simulation.may.all_allowed }
`

// TestTerraformIdentities: roles, policies, users, groups and the like by
// Terraform's own provider: applied, a second plan empty, destroyed.
func TestTerraformIdentities(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	tf := newTerraform(a, identities)
	tf.apply()
	if out := tf.run("output", "-no-color"); !strings.Contains(out, "may = true") {
		t.Errorf("the user's policy does not allow what it says: %s", out)
	}
	if out := a.aws("iam", "list-attached-role-policies", "--role-name", "tf-task", "--query", "AttachedPolicies[].PolicyName", "--output", "text"); !strings.Contains(out, "AmazonECSTaskExecutionRolePolicy") || !strings.Contains(out, "tf-read") {
		t.Errorf("attached: %s", out)
	}
	tf.destroy()
	for _, list := range []string{"list-roles", "list-users", "list-groups", "list-instance-profiles", "list-open-id-connect-providers"} {
		if out := a.aws("iam", list); strings.Contains(out, "tf-") || strings.Contains(out, "issuer.example") {
			t.Errorf("%s after destroy: %s", list, out)
		}
	}
}
