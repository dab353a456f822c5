package runtime

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers compare with errors.Is.
var (
	ErrNotFound   = errors.New("not found")
	ErrNotRunning = errors.New("container is not running")
	ErrInvalid    = errors.New("invalid spec")
)

// PlatformError says that an image has no manifest for the platform.
type PlatformError struct {
	Want string   // "linux/arm64"
	Have []string // what the image has, sorted
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("image has no manifest for platform %s, only for %s", e.Want, strings.Join(e.Have, ", "))
}

// FetchError says that a blob could not be had.
type FetchError struct {
	Digest string
	Err    error
}

func (e *FetchError) Error() string { return fmt.Sprintf("fetching %s: %v", e.Digest, e.Err) }

// Unwrap returns what Fetch returned.
func (e *FetchError) Unwrap() error { return e.Err }

// UserError says that the image knows no such user or group.
type UserError struct {
	User   string // as it was asked for
	Reason string // "unable to find user app: no matching entries in passwd file"
}

func (e *UserError) Error() string { return e.Reason }

// StartError says that a process could not be started, in the OCI runtime's words.
type StartError struct {
	Reason string // `exec: "nope": executable file not found in $PATH`
}

func (e *StartError) Error() string { return e.Reason }
