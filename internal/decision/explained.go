package decision

// Explained is an error of a request with what "why" is to say about it. The
// gateway records it, with the request's account, region and id.
type Explained struct {
	Err error
	Decision
}

// Error is the error's own text.
func (e *Explained) Error() string { return e.Err.Error() }

// Unwrap returns the error that the client gets.
func (e *Explained) Unwrap() error { return e.Err }
