package elbv2

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// checkChange is what a request says of a target group's health check.
type checkChange struct {
	enabled            *bool
	protocol           elbv2api.ProtocolEnum
	port, path         string
	interval, timeout  *int32
	healthy, unhealthy *int32
	matcher            *elbv2api.Matcher
}

// changeCheck puts what is given into the health check of a group.
func changeCheck(g *state.TargetGroup, c checkChange) error {
	h := &g.HealthCheck
	if c.enabled != nil {
		h.Enabled = *c.enabled
	}
	if c.protocol != "" && g.Network() && string(c.protocol) != h.Protocol {
		now := networkCheck(g, string(c.protocol))
		h.Protocol, h.Path, h.HTTPCode = now.Protocol, now.Path, now.HTTPCode
	} else if c.protocol != "" {
		h.Protocol = string(c.protocol)
	}
	if c.port != "" {
		h.Port = c.port
	}
	if c.path != "" {
		h.Path = c.path
	}
	for _, n := range []struct {
		to   *int32
		from *int32
	}{{&h.IntervalSeconds, c.interval}, {&h.TimeoutSeconds, c.timeout}, {&h.HealthyThreshold, c.healthy}, {&h.UnhealthyThreshold, c.unhealthy}} {
		if n.from != nil {
			*n.to = *n.from
		}
	}
	if m := c.matcher; m != nil {
		if err := changeMatcher(g, m); err != nil {
			return err
		}
	}
	switch {
	case !h.Enabled:
		return invalid("Health check enabled must be true for target groups with target type '%s'", g.TargetType)
	case g.Network() && h.Protocol == "TCP":
		return checkTCP(g, c)
	case h.Protocol != "HTTP" && h.Protocol != "HTTPS" && g.Network():
		return invalid("Health check protocol '%s' must be one of 'HTTPS, HTTP, TCP'", h.Protocol)
	case h.Protocol != "HTTP" && h.Protocol != "HTTPS":
		return invalid("Health check protocol '%s' must be one of 'HTTPS, HTTP'", h.Protocol)
	case !strings.HasPrefix(h.Path, "/") || strings.ContainsAny(h.Path, " \t\r\n"):
		return invalid("Health check path '%s' must begin with a '/' character, and can only contain printable ASCII characters, without spaces", h.Path)
	case h.TimeoutSeconds >= h.IntervalSeconds:
		return invalid("Health check interval must be greater than the timeout.")
	}
	return checkPort(h)
}

func checkPort(h *state.TargetHealthCheck) error {
	if n, err := strconv.Atoi(h.Port); h.Port != "traffic-port" && (err != nil || n < 1 || n > 65535) {
		return invalid("Health check port '%s' must be 'traffic-port' or a number between '1' and '65535' inclusive", h.Port)
	}
	return nil
}

// networkCheck is the health check of a target group of network load balancers, with
// AWS's defaults for its protocol; "" for the default one.
func networkCheck(g *state.TargetGroup, protocol string) state.TargetHealthCheck {
	h := state.TargetHealthCheck{Enabled: true, Protocol: protocol, Port: "traffic-port", IntervalSeconds: 30, TimeoutSeconds: 10, HealthyThreshold: 5, UnhealthyThreshold: 2}
	switch {
	case protocol == "" && g.TargetType == targetALB:
		h.Protocol = "HTTP"
	case protocol == "":
		h.Protocol = "TCP"
	}
	if h.Protocol == "HTTP" || h.Protocol == "HTTPS" {
		h.Path, h.HTTPCode = "/", "200-399"
	}
	if h.Protocol == "HTTP" {
		h.TimeoutSeconds = 6
	}
	return h
}

// checkTCP checks a health check that only connects.
func checkTCP(g *state.TargetGroup, c checkChange) error {
	h := &g.HealthCheck
	switch {
	case g.TargetType == targetALB:
		return invalid("Health check protocol 'TCP' must be one of 'HTTPS, HTTP' for target groups with target type 'alb'")
	case c.path != "":
		return invalid("Health check path cannot be specified for health checks with protocol 'TCP'")
	case c.matcher != nil:
		return invalid("A matcher cannot be specified for health checks with protocol 'TCP'")
	case h.TimeoutSeconds >= h.IntervalSeconds:
		return invalid("Health check interval must be greater than the timeout.")
	}
	return checkPort(h)
}

var codesForm = regexp.MustCompile(`^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$`)

// changeMatcher sets which codes of answers count as healthy.
func changeMatcher(g *state.TargetGroup, m *elbv2api.Matcher) error {
	codes, low, high, kind := m.HttpCode, 200, 499, "HTTP"
	if g.Network() {
		high = 599
	}
	if g.ProtocolVersion == "GRPC" {
		codes, low, high, kind = m.GrpcCode, 0, 99, "GRPC"
	}
	if codes == "" || m.HttpCode != "" && m.GrpcCode != "" {
		return invalid("A matcher with an %s code must be specified for target groups with protocol version '%s'", kind, g.ProtocolVersion)
	}
	if !codesForm.MatchString(codes) {
		return invalid("Health check matcher %s code '%s' must be a number, a list such as '200,202', or a range such as '200-299'", kind, codes)
	}
	for _, part := range strings.Split(codes, ",") {
		from, to, ranged := strings.Cut(part, "-")
		a, _ := strconv.Atoi(from)
		b := a
		if ranged {
			b, _ = strconv.Atoi(to)
		}
		if a < low || b > high || a > b {
			return invalid("Health check matcher %s code '%s' must be within '%d-%d' inclusive", kind, part, low, high)
		}
	}
	if kind == "GRPC" {
		g.HealthCheck.GRPCCode = codes
	} else {
		g.HealthCheck.HTTPCode = codes
	}
	return nil
}
