package wire

import "fmt"

// Error is an error as AWS answers it. Generated exceptions implement it, and
// NewError makes one where the model has none. Any other error from a handler is
// an internal failure: its text is for the operator's log only.
type Error interface {
	error
	ErrorCode() string    // for example ClusterNotFoundException, InvalidVpcID.NotFound
	ErrorMessage() string // the text for the user, in AWS's words
	HTTPStatus() int
}

// NewError makes an error that the model does not list. The format is used as
// it is when no arguments follow.
func NewError(code string, status int, format string, args ...any) Error {
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	return &plainError{code: code, status: status, message: message}
}

type plainError struct {
	code    string
	status  int
	message string
}

func (e *plainError) Error() string        { return ErrorText(e) }
func (e *plainError) ErrorCode() string    { return e.code }
func (e *plainError) ErrorMessage() string { return e.message }
func (e *plainError) HTTPStatus() int      { return e.status }

// ErrorText is how an Error prints: code and message.
func ErrorText(e Error) string { return e.ErrorCode() + ": " + e.ErrorMessage() }
