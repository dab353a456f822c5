package kms

import (
	"context"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/caller"
)

func (w *world) encrypts(ctx context.Context, key string) error {
	_, err := w.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x")})
	return err
}

func TestKeyPolicyIsTheRootOfAccess(t *testing.T) {
	w := newWorld(t)
	ann := w.user(acct, "ann", allow("kms:*", "*"))
	bob := w.user(acct, "bob", "")
	// The default policy names the account: IAM decides.
	open := w.key("")
	w.done(w.encrypts(ann, open))
	w.refused(w.encrypts(bob, open), "AccessDeniedException: User: arn:aws:iam::111111111111:user/bob is not authorized to perform: kms:Encrypt on resource: "+open+" because no identity-based policy allows the kms:Encrypt action")
	// A policy that names only Bob: IAM's kms:* does not help, nor being the account's root user.
	only := w.key(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"kms:*","Resource":"*"}]}`)
	w.done(w.encrypts(bob, only))
	w.refused(w.encrypts(ann, only), "AccessDeniedException: User: arn:aws:iam::111111111111:user/ann is not authorized to perform: kms:Encrypt on resource: "+only+" because no resource-based policy allows the kms:Encrypt action")
	if err := w.encrypts(w.root, only); err == nil || !strings.Contains(err.Error(), "no resource-based policy") {
		t.Errorf("root: %v", err)
	}
	// Another account needs both.
	foreign := w.user("222222222222", "eve", allow("kms:*", "*"))
	w.refused(w.encrypts(foreign, open), "AccessDeniedException: User: arn:aws:iam::222222222222:user/eve is not authorized to perform: kms:Encrypt on resource: "+open+" because no resource-based policy allows the kms:Encrypt action")
	shared := w.key(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::222222222222:root","arn:aws:iam::111111111111:root"]},"Action":"kms:*","Resource":"*"}]}`)
	w.done(w.encrypts(foreign, shared))
}

func TestNobodyLocksThemselvesOut(t *testing.T) {
	w := newWorld(t)
	key := w.key("")
	lockout := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"kms:*","Resource":"*"}]}`
	w.refused(w.PutKeyPolicy(w.root, &kmsapi.PutKeyPolicyRequest{KeyId: key, Policy: lockout}),
		"MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.")
	w.done(w.PutKeyPolicy(w.root, &kmsapi.PutKeyPolicyRequest{KeyId: key, Policy: lockout, BypassPolicyLockoutSafetyCheck: true}))
	if _, err := w.GetKeyPolicy(w.root, &kmsapi.GetKeyPolicyRequest{KeyId: key}); err == nil {
		t.Error("root may read the policy of a key that does not let it in")
	}
}

func TestConditionsOnContextAndService(t *testing.T) {
	w := newWorld(t)
	w.user(acct, "bob", "")
	key := w.key(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:app":"shop"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"secretsmanager.eu-west-1.amazonaws.com"}}}]}`)
	bob := w.user(acct, "bob", allow("secretsmanager:*", "*"))
	if w.encrypts(bob, key) == nil {
		t.Error("without the context")
	}
	ok(w.Encrypt(bob, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x"), EncryptionContext: map[string]string{"app": "shop"}}))
	if _, err := w.GenerateDataKey(bob, &kmsapi.GenerateDataKeyRequest{KeyId: key, KeySpec: "AES_256"}); err == nil {
		t.Error("a data key, not through Secrets Manager")
	}
	ok(w.secrets.CreateSecret(bob, &secretsmanagerapi.CreateSecretRequest{Name: "a", SecretString: "x", KmsKeyId: key}))
	ok(w.secrets.GetSecretValue(bob, &secretsmanagerapi.GetSecretValueRequest{SecretId: "a"}))
}

func TestGrantsAllowAndEnd(t *testing.T) {
	w := newWorld(t)
	bob := w.user(acct, "bob", "")
	key := w.key("")
	arn := caller.From(bob).ARN
	in := &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: arn, RetiringPrincipal: arn, Name: "g", Operations: []kmsapi.GrantOperation{"Encrypt", "DescribeKey", "CreateGrant"},
		Constraints: &kmsapi.GrantConstraints{EncryptionContextEquals: map[string]string{"app": "shop"}}}
	grant := ok(w.CreateGrant(w.root, in))
	if again := ok(w.CreateGrant(w.root, in)); again.GrantId != grant.GrantId {
		t.Error("the same grant of the same name was made twice")
	}
	encrypt := func(context map[string]string) error {
		_, err := w.Encrypt(bob, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("x"), EncryptionContext: context})
		return err
	}
	w.done(encrypt(map[string]string{"app": "shop"}))
	ok(w.DescribeKey(bob, &kmsapi.DescribeKeyRequest{KeyId: key}))
	if encrypt(nil) == nil || encrypt(map[string]string{"app": "shop", "more": "x"}) == nil || encrypt(map[string]string{"app": "other"}) == nil {
		t.Error("another context is allowed")
	}
	_, err := w.CreateGrant(bob, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: arn, Operations: []kmsapi.GrantOperation{"Decrypt"}})
	if err == nil {
		t.Error("a grantee passes on more than it has")
	}
	if list := ok(w.ListRetirableGrants(w.root, &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: arn})).Grants; len(list) != 1 || list[0].GrantId != grant.GrantId {
		t.Errorf("retirable %+v", list)
	}
	w.done(w.RetireGrant(bob, &kmsapi.RetireGrantRequest{GrantToken: grant.GrantToken}))
	if encrypt(map[string]string{"app": "shop"}) == nil {
		t.Error("the grant still holds")
	}
	second := ok(w.CreateGrant(w.root, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: arn, Operations: []kmsapi.GrantOperation{"Encrypt"}}))
	w.done(encrypt(nil))
	w.done(w.RevokeGrant(w.root, &kmsapi.RevokeGrantRequest{KeyId: key, GrantId: second.GrantId}))
	if encrypt(nil) == nil {
		t.Error("a revoked grant still holds")
	}
}

