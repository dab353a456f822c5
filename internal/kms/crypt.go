package kms

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash"
	"slices"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// use returns a key that may serve the operation: usable, with material, of the right usage.
func (s *Service) use(ctx context.Context, keyID, usage, operation string) (*state.KMSKey, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), keyID)
	if err != nil {
		return nil, err
	}
	if err := usable(key); err != nil {
		return nil, err
	}
	if key.Usage != usage {
		return nil, &kmsapi.InvalidKeyUsageException{Message: key.ARN() + " key usage is " + key.Usage + " which is not valid for " + operation + "."}
	}
	return s.ensure(ctx, key)
}

// algorithm checks the encryption algorithm of a request; "" means SYMMETRIC_DEFAULT.
func algorithm(key *state.KMSKey, asked kmsapi.EncryptionAlgorithmSpec) (kmsapi.EncryptionAlgorithmSpec, error) {
	if asked == "" {
		asked = kmsapi.EncryptionAlgorithmSpecSymmetricDefault
	}
	if !slices.Contains(encryptionAlgorithms(key), asked) {
		return "", &kmsapi.InvalidKeyUsageException{Message: "Algorithm " + string(asked) + " is incompatible with key spec " + key.Spec + "."}
	}
	return asked, nil
}

func oaep(a kmsapi.EncryptionAlgorithmSpec) hash.Hash {
	if a == kmsapi.EncryptionAlgorithmSpecRsaesOaepSha1 {
		return sha1.New()
	}
	return sha256.New()
}

// pair opens the key pair of an asymmetric key.
func (s *Service) pair(key *state.KMSKey) (crypto.Signer, error) {
	secret, err := s.material(key, 0)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, err
	}
	return parsed.(crypto.Signer), nil
}

// seals encrypts with any kind of key.
func (s *Service) seals(key *state.KMSKey, a kmsapi.EncryptionAlgorithmSpec, plain []byte, context map[string]string) ([]byte, error) {
	if key.Spec == symmetric {
		return s.encrypt(key, plain, context)
	}
	pair, err := s.pair(key)
	if err != nil {
		return nil, err
	}
	public := pair.Public().(*rsa.PublicKey)
	if most := public.Size() - 2*oaep(a).Size() - 2; len(plain) > most {
		return nil, invalid("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", a, key.Spec, most)
	}
	return rsa.EncryptOAEP(oaep(a), rand.Reader, public, plain, nil)
}

