// Package envelope encrypts values for services under keys of KMS, as AWS's
// services do: a data key per value, which KMS makes and opens on behalf of the
// service's caller. So the caller's permission on the key, the key's policy and
// state, and the encryption context all decide, and every use is a call of KMS.
package envelope

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Keys encrypts for one service.
type Keys struct {
	kms     kmsapi.API
	service string // secretsmanager.amazonaws.com
}

// New returns the Keys of a service, by its principal's name.
func New(kms kmsapi.API, service string) *Keys { return &Keys{kms: kms, service: service} }

// as is the caller in ctx, through the service.
func (k *Keys) as(ctx context.Context) context.Context {
	id := caller.From(ctx)
	id.ViaService = k.service
	return caller.With(ctx, id)
}

// ErrChanged means that a value was changed at rest.
var ErrChanged = errors.New("the encrypted value was changed")

// Seal encrypts a value under a new data key of a key of KMS (id, ARN or alias).
// Errors are those of kms:GenerateDataKey.
func (k *Keys) Seal(ctx context.Context, keyID string, bound map[string]string, plain []byte) (state.Envelope, error) {
	key, err := k.kms.GenerateDataKey(k.as(ctx), &kmsapi.GenerateDataKeyRequest{KeyId: keyID, KeySpec: kmsapi.DataKeySpecAes256, EncryptionContext: bound})
	if err != nil {
		return state.Envelope{}, err
	}
	aead, err := gcm(key.Plaintext)
	if err != nil {
		return state.Envelope{}, err
	}
	return state.Envelope{KeyARN: key.KeyId, DataKey: key.CiphertextBlob, Sealed: aead.Seal(nil, nil, plain, nil)}, nil
}

// Open decrypts what Seal or Encrypt made. Errors are those of kms:Decrypt, and ErrChanged.
func (k *Keys) Open(ctx context.Context, e state.Envelope, bound map[string]string) ([]byte, error) {
	blob := e.DataKey
	if blob == nil {
		blob = e.Sealed
	}
	out, err := k.kms.Decrypt(k.as(ctx), &kmsapi.DecryptRequest{CiphertextBlob: blob, KeyId: e.KeyARN, EncryptionContext: bound})
	if err != nil || e.DataKey == nil {
		return plaintext(out), err
	}
	aead, err := gcm(out.Plaintext)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, e.Sealed, nil)
	if err != nil {
		return nil, ErrChanged
	}
	return plain, nil
}

// Encrypt encrypts a value of up to 4096 bytes by KMS itself, without a data key.
// Errors are those of kms:Encrypt.
func (k *Keys) Encrypt(ctx context.Context, keyID string, bound map[string]string, plain []byte) (state.Envelope, error) {
	out, err := k.kms.Encrypt(k.as(ctx), &kmsapi.EncryptRequest{KeyId: keyID, Plaintext: plain, EncryptionContext: bound})
	if err != nil {
		return state.Envelope{}, err
	}
	return state.Envelope{KeyARN: out.KeyId, Sealed: out.CiphertextBlob}, nil
}

func plaintext(out *kmsapi.DecryptResponse) []byte {
	if out == nil {
		return nil
	}
	return out.Plaintext
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
