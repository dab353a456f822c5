// Package seal encrypts and authenticates small secrets at rest under keys that
// are derived from the instance's key: access keys, session tokens, and the key
// material of KMS, under which everything else is encrypted. It imports nothing
// of ours.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// Sealer encrypts and authenticates small secrets at rest. purpose binds what
// is sealed to its use: it has to be the same to open it.
type Sealer interface {
	Seal(plain []byte, purpose string) []byte
	Open(sealed []byte, purpose string) ([]byte, error)
}

// ErrSealed means that something was not sealed by us, or was changed.
var ErrSealed = errors.New("not sealed with this instance's key")

// New returns the Sealer of an instance key (32 bytes): AES-256-GCM with
// random nonces under a key derived from it.
func New(key [32]byte) (Sealer, error) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, "neargate access", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return sealer{aead}, nil
}

// Temporary returns a Sealer with a random key that is gone with the
// process: for tests.
func Temporary() Sealer {
	var key [32]byte
	rand.Read(key[:])
	s, err := New(key)
	if err != nil {
		panic(err) // AES with 32 bytes cannot fail
	}
	return s
}

type sealer struct{ aead cipher.AEAD }

func (s sealer) Seal(plain []byte, purpose string) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(purpose))
}

func (s sealer) Open(sealed []byte, purpose string) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
