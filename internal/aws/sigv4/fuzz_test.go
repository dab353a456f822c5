package sigv4

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzRequest: whatever arrives, nothing panics, and nothing passes that was
// not signed with the secret.
func FuzzRequest(f *testing.F) {
	for _, e := range published {
		if len(e.body) < 100 {
			f.Add(e.request, e.body)
		}
	}
	f.Add(strings.Replace(chunkedHead, "66560", "1", 1), "1;chunk-signature=0\r\na\r\n0;chunk-signature=0\r\n\r\n")
	f.Add(strings.Replace(trailerHead, "66560", "1", 1), "1;chunk-signature=0\r\na\r\n0;chunk-signature=0\r\nx-amz-checksum-crc32c:AAAA\r\n\r\n")
	v := at(f, "20130524T000000Z")
	f.Fuzz(func(t *testing.T, head, body string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(body))
		if _, err := verify(v, r, "a secret that signed nothing"); err == nil {
			t.Errorf("passed: %q", head)
		}
	})
}

// FuzzUnsignedChunks: the decoder of unsigned chunks never returns more than
// was announced, and never ends well with less.
func FuzzUnsignedChunks(f *testing.F) {
	f.Add("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "11")
	f.Add("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "0")
	f.Fuzz(func(t *testing.T, body, length string) {
		r := s3Put(StreamingUnsignedTrailer, body, "X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Decoded-Content-Length", length)
		if wrapBody(r, &Signature{}, nil, StreamingUnsignedTrailer) != nil {
			return
		}
		b, err := io.ReadAll(r.Body)
		if int64(len(b)) > r.ContentLength || err == nil && int64(len(b)) != r.ContentLength {
			t.Errorf("%d bytes of %s, %v", len(b), length, err)
		}
	})
}
