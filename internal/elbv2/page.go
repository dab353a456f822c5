package elbv2

import (
	"encoding/base64"

	"github.com/neargate/neargate/internal/aws/wire"
)

const maxPage = 400

// page cuts one page out of items, which come in the order of their keys. The
// marker is the key of the last item of the page before.
func page[T any](items []T, key func(T) string, marker string, size *int32) ([]T, string, error) {
	if marker != "" {
		after, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil {
			return nil, "", invalid("Invalid marker '%s'", marker)
		}
		for len(items) > 0 && key(items[0]) <= string(after) {
			items = items[1:]
		}
	}
	limit := int(wire.Or(size, maxPage))
	if len(items) <= limit {
		return items, "", nil
	}
	items = items[:limit]
	return items, base64.RawURLEncoding.EncodeToString([]byte(key(items[limit-1]))), nil
}
