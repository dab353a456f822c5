package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// A symmetric ciphertext is: the version, the key's id (16 bytes), which of its
// materials (4 bytes), nonce and AES-256-GCM ciphertext. Everything before the
// nonce and the encryption context are authenticated with it.
const (
	blobVersion = 1
	headerSize  = 1 + 16 + 4
)

var errCiphertext = errors.New("not a ciphertext of ours, or changed")

// header is the start of the ciphertexts of a key's material.
func header(key *state.KMSKey, material int) []byte {
	raw, err := hex.DecodeString(strings.ReplaceAll(key.ID, "-", ""))
	if err != nil {
		return nil // ids are UUIDs
	}
	return binary.BigEndian.AppendUint32(append([]byte{blobVersion}, raw...), uint32(material))
}

// keyOf reads which key a ciphertext names; nothing is proven by it.
func keyOf(blob []byte) (id string, material int, ok bool) {
	if len(blob) <= headerSize || blob[0] != blobVersion {
		return "", 0, false
	}
	h := hex.EncodeToString(blob[1:17])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], int(binary.BigEndian.Uint32(blob[17:headerSize])), true
}

// bound is what a ciphertext is bound to: its header, the key's ARN and the
// encryption context, in one unambiguous form.
func bound(head []byte, key *state.KMSKey, context map[string]string) []byte {
	out := slices.Clone(head)
	add := func(s string) { out = append(binary.BigEndian.AppendUint32(out, uint32(len(s))), s...) }
	add(key.ARN())
	for _, name := range slices.Sorted(maps.Keys(context)) {
		add(name)
		add(context[name])
	}
	return out
}

func gcm(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// encrypt encrypts under the key's newest material.
func (s *Service) encrypt(key *state.KMSKey, plaintext []byte, context map[string]string) ([]byte, error) {
	secret, err := s.material(key, len(key.Material)-1)
	if err != nil {
		return nil, err
	}
	aead, err := gcm(secret)
	if err != nil {
		return nil, err
	}
	head := header(key, len(key.Material)-1)
	return aead.Seal(slices.Clone(head), nil, plaintext, bound(head, key, context)), nil
}

// decrypt opens what encrypt made, under whichever material it was.
func (s *Service) decrypt(key *state.KMSKey, blob []byte, context map[string]string) ([]byte, error) {
	_, n, ok := keyOf(blob)
	if !ok || n >= len(key.Material) {
		return nil, errCiphertext
	}
	secret, err := s.material(key, n)
	if err != nil {
		return nil, err
	}
	aead, err := gcm(secret)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, blob[headerSize:], bound(blob[:headerSize], key, context))
	if err != nil {
		return nil, errCiphertext
	}
	return plain, nil
}
