package dns

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How much is remembered.
const (
	queriesPerClient = 64
	maxClients       = 4096
)

// Query is a question that a client asked, and what became of it.
type Query struct {
	At       time.Time
	Name     string // lower case, without the final dot
	Type     string // "A", "AAAA", ...
	Rcode    string // "NOERROR", "NXDOMAIN", "SERVFAIL", ...
	Addrs    []netip.Addr
	Origin   Origin
	Endpoint string
}

// Recent keeps the last questions of each client of a VPC. The zero value is
// ready; it may be used from several goroutines.
type Recent struct {
	mu      sync.Mutex
	clients map[netip.Addr][]Query
}

func (r *Recent) add(client netip.Addr, q Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients == nil {
		r.clients = map[netip.Addr][]Query{}
	}
	if _, ok := r.clients[client]; !ok && len(r.clients) >= maxClients {
		r.forgetOldest()
	}
	all := append(r.clients[client], q)
	if len(all) > queriesPerClient {
		all = slices.Delete(all, 0, len(all)-queriesPerClient)
	}
	r.clients[client] = all
}

// forgetOldest makes room: the client that was silent for longest goes.
func (r *Recent) forgetOldest() {
	var oldest netip.Addr
	var at time.Time
	for c, all := range r.clients {
		if last := all[len(all)-1].At; at.IsZero() || last.Before(at) {
			oldest, at = c, last
		}
	}
	delete(r.clients, oldest)
}

// Of returns the last questions of a client, oldest first.
func (r *Recent) Of(client netip.Addr) []Query {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.clients[client])
}
