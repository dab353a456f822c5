package servicediscovery

import "github.com/neargate/neargate/internal/aws/wire"

const maxPage = 100

// page is wire.Page with Cloud Map's bound and error.
func page[T any](items []T, key func(T) string, token string, size *int32) ([]T, string, error) {
	out, next, ok := wire.Page(items, key, token, int(wire.Or(size, maxPage)))
	if !ok {
		return nil, "", invalid("The NextToken is not valid.")
	}
	return out, next, nil
}