// opens decrypts with any kind of key.
func (s *Service) opens(key *state.KMSKey, a kmsapi.EncryptionAlgorithmSpec, blob []byte, context map[string]string) ([]byte, error) {
	var plain []byte
	var err error
	if key.Spec == symmetric {
		plain, err = s.decrypt(key, blob, context)
	} else {
		pair, e := s.pair(key)
		if e != nil {
			return nil, e
		}
		if plain, err = rsa.DecryptOAEP(oaep(a), nil, pair.(*rsa.PrivateKey), blob, nil); err != nil {
			err = errCiphertext
		}
	}
	if errors.Is(err, errCiphertext) {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	return plain, err
}

// Encrypt encrypts up to 4096 bytes.
func (s *Service) Encrypt(ctx context.Context, in *kmsapi.EncryptRequest) (*kmsapi.EncryptResponse, error) {
	key, err := s.use(ctx, in.KeyId, encryptDecrypt, "Encrypt")
	if err != nil {
		return nil, err
	}
	a, err := algorithm(key, in.EncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	blob, err := s.seals(key, a, in.Plaintext, in.EncryptionContext)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &kmsapi.EncryptResponse{CiphertextBlob: blob, KeyId: key.ARN(), EncryptionAlgorithm: a}, nil
}

// source finds the key of a ciphertext; a symmetric one names it itself, and
// the request, if it names one too, must name the same.
func (s *Service) source(ctx context.Context, blob []byte, keyID string, asked kmsapi.EncryptionAlgorithmSpec, operation string) (*state.KMSKey, error) {
	name, _, ours := keyOf(blob)
	if asked != "" && asked != kmsapi.EncryptionAlgorithmSpecSymmetricDefault {
		if keyID == "" {
			return nil, invalid("KeyId is required to decrypt with an asymmetric key.")
		}
		return s.use(ctx, keyID, encryptDecrypt, operation)
	}
	id, tx := caller.From(ctx), s.db.Read()
	var key *state.KMSKey
	if ours {
		for k := range state.KMSKeys.By(tx, "region-id", id.Region+"/"+name) {
			key = k
		}
	}
	if keyID != "" {
		want, err := s.find(tx, id, keyID)
		if err != nil {
			return nil, err
		}
		if ours && want.ID != name {
			return nil, &kmsapi.IncorrectKeyException{Message: "The key ID in the request does not identify a CMK that can perform this operation."}
		}
	}
	if key == nil {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	return s.use(ctx, key.ARN(), encryptDecrypt, operation)
}

// Decrypt decrypts what Encrypt, GenerateDataKey or ReEncrypt made, with the
// same encryption context.
func (s *Service) Decrypt(ctx context.Context, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient")
	}
	key, err := s.source(ctx, in.CiphertextBlob, in.KeyId, in.EncryptionAlgorithm, "Decrypt")
	if err != nil {
		return nil, err
	}
	a, err := algorithm(key, in.EncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	plain, err := s.opens(key, a, in.CiphertextBlob, in.EncryptionContext)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &kmsapi.DecryptResponse{KeyId: key.ARN(), Plaintext: plain, EncryptionAlgorithm: a, KeyMaterialId: materialID(key, in.CiphertextBlob)}, nil
}

// materialID names the material of a symmetric ciphertext.
func materialID(key *state.KMSKey, blob []byte) string {
	if _, n, ok := keyOf(blob); ok && key.Spec == symmetric && n < len(key.Material) {
		return key.Material[n].ID
	}
	return ""
}

// ReEncrypt encrypts a ciphertext's content under another key or context.
func (s *Service) ReEncrypt(ctx context.Context, in *kmsapi.ReEncryptRequest) (*kmsapi.ReEncryptResponse, error) {
	from, err := s.source(ctx, in.CiphertextBlob, in.SourceKeyId, in.SourceEncryptionAlgorithm, "ReEncrypt")
	if err != nil {
		return nil, err
	}
	to, err := s.use(ctx, in.DestinationKeyId, encryptDecrypt, "ReEncrypt")
	if err != nil {
		return nil, err
	}
	before, err := algorithm(from, in.SourceEncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	after, err := algorithm(to, in.DestinationEncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	plain, err := s.opens(from, before, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	blob, err := s.seals(to, after, plain, in.DestinationEncryptionContext)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &kmsapi.ReEncryptResponse{CiphertextBlob: blob, SourceKeyId: from.ARN(), KeyId: to.ARN(), SourceEncryptionAlgorithm: before, DestinationEncryptionAlgorithm: after,
		SourceKeyMaterialId: materialID(from, in.CiphertextBlob), DestinationKeyMaterialId: materialID(to, blob)}, nil
}

// dataKey makes a data key under a key.
func (s *Service) dataKey(ctx context.Context, keyID string, sp kmsapi.DataKeySpec, bytes *int32, encryption map[string]string, dry bool, operation string) (*kmsapi.GenerateDataKeyResponse, error) {
	size := 0
	switch {
	case sp != "" && bytes != nil || sp == "" && bytes == nil:
		return nil, invalid("Please specify either number of bytes or key spec.")
	case bytes != nil:
		size = int(*bytes)
	case sp == kmsapi.DataKeySpecAes128:
		size = 16
	default:
		size = 32
	}
	key, err := s.use(ctx, keyID, encryptDecrypt, operation)
	if err != nil {
		return nil, err
	}
	if key.Spec != symmetric {
		return nil, &kmsapi.InvalidKeyUsageException{Message: key.ARN() + " key spec is " + key.Spec + " which is not valid for " + operation + "."}
	}
	plain := make([]byte, size)
	rand.Read(plain)
	blob, err := s.encrypt(key, plain, encryption)
	if err == nil {
		err = dryRun(dry)
	}
	if err != nil {
		return nil, err
	}
	return &kmsapi.GenerateDataKeyResponse{CiphertextBlob: blob, Plaintext: plain, KeyId: key.ARN(), KeyMaterialId: materialID(key, blob)}, nil
}

// GenerateDataKey makes a data key and returns it plain and encrypted.
func (s *Service) GenerateDataKey(ctx context.Context, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient")
	}
	return s.dataKey(ctx, in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun, "GenerateDataKey")
}

// GenerateDataKeyWithoutPlaintext makes a data key and returns it encrypted.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *kmsapi.GenerateDataKeyWithoutPlaintextRequest) (*kmsapi.GenerateDataKeyWithoutPlaintextResponse, error) {
	made, err := s.dataKey(ctx, in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun, "GenerateDataKeyWithoutPlaintext")
	if err != nil {
		return nil, err
	}
	return &kmsapi.GenerateDataKeyWithoutPlaintextResponse{CiphertextBlob: made.CiphertextBlob, KeyId: made.KeyId, KeyMaterialId: made.KeyMaterialId}, nil
}

// GenerateRandom returns random bytes.
func (s *Service) GenerateRandom(_ context.Context, in *kmsapi.GenerateRandomRequest) (*kmsapi.GenerateRandomResponse, error) {
	switch {
	case in.Recipient != nil:
		return nil, unsupported("Recipient")
	case in.CustomKeyStoreId != "":
		return nil, unsupported("A custom key store")
	case in.NumberOfBytes == nil:
		return nil, invalid("NumberOfBytes is required.")
	}
	out := make([]byte, wire.Or(in.NumberOfBytes, 0))
	rand.Read(out)
	return &kmsapi.GenerateRandomResponse{Plaintext: out}, nil
}
