package wire

import "encoding/base64"

// Page cuts one page of at most size items out of those that come in the order of
// their keys. The token is the key of the last item of the page before, so that pages
// hold when items come and go; next is "" on the last page. ok is false for a token
// that Page has not made.
func Page[T any](items []T, key func(T) string, token string, size int) (page []T, next string, ok bool) {
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", false
		}
		for len(items) > 0 && key(items[0]) <= string(after) {
			items = items[1:]
		}
	}
	if len(items) <= size {
		return items, "", true
	}
	return items[:size], base64.RawURLEncoding.EncodeToString([]byte(key(items[size-1]))), true
}
