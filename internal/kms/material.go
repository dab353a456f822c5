package kms

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// Usages and the common spec, as records have them.
const (
	encryptDecrypt = string(kmsapi.KeyUsageTypeEncryptDecrypt)
	signVerify     = string(kmsapi.KeyUsageTypeSignVerify)
	macUsage       = string(kmsapi.KeyUsageTypeGenerateVerifyMac)
	symmetric      = string(kmsapi.KeySpecSymmetricDefault)
)

// spec is a kind of key that we carry out.
type spec struct {
	rsa    int            // bits
	curve  elliptic.Curve // of ECDSA
	secret int            // bytes of a symmetric key
	usages []string       // the first is the only one, but for RSA
	sign   []kmsapi.SigningAlgorithmSpec
	mac    kmsapi.MacAlgorithmSpec
}

var rsaSigning = []kmsapi.SigningAlgorithmSpec{
	kmsapi.SigningAlgorithmSpecRsassaPkcs1V15Sha256, kmsapi.SigningAlgorithmSpecRsassaPkcs1V15Sha384, kmsapi.SigningAlgorithmSpecRsassaPkcs1V15Sha512,
	kmsapi.SigningAlgorithmSpecRsassaPssSha256, kmsapi.SigningAlgorithmSpecRsassaPssSha384, kmsapi.SigningAlgorithmSpecRsassaPssSha512,
}

func ecc(curve elliptic.Curve, algorithm kmsapi.SigningAlgorithmSpec) spec {
	return spec{curve: curve, usages: []string{signVerify}, sign: []kmsapi.SigningAlgorithmSpec{algorithm}}
}

func hmacSpec(bytes int, algorithm kmsapi.MacAlgorithmSpec) spec {
	return spec{secret: bytes, usages: []string{macUsage}, mac: algorithm}
}

var specs = map[string]spec{
	symmetric:       {secret: 32, usages: []string{encryptDecrypt}},
	"RSA_2048":      {rsa: 2048, usages: []string{signVerify, encryptDecrypt}, sign: rsaSigning},
	"RSA_3072":      {rsa: 3072, usages: []string{signVerify, encryptDecrypt}, sign: rsaSigning},
	"RSA_4096":      {rsa: 4096, usages: []string{signVerify, encryptDecrypt}, sign: rsaSigning},
	"ECC_NIST_P256": ecc(elliptic.P256(), kmsapi.SigningAlgorithmSpecEcdsaSha256),
	"ECC_NIST_P384": ecc(elliptic.P384(), kmsapi.SigningAlgorithmSpecEcdsaSha384),
	"ECC_NIST_P521": ecc(elliptic.P521(), kmsapi.SigningAlgorithmSpecEcdsaSha512),
	"HMAC_224":      hmacSpec(28, kmsapi.MacAlgorithmSpecHmacSha224),
	"HMAC_256":      hmacSpec(32, kmsapi.MacAlgorithmSpecHmacSha256),
	"HMAC_384":      hmacSpec(48, kmsapi.MacAlgorithmSpecHmacSha384),
	"HMAC_512":      hmacSpec(64, kmsapi.MacAlgorithmSpecHmacSha512),
}

// generate makes the secret of a key: PKCS #8 for key pairs, else random bytes.
func (s spec) generate() ([]byte, error) {
	switch {
	case s.rsa > 0:
		pair, err := rsa.GenerateKey(rand.Reader, s.rsa)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(pair)
	case s.curve != nil:
		pair, err := ecdsa.GenerateKey(s.curve, rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(pair)
	}
	secret := make([]byte, s.secret)
	rand.Read(secret)
	return secret, nil
}

// materialPurpose binds sealed material to its key.
func materialPurpose(key *state.KMSKey, id string) string { return "kms " + key.ARN() + " " + id }

// rotate gives the key new material; the older stays for what it encrypted.
func (s *Service) rotate(key *state.KMSKey, kind string) error {
	secret, err := specs[key.Spec].generate()
	if err != nil {
		return err
	}
	m := state.KMSMaterial{ID: ids.Hex(64), CreatedAt: s.now(), Rotation: kind}
	m.Sealed = s.seal.Seal(secret, materialPurpose(key, m.ID))
	key.Material = append(key.Material[:len(key.Material):len(key.Material)], m)
	if kind == "AUTOMATIC" {
		key.RotateFrom = m.CreatedAt
	}
	return nil
}

// material opens one of the key's secrets.
func (s *Service) material(key *state.KMSKey, n int) ([]byte, error) {
	m := &key.Material[n]
	return s.seal.Open(m.Sealed, materialPurpose(key, m.ID))
}

// nextRotation is when automatic rotation is due; zero without.
func nextRotation(key *state.KMSKey) time.Time {
	if key.RotationDays == 0 {
		return time.Time{}
	}
	return key.RotateFrom.Add(time.Duration(key.RotationDays) * 24 * time.Hour)
}

func rotationDue(key *state.KMSKey, now time.Time) bool {
	next := nextRotation(key)
	return !next.IsZero() && !next.After(now) && keyState(key) == kmsapi.KeyStateEnabled
}
