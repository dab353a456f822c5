package sigv4

import "fmt"

// Kind says what is wrong with a request's authentication.
type Kind int

// The kinds of errors. UnknownKey, BadToken and ExpiredToken are never made
// here: they are for whoever looks up the secret, so that one function words all.
const (
	Missing              Kind = iota + 1 // no signature at all
	Incomplete                           // a part of the signature is missing or malformed
	BadQuery                             // a presigned query parameter is missing or malformed
	Conflicting                          // header and query signature together
	UnsupportedAlgorithm                 // SigV2, SigV4A, anything else
	BadScope                             // the credential scope does not fit the request
	HeadersNotSigned                     // a header that must be signed is not
	Mismatch                             // the signature is not the one we calculate
	Skewed                               // the clock is more than 15 minutes off
	Expired                              // a presigned request is past its expiry
	UnknownKey                           // the access key does not exist or is inactive
	BadToken                             // the session token is not one of ours or not of this key
	ExpiredToken                         // the session has ended
	ContentMismatch                      // the body is not the one of X-Amz-Content-Sha256
	BadChecksum                          // the body does not have the checksum of its trailer
	BadChunk                             // the chunk framing is broken
	ShortBody                            // the body is shorter or longer than announced
	MissingLength                        // X-Amz-Decoded-Content-Length is missing
	MissingContentHash                   // S3: X-Amz-Content-Sha256 is missing
)

// Error is why a request is not authentic.
type Error struct {
	Kind   Kind
	Detail string // for people, in AWS's words where AWS has some
}

func (e *Error) Error() string { return e.Detail }

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