func TestSecretsNeedTheirKey(t *testing.T) {
	w := newWorld(t)
	key := w.key("")
	bob := w.user(acct, "bob", allow("secretsmanager:*", "*")+","+allow("ssm:*", "*"))
	ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "own", SecretString: "x", KmsKeyId: key}))
	ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "managed", SecretString: "x"}))
	get := func(name string) error {
		_, err := w.secrets.GetSecretValue(bob, &secretsmanagerapi.GetSecretValueRequest{SecretId: name})
		return err
	}
	w.done(get("managed")) // AWS's key serves everybody whom Secrets Manager lets in
	w.refused(get("own"), "AccessDeniedException: Access to KMS is not allowed")
	_, err := w.secrets.PutSecretValue(bob, &secretsmanagerapi.PutSecretValueRequest{SecretId: "own", SecretString: "y"})
	w.refused(err, "AccessDeniedException: Access to KMS is not allowed")
	bob = w.user(acct, "bob", allow("secretsmanager:*", "*")+","+allow("kms:Decrypt", key)+","+allow("ssm:*", "*"))
	w.done(get("own"))
	w.done(w.DisableKey(w.root, &kmsapi.DisableKeyRequest{KeyId: key}))
	w.refused(get("own"), "DecryptionFailure: Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	w.done(w.EnableKey(w.root, &kmsapi.EnableKeyRequest{KeyId: key}))

	ok(w.parameters.PutParameter(w.root, &ssmapi.PutParameterRequest{Name: "own", Type: "SecureString", Value: "x", KeyId: key}))
	carl := w.user(acct, "carl", allow("ssm:*", "*"))
	_, err = w.parameters.GetParameter(carl, &ssmapi.GetParameterRequest{Name: "own", WithDecryption: new(true)})
	w.refused(err, "AccessDeniedException: User: arn:aws:iam::111111111111:user/carl is not authorized to perform: kms:Decrypt on resource: "+key+" because no identity-based policy allows the kms:Decrypt action")
	sealed := ok(w.parameters.GetParameter(carl, &ssmapi.GetParameterRequest{Name: "own"}))
	if sealed.Parameter.Value == "x" {
		t.Error("the value is shown without decryption")
	}
	if got := ok(w.parameters.GetParameter(bob, &ssmapi.GetParameterRequest{Name: "own", WithDecryption: new(true)})); got.Parameter.Value != "x" {
		t.Errorf("%+v", got)
	}
}

func TestManagedKeysAppearOnFirstUseAndServeOnlyTheirService(t *testing.T) {
	w := newWorld(t)
	if n := len(ok(w.ListKeys(w.root, &kmsapi.ListKeysRequest{})).Keys); n != 0 {
		t.Errorf("%d keys at first", n)
	}
	ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "a", SecretString: "x"}))
	key := ok(w.DescribeKey(w.root, &kmsapi.DescribeKeyRequest{KeyId: "alias/aws/secretsmanager"})).KeyMetadata
	if key.KeyManager != "AWS" || len(ok(w.ListKeys(w.root, &kmsapi.ListKeysRequest{})).Keys) != 1 {
		t.Errorf("%+v", key)
	}
	for name, err := range map[string]error{
		"Encrypt":    w.encrypts(w.root, "alias/aws/secretsmanager"),
		"DisableKey": w.DisableKey(w.root, &kmsapi.DisableKeyRequest{KeyId: key.KeyId}),
	} {
		w.refused(err, "AccessDeniedException: User: arn:aws:iam::111111111111:root is not authorized to perform: kms:"+name+" on resource: "+key.Arn+" because no resource-based policy allows the kms:"+name+" action")
	}
}

func TestChangingASecretsKeyEncryptsItAgain(t *testing.T) {
	w := newWorld(t)
	first, second := w.key(""), w.key("")
	ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "a", SecretString: "x", KmsKeyId: first}))
	ok(w.secrets.UpdateSecret(w.root, &secretsmanagerapi.UpdateSecretRequest{SecretId: "a", KmsKeyId: second}))
	w.done(w.DisableKey(w.root, &kmsapi.DisableKeyRequest{KeyId: first}))
	if got := ok(w.secrets.GetSecretValue(w.root, &secretsmanagerapi.GetSecretValueRequest{SecretId: "a"})); got.SecretString != "x" {
		t.Errorf("%+v", got)
	}
}

func TestBatchGetTellsRefusalsBesideValues(t *testing.T) {
	w := newWorld(t)
	ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "a", SecretString: "x"}))
	closed := ok(w.secrets.CreateSecret(w.root, &secretsmanagerapi.CreateSecretRequest{Name: "b", SecretString: "y"}))
	bob := w.user(acct, "bob", allow("secretsmanager:BatchGetSecretValue", "*")+","+allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:a-*"))
	out := ok(w.secrets.BatchGetSecretValue(bob, &secretsmanagerapi.BatchGetSecretValueRequest{SecretIdList: []string{"a", "b"}}))
	if len(out.SecretValues) != 1 || out.SecretValues[0].SecretString != "x" || len(out.Errors) != 1 || out.Errors[0].ErrorCode != "AccessDeniedException" || !strings.Contains(out.Errors[0].Message, closed.ARN) {
		t.Errorf("%+v", out)
	}
}
