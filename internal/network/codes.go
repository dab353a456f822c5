package network

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
