package decision

import (
	"context"
	"sync/atomic"
)

// watch follows what is decided about one request.
type watch struct {
	id      string
	refused atomic.Bool
}

type watchKey struct{}

// Watch returns a context under which everything that does not allow is recorded
// with the request's id among its subjects.
func Watch(ctx context.Context, requestID string) context.Context {
	return context.WithValue(ctx, watchKey{}, &watch{id: requestID})
}

// Refused reports whether something was recorded under the context that does not
// allow: "why" knows about its request.
func Refused(ctx context.Context) bool {
	w, ok := ctx.Value(watchKey{}).(*watch)
	return ok && w.refused.Load()
}

// note adds the watched request to the subjects.
func note(ctx context.Context, d *Decision) {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok || d.Verdict == Allow {
		return
	}
	w.refused.Store(true)
	for _, s := range d.Subjects {
		if s == w.id {
			return
		}
	}
	d.Subjects = append(d.Subjects[:len(d.Subjects):len(d.Subjects)], w.id)
}
