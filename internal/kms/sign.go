package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // registers SHA-384 and SHA-512
	"crypto/x509"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// hashOf is the hash at the end of an algorithm's name.
func hashOf(algorithm string) crypto.Hash {
	switch {
	case strings.HasSuffix(algorithm, "SHA_224"):
		return crypto.SHA224
	case strings.HasSuffix(algorithm, "SHA_256"):
		return crypto.SHA256
	case strings.HasSuffix(algorithm, "SHA_384"):
		return crypto.SHA384
	}
	return crypto.SHA512
}

// digest is what is signed: the message's hash, or the message, if it is one already.
func digest(message []byte, kind kmsapi.MessageType, algorithm kmsapi.SigningAlgorithmSpec) ([]byte, error) {
	h := hashOf(string(algorithm))
	switch kind {
	case kmsapi.MessageTypeDigest:
		if len(message) != h.Size() {
			return nil, invalid("Digest is invalid length for algorithm %s.", algorithm)
		}
		return message, nil
	case kmsapi.MessageTypeExternalMu:
		return nil, unsupported("MessageType EXTERNAL_MU")
	}
	sum := h.New()
	sum.Write(message)
	return sum.Sum(nil), nil
}

// signing returns the key for a signature.
func (s *Service) signing(ctx context.Context, keyID string, a kmsapi.SigningAlgorithmSpec, operation string) (*state.KMSKey, crypto.Signer, error) {
	key, err := s.use(ctx, keyID, signVerify, operation)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(specs[key.Spec].sign, a) {
		return nil, nil, &kmsapi.InvalidKeyUsageException{Message: "Algorithm " + string(a) + " is incompatible with key spec " + key.Spec + "."}
	}
	pair, err := s.pair(key)
	return key, pair, err
}

// options are how RSA signs; ECDSA only needs the hash.
func options(a kmsapi.SigningAlgorithmSpec) crypto.SignerOpts {
	if strings.HasPrefix(string(a), "RSASSA_PSS") {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hashOf(string(a))}
	}
	return hashOf(string(a))
}

// Sign signs a message or its digest.
func (s *Service) Sign(ctx context.Context, in *kmsapi.SignRequest) (*kmsapi.SignResponse, error) {
	key, pair, err := s.signing(ctx, in.KeyId, in.SigningAlgorithm, "Sign")
	if err != nil {
		return nil, err
	}
	sum, err := digest(in.Message, in.MessageType, in.SigningAlgorithm)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	signature, err := pair.Sign(rand.Reader, sum, options(in.SigningAlgorithm))
	if err != nil {
		return nil, err
	}
	return &kmsapi.SignResponse{KeyId: key.ARN(), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// Verify checks a signature.
func (s *Service) Verify(ctx context.Context, in *kmsapi.VerifyRequest) (*kmsapi.VerifyResponse, error) {
	key, pair, err := s.signing(ctx, in.KeyId, in.SigningAlgorithm, "Verify")
	if err != nil {
		return nil, err
	}
	sum, err := digest(in.Message, in.MessageType, in.SigningAlgorithm)
	if err != nil {
		return nil, err
	}
	if !verifies(pair.Public(), sum, in.Signature, in.SigningAlgorithm) {
		return nil, &kmsapi.KMSInvalidSignatureException{}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kmsapi.VerifyResponse{KeyId: key.ARN(), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func verifies(public crypto.PublicKey, sum, signature []byte, a kmsapi.SigningAlgorithmSpec) bool {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, sum, signature)
	case *rsa.PublicKey:
		if pss, ok := options(a).(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(p, pss.Hash, sum, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(p, hashOf(string(a)), sum, signature) == nil
	}
	return false
}

// GetPublicKey returns the public half of a key pair.
func (s *Service) GetPublicKey(ctx context.Context, in *kmsapi.GetPublicKeyRequest) (*kmsapi.GetPublicKeyResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	if specs[key.Spec].secret > 0 {
		return nil, &kmsapi.UnsupportedOperationException{Message: key.ARN() + " is not an asymmetric key."}
	}
	if err := usable(key); err != nil {
		return nil, err
	}
	pair, err := s.pair(key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pair.Public())
	if err != nil {
		return nil, err
	}
	m := metadata(key)
	return &kmsapi.GetPublicKeyResponse{KeyId: key.ARN(), PublicKey: der, KeySpec: m.KeySpec, CustomerMasterKeySpec: m.CustomerMasterKeySpec, KeyUsage: m.KeyUsage,
		EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms}, nil
}

// mac computes the MAC of a message with an HMAC key.
func (s *Service) mac(ctx context.Context, keyID string, a kmsapi.MacAlgorithmSpec, message []byte, operation string) (*state.KMSKey, []byte, error) {
	key, err := s.use(ctx, keyID, macUsage, operation)
	if err != nil {
		return nil, nil, err
	}
	if specs[key.Spec].mac != a {
		return nil, nil, &kmsapi.InvalidKeyUsageException{Message: "Algorithm " + string(a) + " is incompatible with key spec " + key.Spec + "."}
	}
	secret, err := s.material(key, 0)
	if err != nil {
		return nil, nil, err
	}
	sum := hmac.New(hashOf(string(a)).New, secret)
	sum.Write(message)
	return key, sum.Sum(nil), nil
}

// GenerateMac authenticates a message.
func (s *Service) GenerateMac(ctx context.Context, in *kmsapi.GenerateMacRequest) (*kmsapi.GenerateMacResponse, error) {
	key, sum, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, "GenerateMac")
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &kmsapi.GenerateMacResponse{Mac: sum, MacAlgorithm: in.MacAlgorithm, KeyId: key.ARN()}, nil
}

// VerifyMac checks a MAC.
func (s *Service) VerifyMac(ctx context.Context, in *kmsapi.VerifyMacRequest) (*kmsapi.VerifyMacResponse, error) {
	key, sum, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, "VerifyMac")
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(sum, in.Mac) {
		return nil, &kmsapi.KMSInvalidMacException{}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kmsapi.VerifyMacResponse{KeyId: key.ARN(), MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}
