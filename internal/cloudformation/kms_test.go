package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
)

const keys = `
Parameters: {Window: {Type: Number, Default: 8}, Days: {Type: Number, Default: 180}}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: !Sub 'days ${Days}'
      EnableKeyRotation: true
      RotationPeriodInDays: !Ref Days
      PendingWindowInDays: !Ref Window
      KeyPolicy: {Version: 2012-10-17, Statement: [{Sid: !Sub 'Days${Days}', Effect: Allow, Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}, Action: 'kms:*', Resource: '*'}]}
      Tags: [{Key: days, Value: !Ref Days}]
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/app, TargetKeyId: !Ref Key}}
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {SecretString: hidden, KmsKeyId: !Ref Alias}}
  Policy:
    Type: AWS::SecretsManager::ResourcePolicy
    Properties:
      SecretId: !Ref Secret
      BlockPublicPolicy: true
      ResourcePolicy: {Version: 2012-10-17, Statement: [{Sid: !Sub 'Days${Days}', Effect: Deny, Principal: '*', Action: 'secretsmanager:DeleteSecret', Resource: '*', Condition: {StringEquals: {'aws:PrincipalTag/x': y}}}]}
Outputs: {Key: {Value: !Ref Key}, Arn: {Value: !GetAtt Key.Arn}, Secret: {Value: !Ref Secret}}
`

// A stack's key is what its secret is encrypted under, changes in place, and waits
// for its deletion when the stack is gone.
func TestKeysOfStacks(t *testing.T) {
	w := newWorld(t)
	s := w.create("keys", keys)
	w.expect(s, "CREATE_COMPLETE")
	describe := func() *kmsapi.KeyMetadata {
		return call[kmsapi.DescribeKeyResponse](w, kmsapi.Model, "DescribeKey", &kmsapi.DescribeKeyRequest{KeyId: output(s, "Key")}).KeyMetadata
	}
	if key := describe(); key.Arn != output(s, "Arn") || key.Description != "days 180" {
		t.Errorf("%+v", key)
	}
	get := &secretsmanagerapi.GetSecretValueRequest{SecretId: output(s, "Secret")}
	if v := call[secretsmanagerapi.GetSecretValueResponse](w, secretsmanagerapi.Model, "GetSecretValue", get); v.SecretString != "hidden" {
		t.Errorf("%+v", v)
	}
	w.expect(w.update("keys", keys, "Days", "200"), "UPDATE_COMPLETE")
	status := call[kmsapi.GetKeyRotationStatusResponse](w, kmsapi.Model, "GetKeyRotationStatus", &kmsapi.GetKeyRotationStatusRequest{KeyId: output(s, "Key")})
	policy := call[kmsapi.GetKeyPolicyResponse](w, kmsapi.Model, "GetKeyPolicy", &kmsapi.GetKeyPolicyRequest{KeyId: output(s, "Key")})
	if describe().Description != "days 200" || status.RotationPeriodInDays != 200 || !strings.Contains(policy.Policy, "Days200") {
		t.Errorf("%+v, %+v, %s", describe(), status, policy.Policy)
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "keys"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	if key := describe(); key.KeyState != "PendingDeletion" {
		t.Errorf("%+v", key)
	}
}
