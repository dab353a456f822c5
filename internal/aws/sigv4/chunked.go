package sigv4

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxLine bounds a chunk header or a trailer line, maxTrailers their number.
const (
	maxLine     = 4096
	maxTrailers = 8
)

// chunkedReader decodes aws-chunked:
//
//	SIZE[;chunk-signature=SIG] CRLF data CRLF ... 0[;chunk-signature=SIG] CRLF [name:value CRLF ...] CRLF
//
// Each signature covers the one before it, so chunks cannot be dropped, doubled
// or moved.
type chunkedReader struct {
	src  *bufio.Reader
	body io.Closer
	err  error

	signed   bool
	key      []byte
	prefix   string    // time and scope, as every string to sign has them
	previous string    // signature before the one that comes next
	sum      hash.Hash // digest of the current chunk

	open   bool   // inside a chunk's data
	expect string // signature of the current chunk
	chunk  int64  // bytes left in it
	left   int64  // bytes left of the announced content

	trailers bool // a trailer section follows the last chunk
	trailer  http.Header
	checks   []trailerChecksum
}

// trailerChecksum is a checksum announced in X-Amz-Trailer.
type trailerChecksum struct {
	header    string
	algorithm string
	hash      hash.Hash
}

const checksumPrefix = "x-amz-checksum-"

// announce reads X-Amz-Trailer.
func (c *chunkedReader) announce(values []string) error {
	for _, v := range values {
		for name := range strings.SplitSeq(v, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			algorithm, ok := strings.CutPrefix(name, checksumPrefix)
			if !ok {
				return errorf(BadChecksum, "The value specified in the x-amz-trailer header is not supported")
			}
			h, ok := NewChecksum(algorithm)
			if !ok || len(c.checks) == maxTrailers {
				return errorf(BadChecksum, "The value specified in the x-amz-trailer header is not supported")
			}
			c.checks = append(c.checks, trailerChecksum{http.CanonicalHeaderKey(name), strings.ToUpper(algorithm), h})
		}
	}
	return nil
}

func (c *chunkedReader) Close() error { return c.body.Close() }

func (c *chunkedReader) Read(p []byte) (int, error) {
	if len(p) == 0 || c.err != nil {
		return 0, c.err
	}
	for !c.open {
		last, err := c.next()
		if err == nil && last {
			err = c.finish()
		}
		if err != nil {
			c.err = err
			return 0, err
		}
	}
	if int64(len(p)) > c.chunk {
		p = p[:c.chunk]
	}
	n, err := c.src.Read(p)
	c.take(p[:n])
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		c.err = errShortBody()
	case err != nil:
		c.err = err
	case c.chunk == 0:
		c.err = c.closeChunk()
	}
	return n, c.err
}

func (c *chunkedReader) take(data []byte) {
	c.chunk -= int64(len(data))
	c.left -= int64(len(data))
	if c.signed {
		c.sum.Write(data)
	}
	for _, check := range c.checks {
		check.hash.Write(data)
	}
}

// next reads a chunk header. The last chunk has no data.
func (c *chunkedReader) next() (last bool, err error) {
	line, err := c.line()
	if err != nil {
		return false, err
	}
	text, extension, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(strings.TrimSpace(text), 16, 62)
	if err != nil {
		return false, errorf(BadChunk, "Only the last chunk is allowed to have a size less than 8192 bytes: the chunk size '%s' is not valid", clip(text))
	}
	if c.signed {
		var ok bool
		if c.expect, ok = strings.CutPrefix(strings.TrimSpace(extension), "chunk-signature="); !ok {
			return false, errorf(BadChunk, "The chunk has no chunk-signature")
		}
	}
	if int64(size) > c.left {
		return false, errShortBody()
	}
	c.chunk = int64(size)
	if size == 0 {
		return true, c.checkChunk()
	}
	c.open = true
	c.sum.Reset()
	return false, nil
}

// closeChunk reads the line end after a chunk's data and checks its signature.
func (c *chunkedReader) closeChunk() error {
	c.open = false
	if line, err := c.line(); err != nil {
		return err
	} else if line != "" {
		return errorf(BadChunk, "The chunk is longer than its size")
	}
	return c.checkChunk()
}

func (c *chunkedReader) checkChunk() error {
	if !c.signed {
		return nil
	}
	digest := hex.EncodeToString(c.sum.Sum(nil)) // of nothing for the last chunk
	text := Algorithm + "-PAYLOAD\n" + c.prefix + c.previous + "\n" + emptySHA256 + "\n" + digest
	c.sum.Reset()
	return c.checkSignature(c.expect, text)
}

func (c *chunkedReader) checkSignature(given, text string) error {
	want := mac(c.key, text)
	if !equalHex(given, want) {
		return errorf(Mismatch, mismatchText)
	}
	c.previous = given
	return nil
}

// finish reads what follows the last chunk and answers io.EOF when all is well.
func (c *chunkedReader) finish() error {
	if c.left != 0 {
		return errShortBody()
	}
	if !c.trailers {
		// The framing ends with one empty line; some clients leave it out.
		if line, err := c.line(); err == nil && line != "" {
			return errorf(BadChunk, "Data follows the last chunk")
		}
		return c.end()
	}
	if err := c.readTrailers(); err != nil {
		return err
	}
	for _, check := range c.checks {
		given, err := base64.StdEncoding.DecodeString(c.trailer.Get(check.header))
		if err != nil || len(given) != check.hash.Size() {
			return errorf(BadChecksum, "Value for %s trailing header is invalid.", strings.ToLower(check.header))
		}
		if !bytes.Equal(given, check.hash.Sum(nil)) {
			return errorf(BadChecksum, "The %s you specified did not match the calculated checksum.", check.algorithm)
		}
	}
	return c.end()
}

func (c *chunkedReader) end() error {
	if _, err := c.src.ReadByte(); err != io.EOF {
		return errorf(BadChunk, "Data follows the end of the content")
	}
	return io.EOF
}

func (c *chunkedReader) readTrailers() error {
	var canonical strings.Builder
	var signature string
	for n := 0; ; n++ {
		line, err := c.line()
		if err != nil && n == 0 {
			return err
		}
		if err != nil || line == "" && (signature != "" || !c.signed) {
			break
		}
		if line == "" { // an empty line may stand before the signature
			continue
		}
		if n > 2*maxTrailers {
			return errorf(BadChunk, "Too many trailing headers")
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || name == "" {
			return errorf(BadChunk, "A trailing header is malformed")
		}
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		if !c.announced(name) || c.trailer.Get(name) != "" {
			return errorf(BadChunk, "The trailing header '%s' was not announced in x-amz-trailer", clip(name))
		}
		c.trailer.Set(name, value)
		canonical.WriteString(name + ":" + value + "\n")
	}
	if !c.signed {
		return nil
	}
	return c.checkSignature(signature, Algorithm+"-TRAILER\n"+c.prefix+c.previous+"\n"+sha256Hex([]byte(canonical.String())))
}

func (c *chunkedReader) announced(name string) bool {
	for _, check := range c.checks {
		if check.header == http.CanonicalHeaderKey(name) {
			return true
		}
	}
	return false
}

// line reads up to CRLF (a lone LF is accepted).
func (c *chunkedReader) line() (string, error) {
	b, err := c.src.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return "", errorf(BadChunk, "A chunk header is too long")
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return "", errShortBody()
	case err != nil:
		return "", err
	}
	return string(bytes.TrimRight(b, "\r\n")), nil
}
