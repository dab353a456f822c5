// Package sigv4 verifies and makes AWS Signature Version 4.
//
// It knows the three places where a signature can be (Authorization header,
// presigned query, and the chunks of a streaming upload) and the two ways in
// which the path is canonicalised (S3, and all other services).
//
// Verification has two steps, because the secret has to be looked up between
// them: Parse says which access key, scope and session token a request names,
// and a Verifier checks the signature with that key's secret:
//
//	sig, err := sigv4.Parse(r)
//	secret := lookup(sig.AccessKeyID, sig.Token)
//	err = verifier.VerifyBody(r, sig, secret, body)   // body in memory
//	err = verifier.VerifyStream(r, sig, secret)       // S3: r.Body becomes a checking reader
//
// Errors are of type *Error; Answer words them as AWS does, which differs
// between families of protocols. The package imports nothing of ours and reads
// no clock but the Verifier's. Asymmetric signatures (SigV4A) are refused by
// name, and Signature Version 2 everywhere but in presigned requests to S3,
// where clients still make it (query2.go).
package sigv4

// Algorithm is the one algorithm that is served.
const Algorithm = "AWS4-HMAC-SHA256"

// Values of X-Amz-Content-Sha256 that are not a digest.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

const (
	timeFormat  = "20060102T150405Z"
	dateFormat  = "20060102"
	terminator  = "aws4_request"
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)
