package s3

import (
	"strconv"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// failure is an S3 error with the elements that follow its message. A region
// or an object's headers are sent with those that have them.
type failure struct {
	Region       string `aws:"Region,loc=x-amz-bucket-region,in=header"`
	ETag         string `aws:"ETag,loc=ETag,in=header"`
	VersionID    string `aws:"VersionID,loc=x-amz-version-id,in=header"`
	DeleteMarker *bool  `aws:"DeleteMarker,loc=x-amz-delete-marker,in=header"`
	ContentRange string `aws:"ContentRange,loc=Content-Range,in=header"`

	code, message string
	status        int
	details       [][2]string
}

func (f *failure) Error() string             { return wire.ErrorText(f) }
func (f *failure) ErrorCode() string         { return f.code }
func (f *failure) ErrorMessage() string      { return f.message }
func (f *failure) HTTPStatus() int           { return f.status }
func (f *failure) ErrorDetails() [][2]string { return f.details }

// errDetailed makes an error; details are names and values in turn.
func errDetailed(code string, status int, message string, details ...string) *failure {
	f := &failure{code: code, status: status, message: message}
	for i := 0; i+1 < len(details); i += 2 {
		f.details = append(f.details, [2]string{details[i], details[i+1]})
	}
	return f
}

func errNoSuchBucket(name string) error {
	return errDetailed("NoSuchBucket", 404, "The specified bucket does not exist", "BucketName", name)
}

func errNoSuchKey(key string) error {
	return errDetailed("NoSuchKey", 404, "The specified key does not exist.", "Key", key)
}

func errNoSuchVersion(key, version string) error {
	return errDetailed("NoSuchVersion", 404, "The specified version does not exist.", "Key", key, "VersionId", version)
}

func errNoSuchUpload(id string) error {
	return errDetailed("NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId", id)
}

func errAccessDenied() error { return errDetailed("AccessDenied", 403, "Access Denied") }

func errInvalidArgument(message, name, value string) error {
	return errDetailed("InvalidArgument", 400, message, "ArgumentName", name, "ArgumentValue", value)
}

func errInvalidRequest(message string) error { return errDetailed("InvalidRequest", 400, message) }

func errPrecondition(condition string) error {
	return errDetailed("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold", "Condition", condition)
}

// errNotImplemented refuses a header that we do not carry out.
func errNotImplemented(header string) error {
	return errDetailed("NotImplemented", 501, "A header you provided implies functionality that is not implemented", "Header", header)
}

func errMalformedXML() error {
	return errDetailed("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}

func errMethodNotAllowed(method string, marker *state.ObjectVersion) error {
	f := errDetailed("MethodNotAllowed", 405, "The specified method is not allowed against this resource.", "Method", method, "ResourceType", "DeleteMarker")
	if marker != nil {
		f.DeleteMarker, f.VersionID = new(bool), marker.VersionID
		*f.DeleteMarker = true
	}
	return f
}

// errWrongRegion sends the client to the bucket's region.
func errWrongRegion(b *state.Bucket) error {
	f := errDetailed("PermanentRedirect", 301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		"Endpoint", b.Name+".s3."+b.Region+".amazonaws.com", "Bucket", b.Name)
	f.Region = b.Region
	return f
}

func errInvalidRange(requested string, size int64) error {
	f := errDetailed("InvalidRange", 416, "The requested range is not satisfiable", "RangeRequested", requested, "ActualObjectSize", strconv.FormatInt(size, 10))
	f.ContentRange = "bytes */" + strconv.FormatInt(size, 10)
	return f
}

func errTooLarge(limit int64) error {
	return errDetailed("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size", "MaxSizeAllowed", strconv.FormatInt(limit, 10))
}
