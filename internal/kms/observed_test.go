package kms

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/testenv/observed"
)

const missing = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-4000-8000-000000000000"

// excused are answers that our operations cannot give.
var excused = func() map[string]string {
	out := map[string]string{
		"<key-arn> origin is EXTERNAL which is not valid for this operation.":         "imported material is not carried out",
		"<mrk-key-arn> is not a multi-region primary key.":                            "keys of several regions are not carried out",
		"No available key material pending rotation for the key: <key-arn>.":          "imported material is not carried out",
		"arn:<partition>:kms:<region>:111111111111:key/<key-id:1> is pending import.": "imported material is not carried out",
		"1 validation error detected: Value 'RANDOM' at 'keyUsage' failed to satisfy constraint: Member must satisfy enum value set: [ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC]":           "the model has more values now",
		"1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]": "AWS lists the values in an order of its own; ours is the model's",
	}
	out["1 validation error detected: Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [RSA_2048, ECC_NIST_P384, ECC_NIST_P256, ECC_NIST_P521, HMAC_384, RSA_3072, ECC_SECG_P256K1, RSA_4096, SYMMETRIC_DEFAULT, HMAC_256, HMAC_224, HMAC_512]"] = "the model has more values now"
	return out
}()

// TestObservedAnswers gives every error answer of KMS that AWS was seen to give.
func TestObservedAnswers(t *testing.T) {
	w := newWorld(t)
	made := map[string]string{}
	key := func(spec, usage string) string {
		if made[spec+usage] == "" {
			made[spec+usage] = ok(w.CreateKey(w.root, &kmsapi.CreateKeyRequest{KeySpec: kmsapi.KeySpec(spec), KeyUsage: kmsapi.KeyUsageType(usage)})).KeyMetadata.Arn
		}
		return made[spec+usage]
	}
	symmetricKey := key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	var requests []observed.Request
	add := func(operation, name string, do func() error) {
		requests = append(requests, observed.Request{Name: name, Operation: operation, Do: func(*testing.T) error { return do() }})
	}
	create := func(name string, in *kmsapi.CreateKeyRequest) {
		add("CreateKey", name, func() error { _, err := w.CreateKey(w.root, in); return err })
	}
	tags := func(n int) (out []kmsapi.Tag) {
		for i := range n {
			out = append(out, kmsapi.Tag{TagKey: fmt.Sprint("k", i), TagValue: "v"})
		}
		return out
	}
	create("a reserved tag", &kmsapi.CreateKeyRequest{Tags: []kmsapi.Tag{{TagKey: "aws:x", TagValue: "v"}}})
	create("51 tags", &kmsapi.CreateKeyRequest{Tags: tags(51)})
	create("a long tag key", &kmsapi.CreateKeyRequest{Tags: []kmsapi.Tag{{TagKey: strings.Repeat("a", 129), TagValue: "v"}}})
	create("a long tag value", &kmsapi.CreateKeyRequest{Tags: []kmsapi.Tag{{TagKey: "k", TagValue: strings.Repeat("v", 257)}}})
	create("a pair without a usage", &kmsapi.CreateKeyRequest{KeySpec: "RSA_2048"})
	create("key agreement by RSA", &kmsapi.CreateKeyRequest{KeySpec: "RSA_2048", KeyUsage: "KEY_AGREEMENT"})
	add("CreateAlias", "no prefix", func() error {
		return w.CreateAlias(w.root, &kmsapi.CreateAliasRequest{AliasName: "mine", TargetKeyId: symmetricKey})
	})
	add("CreateGrant", "a dry run", func() error {
		_, err := w.CreateGrant(w.root, &kmsapi.CreateGrantRequest{KeyId: symmetricKey, GranteePrincipal: "arn:aws:iam::111111111111:root", Operations: []kmsapi.GrantOperation{"Encrypt"}, DryRun: true})
		return err
	})
	add("TagResource", "a tag twice", func() error {
		return w.TagResource(w.root, &kmsapi.TagResourceRequest{KeyId: symmetricKey, Tags: []kmsapi.Tag{{TagKey: "a", TagValue: "1"}, {TagKey: "a", TagValue: "2"}}})
	})
	add("TagResource", "a reserved tag", func() error {
		return w.TagResource(w.root, &kmsapi.TagResourceRequest{KeyId: symmetricKey, Tags: []kmsapi.Tag{{TagKey: "aws:x", TagValue: "v"}}})
	})
	describe := func(id string) {
		ctx := w.root
		if strings.Contains(id, "ap-southeast-1") {
			ctx = caller.With(context.Background(), caller.ForRoot(acct, "ap-southeast-1"))
		}
		add("DescribeKey", id, func() error { _, err := w.DescribeKey(ctx, &kmsapi.DescribeKeyRequest{KeyId: id}); return err })
	}
	for _, id := range []string{"134f2428cec14b25a1ae9048164dba47", "fake-key-id", "mrk-fake-key-id", missing, strings.Replace(missing, "eu-west-1", "us-east-1", 1), strings.Replace(missing, "eu-west-1", "ap-southeast-1", 1)} {
		describe(id)
	}
	encrypt := func(name string, in *kmsapi.EncryptRequest) {
		add("Encrypt", name, func() error { _, err := w.Encrypt(w.root, in); return err })
	}
	encrypt("with a signing key", &kmsapi.EncryptRequest{KeyId: key("ECC_NIST_P256", "SIGN_VERIFY"), Plaintext: []byte("x")})
	encrypt("4097 bytes", &kmsapi.EncryptRequest{KeyId: symmetricKey, Plaintext: make([]byte, 4097)})
	for _, spec := range []string{"RSA_2048", "RSA_3072", "RSA_4096"} {
		for _, a := range []kmsapi.EncryptionAlgorithmSpec{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"} {
			encrypt(spec+" "+string(a), &kmsapi.EncryptRequest{KeyId: key(spec, "ENCRYPT_DECRYPT"), Plaintext: make([]byte, 512), EncryptionAlgorithm: a})
		}
	}
	sealed := ok(w.Encrypt(w.root, &kmsapi.EncryptRequest{KeyId: symmetricKey, Plaintext: []byte("x")})).CiphertextBlob
	other := w.key("")
	add("Decrypt", "another key", func() error {
		_, err := w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: sealed, KeyId: other})
		return err
	})
	add("Decrypt", "another context", func() error {
		_, err := w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: sealed, EncryptionContext: map[string]string{"a": "b"}})
		return err
	})
	add("ReEncrypt", "another key", func() error {
		_, err := w.ReEncrypt(w.root, &kmsapi.ReEncryptRequest{CiphertextBlob: sealed, SourceKeyId: other, DestinationKeyId: symmetricKey})
		return err
	})
	mac := func(name, keyID, algorithm string) {
		add("GenerateMac", name, func() error {
			_, err := w.GenerateMac(w.root, &kmsapi.GenerateMacRequest{KeyId: keyID, Message: []byte("x"), MacAlgorithm: kmsapi.MacAlgorithmSpec(algorithm)})
			return err
		})
	}
	mac("with a symmetric key", symmetricKey, "HMAC_SHA_256")
	mac("another algorithm", key("HMAC_224", "GENERATE_VERIFY_MAC"), "HMAC_SHA_256")
	mac("no key", "key_id", "HMAC_SHA_256")
	verifyMAC := func(name, keyID, algorithm string) {
		add("VerifyMac", name, func() error {
			_, err := w.VerifyMac(w.root, &kmsapi.VerifyMacRequest{KeyId: keyID, Message: []byte("x"), Mac: []byte("y"), MacAlgorithm: kmsapi.MacAlgorithmSpec(algorithm)})
			return err
		})
	}
	verifyMAC("another algorithm", key("HMAC_256", "GENERATE_VERIFY_MAC"), "HMAC_SHA_512")
	verifyMAC("another mac", key("HMAC_256", "GENERATE_VERIFY_MAC"), "HMAC_SHA_256")
	verifyMAC("no key", "key_id", "HMAC_SHA_256")
	for name, n := range map[string]*int32{"no number": nil, "none": new(int32(0)), "1025": new(int32(1025))} {
		add("GenerateRandom", name, func() error {
			_, err := w.GenerateRandom(w.root, &kmsapi.GenerateRandomRequest{NumberOfBytes: n})
			return err
		})
	}
	sign := func(keyID, algorithm string) {
		add("Sign", algorithm, func() error {
			_, err := w.Sign(w.root, &kmsapi.SignRequest{KeyId: keyID, Message: []byte("short"), MessageType: "DIGEST", SigningAlgorithm: kmsapi.SigningAlgorithmSpec(algorithm)})
			return err
		})
	}
	sign(key("HMAC_256", "GENERATE_VERIFY_MAC"), "ECDSA_SHA_256")
	sign(key("ECC_NIST_P256", "SIGN_VERIFY"), "ECDSA_SHA_256")
	sign(key("ECC_NIST_P384", "SIGN_VERIFY"), "ECDSA_SHA_384")
	for _, a := range []string{"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"} {
		sign(key("RSA_2048", "SIGN_VERIFY"), a)
	}
	for name, keyID := range map[string]string{"with a symmetric key": symmetricKey, "another signature": key("ECC_NIST_P256", "SIGN_VERIFY")} {
		add("Verify", name, func() error {
			_, err := w.Verify(w.root, &kmsapi.VerifyRequest{KeyId: keyID, Message: []byte("x"), Signature: []byte("y"), SigningAlgorithm: "ECDSA_SHA_256"})
			return err
		})
	}
	rotate := func(name, keyID string) {
		add("RotateKeyOnDemand", name, func() error {
			_, err := w.RotateKeyOnDemand(w.root, &kmsapi.RotateKeyOnDemandRequest{KeyId: keyID})
			return err
		})
	}
	disabled, rotated := w.key(""), w.key("")
	w.done(w.DisableKey(w.root, &kmsapi.DisableKeyRequest{KeyId: disabled}))
	for range maxOnDemand {
		ok(w.RotateKeyOnDemand(w.root, &kmsapi.RotateKeyOnDemandRequest{KeyId: rotated}))
	}
	rotate("disabled", disabled)
	rotate("too often", rotated)
	rotate("no key", missing)
	rotate("a pair", key("ECC_NIST_P256", "SIGN_VERIFY"))
	observed.Check(t, "kms", kmsapi.Model, requests, excused)
}
