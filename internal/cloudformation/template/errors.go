package template

import (
	"errors"
	"fmt"
)

// Error is a mistake in a template or in the parameters given to it, in
// CloudFormation's words. The API answers it as ValidationError, HTTP 400.
type Error struct{ Message string }

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrUnknown says that a condition depends on a value that only execution can
// tell: the output of a nested stack that is still to be made.
var ErrUnknown = errors.New("a condition depends on a value that is not known yet")

func errorf(format string, args ...any) *Error { return &Error{fmt.Sprintf(format, args...)} }

func formatError(format string, args ...any) *Error {
	return errorf("Template format error: "+format, args...)
}

func templateError(format string, args ...any) *Error {
	return errorf("Template error: "+format, args...)
}
