package servicediscovery

import (
	"encoding/base64"

	"github.com/neargate/neargate/internal/aws/wire"
)

const maxPage = 100

// page cuts one page out of items, which come in the order of their keys. The
// token is the key of the last item of the page before.
func page[T any](items []T, key func(T) string, token string, size *int32) ([]T, string, error) {
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalid("The NextToken is not valid.")
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
