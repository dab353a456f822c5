package terraform

import (
	"fmt"
	"strconv"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// protocolNumbers are the names of protocols that rules of network ACLs know.
// Other names are left as they are, and refused as EC2 does.
var protocolNumbers = map[string]string{"all": "-1", "icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}

// networkACL is aws_network_acl: its entries are blocks, its subnets a list.
func networkACL(a *arguments) {
	a.part("", "AWS::EC2::NetworkAcl", a.pick("vpc_id", "VpcId"))
	for _, direction := range []string{"ingress", "egress"} {
		for i, b := range a.blocks(direction) {
			entry := b.pick("rule_no", "RuleNumber", "action", "RuleAction", "cidr_block", "CidrBlock", "ipv6_cidr_block", "Ipv6CidrBlock")
			egress := template.Value{Kind: template.Bool, Text: strconv.FormatBool(direction == "egress"), Line: a.r.Line}
			b.entry(entry.put("Egress", &egress).put("NetworkAclId", self()))
			a.part(fmt.Sprint(direction, i), "AWS::EC2::NetworkAclEntry", entry)
		}
	}
	for i, subnet := range elements(a.get("subnet_ids")) {
		a.part(fmt.Sprint("subnet", i), "AWS::EC2::SubnetNetworkAclAssociation", object(a.r.Line).put("SubnetId", subnet).put("NetworkAclId", self()))
	}
}

// networkACLRule is aws_network_acl_rule: an entry by itself.
func networkACLRule(a *arguments) {
	a.all()
	a.part("", "AWS::EC2::NetworkAclEntry", a.entry(a.pick("network_acl_id", "NetworkAclId", "rule_number", "RuleNumber", "rule_action", "RuleAction",
		"egress", "Egress", "cidr_block", "CidrBlock", "ipv6_cidr_block", "Ipv6CidrBlock")))
}

// entry adds the protocol as a number, with the ports or the ICMP type that it has.
func (a *arguments) entry(p properties) properties {
	protocol := a.get("protocol")
	if number := protocolNumbers[protocol.Str()]; number != "" {
		named := *protocol
		named.Text, protocol = number, &named
	}
	p.put("Protocol", protocol)
	switch protocol.Str() {
	case "1", "58":
		p.put("Icmp", a.pick("icmp_type", "Type", "icmp_code", "Code").v)
	case "6", "17":
		p.put("PortRange", a.pick("from_port", "From", "to_port", "To").v)
	}
	return p
}
