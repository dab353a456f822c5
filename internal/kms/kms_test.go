package kms

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/state"
)

func TestCiphertextOpensOnlyWithItsKeyAndContext(t *testing.T) {
	w := newWorld(t)
	key, other := w.key(""), w.key("")
	plain, context := []byte("correct horse"), map[string]string{"app": "shop", "stage": "test"}
	sealed := ok(w.Encrypt(w.root, &kmsapi.EncryptRequest{KeyId: key, Plaintext: plain, EncryptionContext: context}))
	if bytes.Contains(sealed.CiphertextBlob, plain) || sealed.KeyId != key {
		t.Errorf("%+v", sealed)
	}
	got := ok(w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context}))
	if !bytes.Equal(got.Plaintext, plain) || got.KeyId != key {
		t.Errorf("%+v", got)
	}
	for name, change := range map[string]func(*kmsapi.DecryptRequest){
		"no context": func(in *kmsapi.DecryptRequest) { in.EncryptionContext = nil },
		"another context": func(in *kmsapi.DecryptRequest) {
			in.EncryptionContext = map[string]string{"app": "shop", "stage": "live"}
		},
		"shifted context": func(in *kmsapi.DecryptRequest) {
			in.EncryptionContext = map[string]string{"app": "shops", "tage": "test"}
		},
		"changed":  func(in *kmsapi.DecryptRequest) { in.CiphertextBlob[len(in.CiphertextBlob)-1] ^= 1 },
		"cut":      func(in *kmsapi.DecryptRequest) { in.CiphertextBlob = in.CiphertextBlob[:30] },
		"not ours": func(in *kmsapi.DecryptRequest) { in.CiphertextBlob = []byte("x") },
	} {
		in := &kmsapi.DecryptRequest{CiphertextBlob: bytes.Clone(sealed.CiphertextBlob), EncryptionContext: context, KeyId: key}
		change(in)
		if _, err := w.Decrypt(w.root, in); err == nil || err.Error() != "InvalidCiphertextException: " {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: other})
	w.refused(err, "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.")
	again := ok(w.ReEncrypt(w.root, &kmsapi.ReEncryptRequest{CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: context, DestinationKeyId: other}))
	if got := ok(w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: again.CiphertextBlob, KeyId: other})); !bytes.Equal(got.Plaintext, plain) {
		t.Errorf("re-encrypted: %q", got.Plaintext)
	}
}

func TestMaterialIsSealedInRecords(t *testing.T) {
	w := newWorld(t)
	w.key("")
	for key := range state.KMSKeys.All(w.db.Read(), "") {
		secret := ok(w.service.material(key, 0))
		raw := ok(json.Marshal(key))
		if len(secret) != 32 || bytes.Contains(key.Material[0].Sealed, secret) || bytes.Contains(raw, secret) {
			t.Errorf("the record shows the material: %s", raw)
		}
		moved := new(*key)
		moved.ID = "00000000-0000-0000-0000-000000000000"
		if _, err := w.service.material(moved, 0); err == nil {
			t.Error("the material opens as another key's")
		}
	}
}

