package sigv4

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// wrapBody puts the checking reader that the payload hash asks for around r.Body.
func wrapBody(r *http.Request, s *Signature, key []byte, payloadHash string) error {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	switch payloadHash {
	case UnsignedPayload:
		return nil
	case StreamingPayload, StreamingPayloadTrailer, StreamingUnsignedTrailer:
		return wrapChunked(r, s, key, payloadHash)
	}
	if !isDigest(payloadHash) {
		return errorf(Incomplete, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.")
	}
	r.Body = &digestReader{body: r.Body, want: strings.ToLower(payloadHash), sum: sha256.New()}
	return nil
}

// digestReader checks a whole body against its digest.
type digestReader struct {
	body io.ReadCloser
	want string
	sum  hash.Hash
	err  error
}

func (d *digestReader) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.body.Read(p)
	d.sum.Write(p[:n])
	if err == io.EOF {
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(d.sum.Sum(nil))), []byte(d.want)) != 1 {
			err = errorf(ContentMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errShortBody()
	}
	d.err = err
	return n, err
}

func (d *digestReader) Close() error { return d.body.Close() }

func errShortBody() *Error {
	return errorf(ShortBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// wrapChunked replaces an aws-chunked body by its content.
func wrapChunked(r *http.Request, s *Signature, key []byte, payloadHash string) error {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return errorf(MissingLength, "You must provide the Content-Length HTTP header.")
	}
	c := &chunkedReader{
		src: bufio.NewReaderSize(r.Body, maxLine), body: r.Body, left: length,
		signed:   payloadHash != StreamingUnsignedTrailer,
		previous: s.value, key: key, prefix: s.Time.Format(timeFormat) + "\n" + s.scope() + "\n",
		trailer: http.Header{}, sum: sha256.New(),
	}
	if payloadHash != StreamingPayload {
		if err := c.announce(r.Header.Values("X-Amz-Trailer")); err != nil {
			return err
		}
		c.trailers = true
	}
	r.Body, r.ContentLength, r.Trailer = c, length, c.trailer
	stripChunkedEncoding(r.Header)
	return nil
}

func stripChunkedEncoding(h http.Header) {
	var kept []string
	for _, v := range h.Values("Content-Encoding") {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
				kept = append(kept, part)
			}
		}
	}
	h.Del("Content-Encoding")
	if len(kept) > 0 {
		h.Set("Content-Encoding", strings.Join(kept, ","))
	}
}
