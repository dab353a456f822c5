package acm

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// opened is a certificate with its key, as it is in a record.
type opened struct {
	record      *state.Certificate
	certificate *tls.Certificate
}

// TLS returns a certificate by its ARN, with its chain and private key, as it is
// now: after a renewal or a new import the next call returns the new one. What
// was opened before is kept, so asking for each handshake is cheap.
func (s *Service) TLS(certificateARN string) (*tls.Certificate, error) {
	a, err := arn.Parse(certificateARN)
	if err != nil {
		return nil, err
	}
	key := state.Key(a.Account, a.Region, strings.TrimPrefix(a.Resource, "certificate/"))
	c, ok := state.Certificates.Get(s.DB.Read(), key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok {
		delete(s.opened, key)
		return nil, fmt.Errorf("no certificate %s", certificateARN)
	}
	if have, ok := s.opened[key]; ok && have.record == c {
		return have.certificate, nil
	}
	certificate, err := s.open(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certificateARN, err)
	}
	s.opened[key] = opened{c, certificate}
	return certificate, nil
}

func (s *Service) open(c *state.Certificate) (*tls.Certificate, error) {
	der, err := s.Sealer.Open(c.SealedKey, keyPurpose(c))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	out := &tls.Certificate{PrivateKey: key}
	for rest := []byte(c.Body + "\n" + c.Chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		out.Certificate = append(out.Certificate, block.Bytes)
	}
	out.Leaf, err = x509.ParseCertificate(out.Certificate[0])
	return out, err
}
