package cloudwatch

import (
	"encoding/base64"
	"strconv"
)

// page cuts one page out of items. The token is the place of its first item.
func page[T any](items []T, token string, size int) ([]T, string, error) {
	from, err := place(token)
	if err != nil || from > len(items) {
		return nil, "", errToken
	}
	items = items[from:]
	if len(items) <= size {
		return items, "", nil
	}
	return items[:size], tokenOf(from + size), nil
}

func tokenOf(place int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(place)))
}

// place is the place that a token stands for; 0 when there is none.
func place(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, errToken
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		return 0, errToken
	}
	return n, nil
}
