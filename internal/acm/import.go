package acm

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// ImportCertificate takes a certificate that somebody else issued, or replaces
// an imported one under its ARN.
func (s *Service) ImportCertificate(ctx context.Context, in *acmapi.ImportCertificateRequest) (*acmapi.ImportCertificateResponse, error) {
	id := caller.From(ctx)
	leaf, key, err := readImport(in, s.now())
	if err != nil {
		return nil, err
	}
	c := &state.Certificate{Account: id.Account, Region: id.Region, ID: ids.UUID(), CreatedAt: s.now()}
	if in.CertificateArn != "" {
		if len(in.Tags) > 0 {
			return nil, invalid("Tagging is not permitted on re-import.")
		}
		old, err := s.find(s.DB.Read(), id, in.CertificateArn)
		if err != nil {
			return nil, err
		}
		c.ID = old.ID
	} else if c.Tags, err = putTags(ctx, nil, in.Tags); err != nil {
		return nil, err
	}
	fill(c, leaf, in)
	c.IssuedAt = s.now()
	if err := s.keep(c, key); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if in.CertificateArn == "" {
			if err := underQuota(tx, id); err != nil {
				return err
			}
			state.Certificates.Put(tx, c)
			return nil
		}
		old, err := s.find(tx, id, in.CertificateArn)
		if err != nil {
			return err
		}
		if !old.Imported {
			return invalid("The certificate " + in.CertificateArn + " is not an imported certificate.")
		}
		c.CreatedAt, c.Tags = old.CreatedAt, old.Tags
		state.Certificates.Put(tx, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &acmapi.ImportCertificateResponse{CertificateArn: c.ARN()}, nil
}

// fill sets what a record takes from the certificate itself.
func fill(c *state.Certificate, leaf *x509.Certificate, in *acmapi.ImportCertificateRequest) {
	c.Imported, c.NoLogging = true, true
	c.Names = append(c.Names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	c.DomainName = leaf.Subject.CommonName
	if c.DomainName == "" && len(c.Names) > 0 {
		c.DomainName = c.Names[0]
	}
	c.KeyAlgorithm = string(algorithmOf(leaf.PublicKey))
	c.NotBefore, c.NotAfter = leaf.NotBefore, leaf.NotAfter
	c.Body, c.Chain = strings.TrimSpace(string(in.Certificate))+"\n", ""
	if len(in.CertificateChain) > 0 {
		c.Chain = strings.TrimSpace(string(in.CertificateChain)) + "\n"
	}
}

// readImport checks certificate, key and chain by AWS's rules, pure.
func readImport(in *acmapi.ImportCertificateRequest, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	certificates, err := readPEM(in.Certificate)
	if err != nil || len(certificates) == 0 {
		return nil, nil, invalid("The certificate body/chain provided is not in a valid PEM format, InternalFailure, or Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if len(certificates) > 1 {
		return nil, nil, invalid("The certificate field contains more than one certificate. You can specify only one certificate in this field.")
	}
	leaf := certificates[0]
	key, err := readKey(in.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case leaf.Version != 3:
		return nil, nil, invalid("The certificate is not a valid X.509 version 3 certificate.")
	case algorithmOf(leaf.PublicKey) == "":
		return nil, nil, invalid("The private key length is not supported for key algorithm.")
	case !samePublic(leaf.PublicKey, key.Public()):
		return nil, nil, invalid("The private key does not match the certificate.")
	case now.Before(leaf.NotBefore):
		return nil, nil, invalid("The certificate is not valid until " + leaf.NotBefore.UTC().Format(time.RFC3339) + ".")
	case now.After(leaf.NotAfter):
		return nil, nil, invalid("The certificate has expired.")
	}
	return leaf, key, checkChain(leaf, in.CertificateChain)
}

// checkChain wants a self-signed certificate, or the chain to its issuer, in which
// each certificate signs the one before it.
func checkChain(leaf *x509.Certificate, chain []byte) error {
	if len(chain) == 0 {
		if bytes.Equal(leaf.RawIssuer, leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
			return nil
		}
		return invalid("Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain.")
	}
	links, err := readPEM(chain)
	if err != nil || len(links) == 0 {
		return invalid("The certificate chain provided is not in a valid PEM format.")
	}
	signed := leaf
	for n, link := range links {
		if !bytes.Equal(signed.RawIssuer, link.RawSubject) || link.CheckSignature(signed.SignatureAlgorithm, signed.RawTBSCertificate, signed.Signature) != nil {
			return invalid(fmt.Sprintf("Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: %d", n))
		}
		signed = link
	}
	return nil
}

// readPEM reads a text that has nothing but certificates.
func readPEM(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	rest := bytes.TrimSpace(text)
	for len(rest) > 0 {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("not a certificate in PEM form")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		rest = bytes.TrimSpace(rest)
	}
	return out, nil
}

// readKey reads an unencrypted key of PKCS #8, PKCS #1 or SEC 1.
func readKey(text []byte) (crypto.Signer, error) {
	unsupported := invalid("The private key is not supported.")
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, unsupported
		}
		var key any
		var err error
		switch block.Type {
		case "EC PARAMETERS":
			continue // openssl puts them before the key
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			return nil, unsupported
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, unsupported
		}
		return signer, nil
	}
}

// algorithmOf names a public key's algorithm; "" for one that ACM does not take.
func algorithmOf(public crypto.PublicKey) acmapi.KeyAlgorithm {
	name := ""
	switch public := public.(type) {
	case *rsa.PublicKey:
		name = fmt.Sprintf("RSA_%d", public.N.BitLen())
	case *ecdsa.PublicKey:
		name = map[string]string{"P-256": "EC_prime256v1", "P-384": "EC_secp384r1", "P-521": "EC_secp521r1"}[public.Params().Name]
	}
	switch a := acmapi.KeyAlgorithm(name); a {
	case acmapi.KeyAlgorithmRsa1024, acmapi.KeyAlgorithmRsa2048, acmapi.KeyAlgorithmRsa3072, acmapi.KeyAlgorithmRsa4096,
		acmapi.KeyAlgorithmEcPrime256v1, acmapi.KeyAlgorithmEcSecp384r1, acmapi.KeyAlgorithmEcSecp521r1:
		return a
	}
	return ""
}

func samePublic(a, b crypto.PublicKey) bool {
	equal, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && equal.Equal(b)
}
