package agent

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/ecs/serviceconnect"
	"github.com/neargate/neargate/internal/state"
)

// Proxies carries the traffic of tasks with Service Connect. Satisfied by ecs/serviceconnect.
type Proxies interface {
	// Open returns when the task's proxy carries traffic: before its containers start.
	Open(ctx context.Context, t *state.Task) error
	// Leaving is how long a task that is to stop waits at least before its
	// containers are told; 0 when nobody sends to it any more.
	Leaving(t *state.Task) time.Duration
	// Close ends the proxy of the task with a key.
	Close(key string)
}

// connected reports whether others send to the task through Service Connect.
func connected(t *state.Task) bool {
	return t.Connect != nil && !t.Connect.RegisteredAt.IsZero()
}

// endpointHosts are the lines of the hosts file for the endpoints of Service Connect.
func endpointHosts(t *state.Task) string {
	if t.Connect == nil {
		return ""
	}
	addresses, lines, last := serviceconnect.Addresses(t.Connect), "", ""
	for _, e := range t.Connect.Endpoints { // sorted by name
		if e.DNSName != last {
			lines += addresses[e.DNSName].String() + " " + e.DNSName + "\n"
		}
		last = e.DNSName
	}
	return lines
}
