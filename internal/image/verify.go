package image

import (
	"bytes"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
)

// verifier gives an error in place of the end of a blob that is not what its
// digest says.
type verifier struct {
	io.ReadCloser
	want digest.Digest
	sum  digest.Verifier
}

func newVerifier(content []byte, want digest.Digest) io.Reader {
	return &verifier{ReadCloser: io.NopCloser(bytes.NewReader(content)), want: want, sum: want.Verifier()}
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF && !v.sum.Verified() {
		return n, fmt.Errorf("%w: blob %s has other content than its digest says", ErrFormat, v.want)
	}
	return n, err
}
