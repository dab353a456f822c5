package elbv2

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// What Network Load Balancers have and Application Load Balancers have not: other
// protocols, addresses that people choose, no security groups unless they ask.

const (
	typeApplication = "application"
	typeNetwork     = "network"
	targetALB       = "alb"
)

// listenerProtocols are what listeners of a type of load balancer speak.
var listenerProtocols = map[string][]string{typeApplication: {"HTTPS", "HTTP"}, typeNetwork: {"TLS", "TCP", "TCP_UDP", "UDP"}}

// groupsOf are the protocols of the target groups to which a listener may forward.
var groupsOf = map[string][]string{
	"HTTP": {"HTTP", "HTTPS"}, "HTTPS": {"HTTP", "HTTPS"},
	"TCP": {"TCP", "TCP_UDP"}, "TLS": {"TCP", "TLS"}, "UDP": {"UDP", "TCP_UDP"}, "TCP_UDP": {"TCP_UDP"},
}

// compatible checks that a listener may forward to the groups of its actions.
func (q scope) compatible(l *state.Listener, actions []state.ListenerAction) error {
	network := slices.Contains(listenerProtocols[typeNetwork], l.Protocol)
	for _, a := range actions {
		switch {
		case network && a.Type != actionForward:
			return &elbv2api.InvalidLoadBalancerActionException{Message: "The action type '" + a.Type + "' is not valid with load balancers of type 'network'"}
		case network && a.Sticky != nil && *a.Sticky:
			return configuration("Target group stickiness is not supported for load balancers of type 'network'")
		}
		for _, named := range a.TargetGroups {
			g, err := q.targetGroup(named.ARN)
			if err != nil {
				return err
			}
			if !slices.Contains(groupsOf[l.Protocol], g.Protocol) {
				return &elbv2api.IncompatibleProtocolsException{
					Message: "The listener and its associated target group '" + named.ARN + "' have incompatible protocols: '" + l.Protocol + "' and '" + g.Protocol + "'",
				}
			}
		}
	}
	return nil
}

// addresses takes what a request says of the addresses of a network load balancer's
// nodes into its subnets.
func (q scope) addresses(b *state.LoadBalancer, mappings []elbv2api.SubnetMapping) error {
	for _, m := range mappings {
		at := slices.IndexFunc(b.Subnets, func(n state.LoadBalancerSubnet) bool { return n.SubnetID == m.SubnetId })
		switch {
		case m.IPv6Address != "" || m.SourceNatIpv6Prefix != "":
			return unsupported("An IPv6 address in a subnet mapping")
		case m.AllocationId != "" && !b.InternetFacing():
			return configuration("Elastic IP addresses can only be specified for internet-facing load balancers")
		case m.PrivateIPv4Address != "" && b.InternetFacing():
			return configuration("Private IPv4 addresses can only be specified for internal load balancers")
		case at < 0:
			continue
		}
		n := &b.Subnets[at]
		if n.InterfaceID != "" && (n.AllocationID != m.AllocationId || n.Address != m.PrivateIPv4Address) {
			return configuration("The addresses of the subnet '%s', which is enabled, cannot be changed", m.SubnetId)
		}
		if err := q.checkAddresses(m); err != nil {
			return err
		}
		n.AllocationID, n.Address = m.AllocationId, m.PrivateIPv4Address
	}
	return nil
}

func (q scope) checkAddresses(m elbv2api.SubnetMapping) error {
	if m.AllocationId != "" {
		a, ok := state.Addresses.Get(q.tx, q.key(m.AllocationId))
		if !ok {
			return &elbv2api.AllocationIdNotFoundException{Message: "The allocation ID '" + m.AllocationId + "' does not exist"}
		}
		if a.AssociationID != "" && !strings.HasPrefix(q.ownerOf(a), "net/") {
			return &elbv2api.ResourceInUseException{Message: "The allocation ID '" + m.AllocationId + "' is already in use"}
		}
	}
	if m.PrivateIPv4Address == "" {
		return nil
	}
	n, _ := state.Subnets.Get(q.tx, q.key(m.SubnetId))
	ip, err := netip.ParseAddr(m.PrivateIPv4Address)
	if err != nil || !ip.Is4() {
		return invalid("'%s' is not a valid IPv4 address", m.PrivateIPv4Address)
	}
	if p, err := netip.ParsePrefix(n.CIDRBlock); err != nil || !p.Contains(ip) {
		return configuration("The private IPv4 address '%s' is not within the CIDR range of the subnet '%s'", m.PrivateIPv4Address, m.SubnetId)
	}
	return nil
}

// ownerOf is what the interface is for that has an elastic address.
func (q scope) ownerOf(a *state.Address) string {
	n, ok := state.NetworkInterfaces.Get(q.tx, q.key(a.NetworkInterfaceID))
	if !ok {
		return ""
	}
	return n.Owner
}

// securityGroupsOf checks the groups of a load balancer that is being made: a
// network load balancer has those that it is given, and perhaps none.
func (q scope) securityGroupsOf(b *state.LoadBalancer, groups []string) ([]string, error) {
	if b.Network() && len(groups) == 0 {
		return nil, nil
	}
	return q.securityGroups(b.VpcID, groups)
}

// alpn checks the ALPN policy of a listener.
func alpn(l *state.Listener, in []string) error {
	if len(in) == 0 {
		return nil
	}
	switch {
	case !slices.Contains(listenerProtocols[typeNetwork], l.Protocol):
		return invalid("ALPN policies are not supported for load balancers of type 'application'")
	case l.Protocol != "TLS":
		return invalid("ALPN policies can only be specified for TLS listeners")
	case len(in) > 1:
		return invalid("Only one ALPN policy can be specified")
	case !slices.Contains([]string{"HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"}, in[0]):
		return &elbv2api.ALPNPolicyNotSupportedException{Message: "ALPN policy '" + in[0] + "' not found"}
	}
	l.ALPNPolicy = in[0]
	return nil
}
