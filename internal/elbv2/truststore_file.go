package elbv2

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// file is an object of S3 that a trust store is made of.
type file struct{ bucket, key, version string }

func (f file) String() string { return "s3://" + f.bucket + "/" + f.key }

// maxFile bounds what is read of a file: the longest list of revoked certificates.
const maxFile = 64 << 20

// errNoFile is an object that is not there, or that the caller may not read.
var errNoFile = errors.New("the object cannot be read")

// read reads a file as the caller, whose own permissions count.
func (s *Service) read(ctx context.Context, f file) ([]byte, error) {
	id := caller.From(ctx)
	id.ViaService = principal
	out, err := s.Plane.S3.GetObject(caller.With(ctx, id), &s3api.GetObjectRequest{Bucket: f.bucket, Key: f.key, VersionId: f.version})
	var known wire.Error
	switch {
	case errors.As(err, &known) && known.HTTPStatus()/100 == 4:
		return nil, errNoFile
	case err != nil:
		return nil, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(io.LimitReader(out.Body, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = errors.New("the object is longer than 64 MiB")
	}
	return content, err
}

// authorities reads the certificates of authorities out of a file of PEM blocks.
// Rehearsals, which have no S3, take any file.
func (s *Service) authorities(ctx context.Context, f file) ([][]byte, error) {
	if s.Plane == nil {
		return nil, nil
	}
	content, err := s.read(ctx, f)
	if errors.Is(err, errNoFile) {
		return nil, &elbv2api.CaCertificatesBundleNotFoundException{Message: "The CA certificates bundle '" + f.String() + "' could not be found"}
	}
	if err != nil {
		return nil, err
	}
	wrong := func(why string) error {
		return &elbv2api.InvalidCaCertificatesBundleException{Message: "The CA certificates bundle '" + f.String() + "' is not valid: " + why}
	}
	var out [][]byte
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case block.Type != "CERTIFICATE":
			return nil, wrong("it has a block of the type " + block.Type)
		case err != nil:
			return nil, wrong("a certificate cannot be parsed")
		case !c.IsCA:
			return nil, wrong("the certificate of " + c.Subject.String() + " is not an authority's")
		}
		out = append(out, block.Bytes)
	}
	switch {
	case len(out) == 0:
		return nil, wrong("it has no certificates")
	case len(out) > maxAuthorities:
		return nil, wrong("it has more than 25 certificates")
	}
	return out, nil
}

// revocations reads a list of revoked certificates, PEM or DER.
func (s *Service) revocations(ctx context.Context, f file) (*x509.RevocationList, error) {
	content, err := s.read(ctx, f)
	if errors.Is(err, errNoFile) {
		return nil, &elbv2api.RevocationContentNotFoundException{Message: "The revocation content '" + f.String() + "' could not be found"}
	}
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(content); block != nil {
		content = block.Bytes
	}
	list, err := x509.ParseRevocationList(content)
	if err != nil {
		return nil, &elbv2api.InvalidRevocationContentException{Message: "The revocation content '" + f.String() + "' is not a valid CRL"}
	}
	return list, nil
}
