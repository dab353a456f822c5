package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
)

// inflated is the body as the client had it before it compressed it: SDKs do so with
// long requests of CloudWatch. The signature is of the compressed body. limit bounds
// what comes out, too.
func (req *request) inflated(limit int64) ([]byte, error) {
	if !strings.EqualFold(req.r.Header.Get("Content-Encoding"), "gzip") || len(req.body) == 0 {
		return req.body, nil
	}
	malformed := wire.NewError("MalformedInput", 400, "The request body is not valid gzip")
	r, err := gzip.NewReader(bytes.NewReader(req.body))
	if err != nil {
		return nil, malformed
	}
	var b bytes.Buffer
	switch n, err := io.Copy(&b, io.LimitReader(r, limit+1)); {
	case err != nil:
		return nil, malformed
	case n > limit:
		return nil, wire.NewError("RequestEntityTooLarge", 413, "Request size exceeded %d bytes", limit)
	}
	return b.Bytes(), nil
}
