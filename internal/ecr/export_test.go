package ecr

import "net/http"

// Tunnel is an HTTP proxy whose every tunnel ends at one address.
func Tunnel(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tunnel(w, r, address) })
}
