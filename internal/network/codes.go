package network

import "fmt"

// Code says why a hop lets nothing pass, in the codes that AWS's Reachability
// Analyzer explains its findings with.
type Code string

// The codes that a flow can meet here.
const (
	CodeAttachment      Code = "BAD_STATE_ATTACHMENT" // the interface is attached to nothing
	CodeRouteState      Code = "BAD_STATE_ROUTE"      // the route's target does not exist
	CodeNoRoute         Code = "NO_ROUTE_TO_DESTINATION"
	CodeNoDestination   Code = "NO_POSSIBLE_DESTINATION" // nobody has the address
	CodeProtocol        Code = "PROTOCOL_RESTRICTION"    // it answers to other protocols or ports only
	CodeGroupRules      Code = "ENI_SG_RULES_MISMATCH"
	CodeGroupEmpty      Code = "SG_HAS_NO_RULES"
	CodeNoPublicIP      Code = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
	CodeNotPublic       Code = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
	CodePrivateTarget   Code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
	CodeACL             Code = "SUBNET_ACL_RESTRICTION"
	CodeGatewayEndpoint Code = "VPCE_GATEWAY_PROTOCOL_RESTRICTION" // gateway endpoints carry TCP and ICMP echo
)

// Covers reports whether a rule is about a protocol and port (type for ICMP),
// whoever the peer.
func (r Rule) Covers(protocol, port int) bool { return r.allows(Flow{Protocol: protocol, Port: port}) }

// Ports says which traffic a rule is about: "tcp 80-443", "udp", "icmp type 8", "everything".
func (r Rule) Ports() string {
	name := fmt.Sprintf("protocol %d", r.Protocol)
	switch r.Protocol {
	case AnyProtocol:
		return "everything"
	case ICMP, ICMPv6:
		name = map[int]string{ICMP: "icmp", ICMPv6: "icmpv6"}[r.Protocol]
		if r.ICMPType >= 0 {
			name += fmt.Sprintf(" type %d", r.ICMPType)
		}
	case TCP, UDP:
		name = map[int]string{TCP: "tcp", UDP: "udp"}[r.Protocol]
		switch from, to, all := r.ports(); {
		case all:
		case from == to:
			name += fmt.Sprintf(" %d", from)
		default:
			name += fmt.Sprintf(" %d-%d", from, to)
		}
	}
	return name
}
