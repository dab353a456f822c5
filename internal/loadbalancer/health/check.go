// Package health finds out which targets are healthy, as Elastic Load Balancing
// does: a pure state machine of thresholds and reasons (Machine), and a Checker
// that asks the targets.
package health

import (
	"net/netip"
	"time"
)

// Check says how targets of a group are asked.
type Check struct {
	Protocol string // HTTP, HTTPS, TCP
	Version  string // HTTP1, HTTP2, GRPC: of HTTP and HTTPS checks; empty is HTTP1
	Port     uint16 // 0: the port that the target is registered with (traffic-port)
	Path     string // of HTTP; /AWS.ALB/healthcheck or /package.service/method of gRPC
	Interval time.Duration
	// Eager is how often a target is asked that has not passed yet, for targets that
	// are still starting; failures count once per Interval. 0: as often as Interval says.
	Eager     time.Duration
	Timeout   time.Duration
	Healthy   int    // passes in a row until an unhealthy target is healthy again
	Unhealthy int    // failures in a row until a healthy target is unhealthy
	Matcher   string // codes that pass: "200", "200,202", "200-399"; of gRPC "0", "0-99"
}

// State is a target's health.
type State string

// The states that checks lead to. Other states (unused, draining) are not found
// by asking.
const (
	Initial   State = "initial"
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
)

// Status is a target's state with AWS's reason code and description, both empty
// when it is healthy.
type Status struct {
	State       State
	Reason      string // Elb.InitialHealthChecking, Target.ResponseCodeMismatch ...
	Description string
}

// Key names a target of a group.
type Key struct {
	Group string
	Addr  netip.AddrPort
}

// Target is one that is to be asked. The node of its zone asks it.
type Target struct {
	Key   Key
	Zone  string
	Check Check
	// Last is what was known of it before a restart; the zero Status: nothing.
	Last Status
}
