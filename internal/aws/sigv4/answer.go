package sigv4

import "errors"

// Family is a group of services that word authentication errors alike.
type Family int

// The families, by protocol.
const (
	Query Family = iota // query: iam, sts, cloudformation ...
	JSON                // json 1.0 and 1.1, rpc-v2-cbor: ecs, ecr, logs ...
	REST                // rest-json, rest-xml other than S3
	EC2                 // ec2
	S3                  // s3
)

// Answer words an error of this package as AWS words it to clients of the given
// family: error code, HTTP status and message. ok is false for other errors.
func Answer(err error, family Family) (code string, status int, message string, ok bool) {
	var e *Error
	if !errors.As(err, &e) {
		return "", 0, "", false
	}
	a := answers[family][e.Kind]
	if a.code == "" {
		a = answers[Query][e.Kind]
		if family == JSON || family == REST {
			a = answers[JSON][e.Kind]
		}
	}
	if a.code == "" {
		a = answers[S3][e.Kind] // only S3 has bodies that are checked late
	}
	if a.message == "" {
		a.message = e.Detail
	}
	return a.code, a.status, a.message, true
}

type answer struct {
	code    string
	status  int
	message string // "": the error's own detail
}

const (
	invalidToken  = "The security token included in the request is invalid."
	expiredToken  = "The security token included in the request is expired"
	ec2Credential = "AWS was not able to validate the provided access credentials"
	ec2Expired    = "Request has expired."
	s3Mismatch    = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)

var answers = map[Family]map[Kind]answer{
	Query: {
		Missing:              {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
		Incomplete:           {"IncompleteSignature", 400, ""},
		BadQuery:             {"IncompleteSignature", 400, ""},
		Conflicting:          {"IncompleteSignature", 400, ""},
		UnsupportedAlgorithm: {"IncompleteSignature", 400, ""},
		BadScope:             {"SignatureDoesNotMatch", 403, ""},
		HeadersNotSigned:     {"SignatureDoesNotMatch", 403, ""},
		Mismatch:             {"SignatureDoesNotMatch", 403, mismatchText},
		ContentMismatch:      {"SignatureDoesNotMatch", 403, mismatchText},
		Skewed:               {"SignatureDoesNotMatch", 403, ""},
		Expired:              {"SignatureDoesNotMatch", 403, ""},
		UnknownKey:           {"InvalidClientTokenId", 403, invalidToken},
		BadToken:             {"InvalidClientTokenId", 403, invalidToken},
		ExpiredToken:         {"ExpiredToken", 403, expiredToken},
	},
	JSON: {
		Missing:              {"MissingAuthenticationTokenException", 400, "Missing Authentication Token"},
		Incomplete:           {"IncompleteSignatureException", 400, ""},
		BadQuery:             {"IncompleteSignatureException", 400, ""},
		Conflicting:          {"IncompleteSignatureException", 400, ""},
		UnsupportedAlgorithm: {"IncompleteSignatureException", 400, ""},
		BadScope:             {"InvalidSignatureException", 400, ""},
		HeadersNotSigned:     {"InvalidSignatureException", 400, ""},
		Mismatch:             {"InvalidSignatureException", 400, mismatchText},
		ContentMismatch:      {"InvalidSignatureException", 400, mismatchText},
		Skewed:               {"InvalidSignatureException", 400, ""},
		Expired:              {"InvalidSignatureException", 400, ""},
		UnknownKey:           {"UnrecognizedClientException", 400, invalidToken},
		BadToken:             {"UnrecognizedClientException", 400, invalidToken},
		ExpiredToken:         {"ExpiredTokenException", 400, expiredToken},
	},
	REST: {
		Missing:          {"MissingAuthenticationTokenException", 403, "Missing Authentication Token"},
		BadScope:         {"InvalidSignatureException", 403, ""},
		HeadersNotSigned: {"InvalidSignatureException", 403, ""},
		Mismatch:         {"InvalidSignatureException", 403, mismatchText},
		ContentMismatch:  {"InvalidSignatureException", 403, mismatchText},
		Skewed:           {"InvalidSignatureException", 403, ""},
		Expired:          {"InvalidSignatureException", 403, ""},
		UnknownKey:       {"UnrecognizedClientException", 403, invalidToken},
		BadToken:         {"UnrecognizedClientException", 403, invalidToken},
		ExpiredToken:     {"ExpiredTokenException", 403, expiredToken},
	},
	EC2: {
		Missing:              {"MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"},
		Incomplete:           {"AuthFailure", 401, ec2Credential},
		BadQuery:             {"AuthFailure", 401, ec2Credential},
		Conflicting:          {"AuthFailure", 401, ec2Credential},
		UnsupportedAlgorithm: {"AuthFailure", 401, ec2Credential},
		BadScope:             {"AuthFailure", 401, ""},
		HeadersNotSigned:     {"AuthFailure", 401, ec2Credential},
		Mismatch:             {"AuthFailure", 401, ec2Credential},
		ContentMismatch:      {"AuthFailure", 401, ec2Credential},
		Skewed:               {"RequestExpired", 400, ec2Expired},
		Expired:              {"RequestExpired", 400, ec2Expired},
		UnknownKey:           {"AuthFailure", 401, ec2Credential},
		BadToken:             {"AuthFailure", 401, ec2Credential},
		ExpiredToken:         {"RequestExpired", 400, ec2Expired},
	},
	S3: {
		Missing:              {"AccessDenied", 403, "Access Denied"},
		Incomplete:           {"AuthorizationHeaderMalformed", 400, ""},
		BadQuery:             {"AuthorizationQueryParametersError", 400, ""},
		Conflicting:          {"InvalidArgument", 400, ""},
		UnsupportedAlgorithm: {"InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."},
		BadScope:             {"AuthorizationHeaderMalformed", 400, ""},
		HeadersNotSigned:     {"AccessDenied", 403, "There were headers present in the request which were not signed"},
		Mismatch:             {"SignatureDoesNotMatch", 403, s3Mismatch},
		Skewed:               {"RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."},
		Expired:              {"AccessDenied", 403, "Request has expired"},
		UnknownKey:           {"InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
		BadToken:             {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
		ExpiredToken:         {"ExpiredToken", 400, "The provided token has expired."},
		ContentMismatch:      {"XAmzContentSHA256Mismatch", 400, ""},
		BadChecksum:          {"BadDigest", 400, ""},
		BadChunk:             {"InvalidChunkSizeError", 403, ""},
		ShortBody:            {"IncompleteBody", 400, ""},
		MissingLength:        {"MissingContentLength", 411, ""},
		MissingContentHash:   {"InvalidRequest", 400, ""},
	},
}
