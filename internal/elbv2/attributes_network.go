package elbv2

import (
	"slices"

	"github.com/neargate/neargate/internal/state"
)

// balancerAttributesOf are the attributes of a type of load balancer.
func balancerAttributesOf(b *state.LoadBalancer) []attribute {
	if b.Network() {
		return networkAttributes
	}
	return balancerAttributes
}

// networkAttributes are those of Network Load Balancers.
var networkAttributes = []attribute{
	truth("access_logs.s3.enabled", "false"),
	text("access_logs.s3.bucket", "", 63),
	text("access_logs.s3.prefix", "", 256),
	truth("deletion_protection.enabled", "false"),
	only("dns_record.client_routing_policy", "any_availability_zone"),
	only("ipv6.deny_all_igw_traffic", "false"),
	truth("load_balancing.cross_zone.enabled", "false"),
	only("secondary_ips.auto_assigned.per_subnet", "0"),
	only("zonal_shift.config.enabled", "false"),
}

// groupAttributesOf are the attributes of a target group.
func groupAttributesOf(g *state.TargetGroup) []attribute {
	if !g.Network() {
		return groupAttributes
	}
	packets := g.Protocol == "UDP" || g.Protocol == "TCP_UDP"
	all := []attribute{
		whole("deregistration_delay.timeout_seconds", "300", 0, 3600),
		truth("deregistration_delay.connection_termination.enabled", yes(packets)),
		choice("load_balancing.cross_zone.enabled", "use_load_balancer_configuration", "true", "false", "use_load_balancer_configuration"),
		truth("stickiness.enabled", "false"),
		choice("stickiness.type", "source_ip", "source_ip"),
		truth("preserve_client_ip.enabled", yes((&state.TargetGroup{Protocol: g.Protocol, TargetType: g.TargetType}).PreservesClients())),
		truth("proxy_protocol_v2.enabled", "false"),
		truth("target_health_state.unhealthy.connection_termination.enabled", yes(!packets)),
		only("target_health_state.unhealthy.draining_interval_seconds", "0"),
	}
	for _, a := range groupAttributes {
		if len(a.key) > 20 && a.key[:20] == "target_group_health." {
			all = append(all, a)
		}
	}
	fix := func(key, value, says string) {
		i := slices.IndexFunc(all, func(a attribute) bool { return a.key == key })
		all[i].value, all[i].says, all[i].check = value, says, func(v string) bool { return v == value }
	}
	if packets {
		fix("preserve_client_ip.enabled", "true", "cannot be disabled for target groups with protocol '"+g.Protocol+"'")
		fix("target_health_state.unhealthy.connection_termination.enabled", "false", "cannot be enabled for target groups with protocol '"+g.Protocol+"'")
		fix("proxy_protocol_v2.enabled", "false", "must be 'false' for protocol '"+g.Protocol+"': nothing else is carried out by Neargate yet")
	}
	if g.TargetType == targetALB {
		fix("preserve_client_ip.enabled", "true", "cannot be disabled for target groups with target type 'alb'")
	}
	return all
}

func yes(is bool) string {
	if is {
		return "true"
	}
	return "false"
}
