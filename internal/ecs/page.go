package ecs

import (
	"encoding/base64"
	"strings"
)

// page cuts one page out of a sorted list. The token is opaque to clients: it
// holds the last item of the page before. Descending lists say so.
func page(items []string, token string, limit *int32, normal, most int, descending bool) (out []string, next string, err error) {
	size := normal
	if limit != nil {
		if *limit < 1 || int(*limit) > most {
			return nil, "", invalid("Invalid maxResults value: must be between 1 and %d.", most)
		}
		size = int(*limit)
	}
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		last, ok := strings.CutPrefix(string(raw), "after ")
		if err != nil || !ok {
			return nil, "", invalid("Invalid token %s", token)
		}
		for len(items) > 0 && (!descending && items[0] <= last || descending && items[0] >= last) {
			items = items[1:]
		}
	}
	if len(items) <= size {
		return append([]string{}, items...), "", nil
	}
	out = append([]string{}, items[:size]...)
	return out, base64.RawURLEncoding.EncodeToString([]byte("after " + out[size-1])), nil
}
