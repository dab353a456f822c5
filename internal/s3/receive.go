package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// maxPut is the most bytes that one request may store.
const maxPut = 5 << 30

// received is a body that was stored as an object file.
type received struct {
	segment  state.ObjectSegment
	md5      []byte
	checksum state.ObjectChecksum
}

// etag is the entity tag of the data by itself, without quotes.
func (r received) etag() string { return hex.EncodeToString(r.md5) }

// want is what the client says about a body.
type want struct {
	md5                 string // Content-MD5
	algorithm, checksum string // checksum is empty when it came in a trailer, which the gateway has verified
	keep                string // algorithm of the checksum to keep, if another
}

// wanted reads the checksum headers of a request. Without any, S3 computes
// CRC64NVME by itself.
func wanted(in any, contentMD5, sdkAlgorithm string) (want, error) {
	w := want{md5: contentMD5}
	if contentMD5 != "" {
		if raw, err := base64.StdEncoding.DecodeString(contentMD5); err != nil || len(raw) != md5.Size {
			return w, errDetailed("InvalidDigest", 400, "The Content-MD5 you specified was invalid.", "Content-MD5", contentMD5)
		}
	}
	var err error
	if w.algorithm, w.checksum, err = givenChecksum(in); err != nil {
		return w, err
	}
	if w.algorithm == "" {
		w.algorithm = strings.ToUpper(sdkAlgorithm)
	}
	if w.algorithm == "" {
		w.algorithm = "CRC64NVME"
	}
	if newHash(w.algorithm) == nil {
		return w, errUnsupportedChecksum()
	}
	return w, nil
}

// receive streams a body into a new object file. The caller discards the file
// when it does not come to a record.
func (s *Service) receive(_ context.Context, body io.Reader, w want) (received, error) {
	file := ids.Hex(32)
	out, err := s.Objects.Create(file)
	if err != nil {
		return received{}, err
	}
	defer out.Abort()
	sum, check := md5.New(), newHash(w.algorithm)
	sinks, kept := []io.Writer{out, sum, check}, check
	if w.keep == "" || w.keep == w.algorithm {
		w.keep = w.algorithm
	} else {
		kept = newHash(w.keep)
		sinks = append(sinks, kept)
	}
	if body != nil {
		n, err := io.Copy(io.MultiWriter(sinks...), io.LimitReader(body, maxPut+1))
		if err != nil {
			return received{}, err
		}
		if n > maxPut {
			return received{}, errTooLarge(maxPut)
		}
	}
	r := received{
		segment:  state.ObjectSegment{File: file, Size: out.Size()},
		md5:      sum.Sum(nil),
		checksum: state.ObjectChecksum{Algorithm: w.keep, Value: encodeSum(kept), Type: fullObject},
	}
	if given := base64.StdEncoding.EncodeToString(r.md5); w.md5 != "" && w.md5 != given {
		return received{}, errDetailed("BadDigest", 400, "The Content-MD5 you specified did not match what we received.", "ExpectedDigest", w.md5, "CalculatedDigest", given)
	}
	if w.checksum != "" && w.checksum != encodeSum(check) {
		return received{}, errDetailed("BadDigest", 400, "The "+w.algorithm+" you specified did not match the calculated checksum.")
	}
	return r, out.Commit()
}
