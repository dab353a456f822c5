package loadbalancer

import (
	"net/netip"
	"time"
)

// Version is a target group's protocol version.
type Version string

// The protocol versions of HTTP and HTTPS target groups.
const (
	HTTP1 Version = "HTTP1"
	HTTP2 Version = "HTTP2"
	GRPC  Version = "GRPC"
)

// Algorithm is a target group's load_balancing.algorithm.type.
type Algorithm string

// The algorithms.
const (
	RoundRobin       Algorithm = "round_robin"
	LeastOutstanding Algorithm = "least_outstanding_requests"
)

// StickinessType is a target group's stickiness.type.
type StickinessType string

// The kinds of stickiness. NotSticky is stickiness.enabled=false.
const (
	NotSticky StickinessType = ""
	LBCookie  StickinessType = "lb_cookie"
	AppCookie StickinessType = "app_cookie"
	SourceIP  StickinessType = "source_ip" // network load balancers
)

// Stickiness is a target group's.
type Stickiness struct {
	Type     StickinessType
	Duration time.Duration // lb_cookie and app_cookie
	Cookie   string        // stickiness.app_cookie.cookie_name
}

// Group is a target group.
type Group struct {
	ID         string // its ARN
	Protocol   Protocol
	Version    Version // HTTP and HTTPS; empty is HTTP1
	Algorithm  Algorithm
	SlowStart  time.Duration
	Stickiness Stickiness
	// CrossZone is load_balancing.cross_zone.enabled; nil: as the load balancer has it.
	CrossZone *bool
	// PreserveClientIP and ProxyProtocol are of network load balancers.
	PreserveClientIP bool
	ProxyProtocol    bool
	// KeepUnhealthyFlows and EndDrainedFlows are
	// target_health_state.unhealthy.connection_termination.enabled=false and
	// deregistration_delay.connection_termination.enabled=true.
	KeepUnhealthyFlows bool
	EndDrainedFlows    bool
	// MinHealthy and MinHealthyPercent are target_group_health.unhealthy_state_routing.minimum_healthy_targets.count
	// and .percentage: while fewer targets are healthy, the unhealthy ones get requests, too. 0 is AWS's default: 1 and off.
	MinHealthy, MinHealthyPercent int
	// RequestTimeout is of proxies: how long a request may take until all of its
	// answer is there; 0: as long as it likes.
	RequestTimeout time.Duration
	Targets        []Target
}

// State is a target's, as far as traffic is concerned.
type State string

// The states of targets. A target that is in the configuration no longer loses
// the connections that it has left: keep it Draining for the deregistration delay.
const (
	Initial   State = "initial" // no traffic until it is healthy
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy" // traffic only when no target is healthy
	Draining  State = "draining"  // no new requests
	Unused    State = "unused"
)

// Target is one address and port of a group.
type Target struct {
	Addr  netip.AddrPort
	Zone  string // availability zone; "all" or empty: any zone's node may use it
	State State
	// Since is when it became healthy: the beginning of its slow start.
	Since time.Time
}
