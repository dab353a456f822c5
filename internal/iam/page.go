package iam

import (
	"cmp"
	"encoding/base64"
	"slices"
)

const defaultPage = 100

// page cuts one page out of items, sorted by key. A marker is the key of the
// last item of the page before, so that pages hold when items come and go.
func page[T any](items []T, key func(T) string, marker string, max *int32) (out []T, truncated bool, next string, err error) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	if marker != "" {
		after, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil {
			return nil, false, "", validation("Invalid Marker.")
		}
		from, found := slices.BinarySearchFunc(items, string(after), func(t T, s string) int { return cmp.Compare(key(t), s) })
		if found {
			from++
		}
		items = items[from:]
	}
	limit := defaultPage
	if max != nil {
		limit = int(*max)
	}
	if len(items) > limit {
		items = items[:limit]
		return items, true, base64.RawURLEncoding.EncodeToString([]byte(key(items[limit-1]))), nil
	}
	return items, false, "", nil
}

func itself(s string) string { return s }
