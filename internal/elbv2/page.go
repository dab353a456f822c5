package elbv2

import "github.com/neargate/neargate/internal/aws/wire"

const maxPage = 400

// page is wire.Page with Elastic Load Balancing's bound and error.
func page[T any](items []T, key func(T) string, marker string, size *int32) ([]T, string, error) {
	out, next, ok := wire.Page(items, key, marker, int(wire.Or(size, maxPage)))
	if !ok {
		return nil, "", invalid("Invalid marker '%s'", marker)
	}
	return out, next, nil
}