func TestOlderMaterialStillDecrypts(t *testing.T) {
	w := newWorld(t)
	key := w.key("")
	before := ok(w.Encrypt(w.root, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("old")}))
	ok(w.RotateKeyOnDemand(w.root, &kmsapi.RotateKeyOnDemandRequest{KeyId: key}))
	w.done(w.EnableKeyRotation(w.root, &kmsapi.EnableKeyRotationRequest{KeyId: key, RotationPeriodInDays: new(int32(90))}))
	status := ok(w.GetKeyRotationStatus(w.root, &kmsapi.GetKeyRotationStatusRequest{KeyId: key}))
	if !status.KeyRotationEnabled || !status.NextRotationDate.Equal(w.clock.Add(90*24*time.Hour)) {
		t.Errorf("%+v", status)
	}
	w.clock = w.clock.Add(91 * 24 * time.Hour)
	w.done(w.service.tend(w.root))
	kinds := ""
	for _, r := range ok(w.ListKeyRotations(w.root, &kmsapi.ListKeyRotationsRequest{KeyId: key})).Rotations {
		kinds += string(r.RotationType) + " "
	}
	if kinds != "ON_DEMAND AUTOMATIC " {
		t.Errorf("rotations %s", kinds)
	}
	after := ok(w.Encrypt(w.root, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte("new")}))
	a, b := ok(w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: before.CiphertextBlob})), ok(w.Decrypt(w.root, &kmsapi.DecryptRequest{CiphertextBlob: after.CiphertextBlob}))
	if string(a.Plaintext) != "old" || string(b.Plaintext) != "new" || a.KeyMaterialId == b.KeyMaterialId {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestDisabledAndDyingKeysAreNotUsed(t *testing.T) {
	w := newWorld(t)
	key := w.key("")
	use := func() error {
		_, err := w.GenerateDataKey(w.root, &kmsapi.GenerateDataKeyRequest{KeyId: key, KeySpec: "AES_256"})
		return err
	}
	w.done(w.DisableKey(w.root, &kmsapi.DisableKeyRequest{KeyId: key}))
	w.refused(use(), "DisabledException: "+key+" is disabled.")
	w.done(w.EnableKey(w.root, &kmsapi.EnableKeyRequest{KeyId: key}))
	w.done(use())
	w.done(w.CreateAlias(w.root, &kmsapi.CreateAliasRequest{AliasName: "alias/mine", TargetKeyId: key}))
	ok(w.ScheduleKeyDeletion(w.root, &kmsapi.ScheduleKeyDeletionRequest{KeyId: key, PendingWindowInDays: new(int32(7))}))
	w.refused(use(), "KMSInvalidStateException: "+key+" is pending deletion.")
	ok(w.CancelKeyDeletion(w.root, &kmsapi.CancelKeyDeletionRequest{KeyId: key}))
	w.refused(use(), "DisabledException: "+key+" is disabled.")
	ok(w.ScheduleKeyDeletion(w.root, &kmsapi.ScheduleKeyDeletionRequest{KeyId: key}))
	w.clock = w.clock.Add(31 * 24 * time.Hour)
	w.refused(use(), "NotFoundException: Key '"+key+"' does not exist")
	w.done(w.service.tend(w.root))
	if list := ok(w.ListAliases(w.root, &kmsapi.ListAliasesRequest{})).Aliases; len(list) != len(managedServices) {
		t.Errorf("aliases that are left: %+v", list)
	}
}

func TestAliasesStandForKeys(t *testing.T) {
	w := newWorld(t)
	first, second := w.key(""), w.key("")
	w.done(w.CreateAlias(w.root, &kmsapi.CreateAliasRequest{AliasName: "alias/app/db", TargetKeyId: first}))
	w.refused(w.CreateAlias(w.root, &kmsapi.CreateAliasRequest{AliasName: "alias/app/db", TargetKeyId: second}),
		"AlreadyExistsException: An alias with the name arn:aws:kms:eu-west-1:111111111111:alias/app/db already exists")
	id := func() string {
		return ok(w.DescribeKey(w.root, &kmsapi.DescribeKeyRequest{KeyId: "arn:aws:kms:eu-west-1:111111111111:alias/app/db"})).KeyMetadata.Arn
	}
	if id() != first {
		t.Error("not the first key")
	}
	w.done(w.UpdateAlias(w.root, &kmsapi.UpdateAliasRequest{AliasName: "alias/app/db", TargetKeyId: second}))
	if id() != second {
		t.Error("not the second key")
	}
	w.done(w.DeleteAlias(w.root, &kmsapi.DeleteAliasRequest{AliasName: "alias/app/db"}))
	_, err := w.DescribeKey(w.root, &kmsapi.DescribeKeyRequest{KeyId: "alias/app/db"})
	w.refused(err, "NotFoundException: Alias arn:aws:kms:eu-west-1:111111111111:alias/app/db is not found.")
	w.refused(w.CreateAlias(w.root, &kmsapi.CreateAliasRequest{AliasName: "alias/aws/mine", TargetKeyId: first}),
		"NotAuthorizedException: Aliases that begin with alias/aws/ are reserved for AWS.")
}

func TestSignaturesAndMACs(t *testing.T) {
	w := newWorld(t)
	for spec, algorithms := range map[string]string{
		"RSA_2048": "RSASSA_PSS_SHA_256 RSASSA_PKCS1_V1_5_SHA_384", "ECC_NIST_P256": "ECDSA_SHA_256", "ECC_NIST_P384": "ECDSA_SHA_384", "ECC_NIST_P521": "ECDSA_SHA_512",
	} {
		key := ok(w.CreateKey(w.root, &kmsapi.CreateKeyRequest{KeySpec: kmsapi.KeySpec(spec), KeyUsage: "SIGN_VERIFY"})).KeyMetadata.Arn
		for a := range strings.FieldsSeq(algorithms) {
			algorithm := kmsapi.SigningAlgorithmSpec(a)
			signed := ok(w.Sign(w.root, &kmsapi.SignRequest{KeyId: key, Message: []byte("hello"), SigningAlgorithm: algorithm}))
			verify := &kmsapi.VerifyRequest{KeyId: key, Message: []byte("hello"), SigningAlgorithm: algorithm, Signature: signed.Signature}
			if !ok(w.Verify(w.root, verify)).SignatureValid {
				t.Errorf("%s: not valid", a)
			}
			verify.Message = []byte("hullo")
			_, err := w.Verify(w.root, verify)
			w.refused(err, "KMSInvalidSignatureException: ")
		}
		if len(ok(w.GetPublicKey(w.root, &kmsapi.GetPublicKeyRequest{KeyId: key})).PublicKey) == 0 {
			t.Errorf("%s: no public key", spec)
		}
		if ok(w.GetKeyRotationStatus(w.root, &kmsapi.GetKeyRotationStatusRequest{KeyId: key})).KeyRotationEnabled {
			t.Errorf("%s: rotates", spec)
		}
	}
	key := ok(w.CreateKey(w.root, &kmsapi.CreateKeyRequest{KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC"})).KeyMetadata.Arn
	mac := ok(w.GenerateMac(w.root, &kmsapi.GenerateMacRequest{KeyId: key, Message: []byte("hello"), MacAlgorithm: "HMAC_SHA_256"})).Mac
	verify := &kmsapi.VerifyMacRequest{KeyId: key, Message: []byte("hello"), Mac: mac, MacAlgorithm: "HMAC_SHA_256"}
	if len(mac) != 32 || !ok(w.VerifyMac(w.root, verify)).MacValid {
		t.Errorf("mac %x", mac)
	}
	verify.Message = []byte("hullo")
	_, err := w.VerifyMac(w.root, verify)
	w.refused(err, "KMSInvalidMacException: ")
	rsa := ok(w.CreateKey(w.root, &kmsapi.CreateKeyRequest{KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT"})).KeyMetadata.Arn
	sealed := ok(w.Encrypt(w.root, &kmsapi.EncryptRequest{KeyId: rsa, Plaintext: []byte("x"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"}))
	opened := ok(w.Decrypt(w.root, &kmsapi.DecryptRequest{KeyId: rsa, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: "RSAES_OAEP_SHA_256"}))
	if string(opened.Plaintext) != "x" {
		t.Errorf("%q", opened.Plaintext)
	}
}

func TestWhatIsNotCarriedOutIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	for want, in := range map[string]*kmsapi.CreateKeyRequest{
		"MultiRegion":                  {MultiRegion: true},
		"The origin EXTERNAL":          {Origin: "EXTERNAL"},
		"The key spec SM2":             {KeySpec: "SM2", KeyUsage: "SIGN_VERIFY"},
		"A custom key store":           {CustomKeyStoreId: "cks-1234567890abcdef0"},
		"The key spec ECC_SECG_P256K1": {KeySpec: "ECC_SECG_P256K1", KeyUsage: "SIGN_VERIFY"},
	} {
		_, err := w.CreateKey(w.root, in)
		w.refused(err, "UnsupportedOperationException: "+want+" is not carried out by Neargate yet.")
	}
}
