package e2e

import "testing"

const keysAndSecrets = `
data "aws_caller_identity" "me" {}

resource "aws_kms_key" "app" {
  description             = "of the application"
  enable_key_rotation     = true
  rotation_period_in_days = 180
  deletion_window_in_days = 7
  tags                    = { app = "shop" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Sid = "Account", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = "kms:*", Resource = "*" }]
  })
}
resource "aws_kms_key" "sign" {
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 7
}
resource "aws_kms_alias" "app" {
  name          = "alias/shop/app"
  target_key_id = aws_kms_key.app.key_id
}
resource "aws_secretsmanager_secret" "db" {
  name                    = "shop/db"
  description             = "of the database"
  kms_key_id              = aws_kms_key.app.arn
  recovery_window_in_days = 0
  tags                    = { app = "shop" }
}
resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ username = "app", password = "hidden" })
}
resource "aws_secretsmanager_secret_policy" "db" {
  secret_arn = aws_secretsmanager_secret.db.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "NoDelete", Effect = "Deny", Principal = "*", Action = "secretsmanager:UpdateSecret", Resource = "*", Condition = { StringEquals = { "aws:PrincipalTag/team" = "red" } } }]
  })
}
resource "aws_ssm_parameter" "level" {
  name            = "/shop/level"
  type            = "String"
  value           = "info"
  allowed_pattern = "info|debug"
  tags            = { app = "shop" }
}
resource "aws_ssm_parameter" "list" {
  name  = "/shop/list"
  type  = "StringList"
  value = "a,b"
}
resource "aws_ssm_parameter" "sealed" {
  name   = "/shop/sealed"
  type   = "SecureString"
  value  = "hidden"
  key_id = aws_kms_alias.app.name
  tier   = "Advanced"
}
resource "aws_kms_grant" "app" {
  name              = "app"
  key_id            = aws_kms_key.app.key_id
  grantee_principal = aws_iam_role.app.arn
  operations        = ["Decrypt", "DescribeKey"]
}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "ecs-tasks.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}
data "aws_secretsmanager_random_password" "p" { password_length = 20 }
data "aws_kms_alias" "app" { name = aws_kms_alias.app.name }
output "target" { value = data.aws_kms_alias.app.target_key_id == aws_kms_key.app.key_id }
`

// TestTerraformKeysAndSecrets makes keys, secrets and parameters: afterwards nothing
// is left to do, and all of it goes away again.
func TestTerraformKeysAndSecrets(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	tf := newTerraform(a, keysAndSecrets)
	tf.apply()
	if got := a.aws("secretsmanager", "get-secret-value", "--secret-id", "shop/db", "--query", "SecretString", "--output", "text"); got != `{"password":"hidden","username":"app"}` {
		t.Errorf("the secret holds %s", got)
	}
	if got := a.aws("ssm", "get-parameter", "--name", "/shop/sealed", "--with-decryption", "--query", "Parameter.Value", "--output", "text"); got != "hidden" {
		t.Errorf("the parameter holds %s", got)
	}
	tf.destroy()
	if got := a.aws("kms", "describe-key", "--key-id", a.aws("kms", "list-keys", "--query", "Keys[0].KeyId", "--output", "text"), "--query", "KeyMetadata.KeyState", "--output", "text"); got != "PendingDeletion" {
		t.Errorf("the key is %s", got)
	}
}
