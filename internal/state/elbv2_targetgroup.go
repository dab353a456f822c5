package state

import (
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// TargetGroup is a group of targets to which load balancers forward requests, and
// how its targets are checked. Written by elbv2.
type TargetGroup struct {
	Account, Region string
	Path            string // the end of its ARN: NAME/ID
	Name            string

	TargetType      string // "ip", "instance" or "alb"
	Protocol        string // HTTP or HTTPS; TCP, TLS, UDP or TCP_UDP of network load balancers
	ProtocolVersion string // HTTP1, HTTP2 or GRPC; "" of network load balancers
	Port            int32
	VpcID           string

	HealthCheck TargetHealthCheck
	Attributes  map[string]string // those that somebody set

	CreatedAt time.Time
	Tool      string // the client that made it: caller.Identity.Tool
	Tags      []Tag
}

// TargetHealthCheck is how the targets of a group are checked.
type TargetHealthCheck struct {
	Enabled            bool
	Protocol           string // HTTP or HTTPS; TCP
	Port               string // "traffic-port" or a number
	Path               string
	IntervalSeconds    int32
	TimeoutSeconds     int32
	HealthyThreshold   int32
	UnhealthyThreshold int32
	HTTPCode           string // of the matcher: "200", "200-299,301"
	GRPCCode           string // likewise, for GRPC
}

// Network reports whether it is for Network Load Balancers.
func (g *TargetGroup) Network() bool { return g.Protocol != "HTTP" && g.Protocol != "HTTPS" }

// PreservesClients reports whether targets see the addresses of clients.
func (g *TargetGroup) PreservesClients() bool {
	if set, ok := g.Attributes["preserve_client_ip.enabled"]; ok {
		return set == "true"
	}
	return g.Network() && (g.Protocol == "UDP" || g.Protocol == "TCP_UDP" || g.TargetType != "ip")
}

// Key is the record's key.
func (g *TargetGroup) Key() string { return Key(g.Account, g.Region, g.Path) }

// ARN is the target group's ARN.
func (g *TargetGroup) ARN() string { return elbARN(g.Account, g.Region, "targetgroup", g.Path) }

// TargetGroups holds target groups by account/region/path. Index "name" takes
// account/region/name, "arn" an ARN, "vpc" the key of a VPC.
var TargetGroups = store.Define("elbv2.target-group", (*TargetGroup).Key,
	store.By("name", func(g *TargetGroup) []string { return []string{Key(g.Account, g.Region, g.Name)} }),
	store.By("arn", func(g *TargetGroup) []string { return []string{g.ARN()} }),
	store.By("vpc", func(g *TargetGroup) []string { return []string{Key(g.Account, g.Region, g.VpcID)} }))

// Target is a registered target of a target group, or one that was and still
// drains. Its health is written by the loop of elbv2 as the checks find it.
type Target struct {
	Account, Region string
	Group           string // path of the target group
	ID              string // an IP address, or the ARN of a load balancer
	Port            int32
	// AvailabilityZone is as registered: "" for that of the address's subnet, or "all".
	AvailabilityZone string
	RegisteredAt     time.Time

	// Health is initial, healthy, unhealthy, unused, unavailable or draining; Reason
	// and Description say why it is not healthy, in AWS's words.
	Health      string
	Reason      string
	Description string
	HealthSince time.Time

	// DeregisteredAt is set by DeregisterTargets; the record goes when the target
	// has drained, at DrainsUntil at the latest.
	DeregisteredAt time.Time
	DrainsUntil    time.Time
}

// The states of a target's health.
const (
	TargetInitial     = "initial"
	TargetHealthy     = "healthy"
	TargetUnhealthy   = "unhealthy"
	TargetUnused      = "unused"
	TargetDraining    = "draining"
	TargetUnavailable = "unavailable"
)

// TargetKey is the key of a target.
func TargetKey(account, region, group, id string, port int32) string {
	return Key(account, region, group+"/"+id+":"+strconv.Itoa(int(port)))
}

// Key is the record's key.
func (t *Target) Key() string { return TargetKey(t.Account, t.Region, t.Group, t.ID, t.Port) }

// Draining reports whether the target was deregistered.
func (t *Target) Draining() bool { return !t.DeregisteredAt.IsZero() }

// GroupARN is the ARN of the target's group.
func (t *Target) GroupARN() string { return elbARN(t.Account, t.Region, "targetgroup", t.Group) }

// Targets holds targets by account/region/group/id:port. Index "group" takes the
// key of a target group.
var Targets = store.Define("elbv2.target", (*Target).Key,
	store.By("group", func(t *Target) []string { return []string{Key(t.Account, t.Region, t.Group)} }))
