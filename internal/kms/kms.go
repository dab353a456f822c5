// Package kms encrypts the values of secrets and parameters at rest under the
// installation's local key, in the place that the AWS-managed keys of AWS KMS
// have (aws/secretsmanager, aws/ssm). Each account has a key of its own, derived
// from the local one; a value is bound to what it belongs to by its context, as
// by KMS's encryption context, and does not open elsewhere.
//
// It imports nothing of ours. The services secretsmanager and ssm use it.
package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
)

// Keys seals and opens values.
type Keys struct {
	root []byte

	mu       sync.Mutex
	accounts map[string]cipher.AEAD
}

// New returns keys derived from the local key: 32 secret bytes that outlive a restart.
func New(local []byte) (*Keys, error) {
	if len(local) != 32 {
		return nil, errors.New("the local key must have 32 bytes")
	}
	root, err := hkdf.Key(sha256.New, local, nil, "neargate kms", 32)
	if err != nil {
		return nil, err
	}
	return &Keys{root: root, accounts: map[string]cipher.AEAD{}}, nil
}

// version is the first byte of every sealed value.
const version = 1

// ErrNotOurs is returned for a sealed value that was not made for this account
// and context, or was changed.
var ErrNotOurs = errors.New("the ciphertext was not made here, or was changed")

// Seal encrypts a value of an account. The context (for example an ARN with a
// version) is not secret and not part of the result; Open needs the same.
func (k *Keys) Seal(account, context string, plaintext []byte) ([]byte, error) {
	aead, err := k.account(account)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plaintext)+aead.Overhead())
	out[0] = version
	rand.Read(out[1:])
	return aead.Seal(out, out[1:], plaintext, []byte(context)), nil
}

// Open decrypts what Seal made.
func (k *Keys) Open(account, context string, sealed []byte) ([]byte, error) {
	aead, err := k.account(account)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1+aead.NonceSize() || sealed[0] != version {
		return nil, ErrNotOurs
	}
	plaintext, err := aead.Open(nil, sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():], []byte(context))
	if err != nil {
		return nil, ErrNotOurs
	}
	return plaintext, nil
}

// account is the cipher of an account.
func (k *Keys) account(account string) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if aead := k.accounts[account]; aead != nil {
		return aead, nil
	}
	key, err := hkdf.Key(sha256.New, k.root, nil, "account "+account, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	k.accounts[account] = aead
	return aead, nil
}
