package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// caValidity is how long the authority itself is good for.
const caValidity = 10 * 365 * 24 * time.Hour

// Authority is a local certificate authority. Its methods may be called from
// several goroutines.
type Authority struct {
	cert *x509.Certificate
	pem  []byte
	key  *ecdsa.PrivateKey
	now  func() time.Time

	mu     sync.Mutex
	leaves map[string]*leaf // guarded by mu; by the names joined with a space
}

// Open reads the authority in dir, and creates it on the first call. A key
// without a certificate (a crash between the two) gets a new certificate.
func Open(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	key, err := openKey(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, err
	}
	raw, err := openCertificate(filepath.Join(dir, "ca.crt"), key)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(dir, "ca.crt"))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%s: certificate and key do not belong together", dir)
	}
	return &Authority{
		cert: cert, key: key, now: time.Now, leaves: map[string]*leaf{},
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
	}, nil
}

// PEM is the authority's certificate, for clients that take a CA file.
func (a *Authority) PEM() []byte { return append([]byte(nil), a.pem...) }

// ID tells this authority from those of other instances on the same machine:
// 8 hex digits of its certificate's fingerprint.
func (a *Authority) ID() string {
	sum := sha256.Sum256(a.cert.Raw)
	return hex.EncodeToString(sum[:4])
}

func openKey(path string) (*ecdsa.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = newKey(); err != nil {
			return nil, err
		}
		raw, err = createOnce(path, raw, 0o600)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func openCertificate(path string, key *ecdsa.PrivateKey) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return raw, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		// The serial makes the subject unique: trust stores look authorities up
		// by subject, and two instances must not hide each other.
		Subject:               pkix.Name{CommonName: "Neargate local CA " + serial.Text(16)[:8], Organization: []string{"Neargate"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(caValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return createOnce(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// newSerial returns 127 random bits with the top one set, so that every serial
// has the same length.
func newSerial() (*big.Int, error) {
	limit := new(big.Int).Lsh(big.NewInt(1), 126)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return nil, err
	}
	return n.Add(n, limit), nil
}

// createOnce writes a file whole or not at all, and returns what is there
// afterwards: of two processes that create it at once one wins for both.
func createOnce(path string, data []byte, mode fs.FileMode) ([]byte, error) {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// writeTemp writes data to a new, synced file beside path.
func writeTemp(path string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
