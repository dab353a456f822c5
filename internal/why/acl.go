package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
)

// maxEntries bounds how many entries a fix adds: a flow and its replies cross
// four borders, and two more at a NAT gateway's subnet, each way.
const maxEntries = 12

// replies are the ports that answers go to, as AWS's documentation gives them.
const firstReply, lastReply = 1024, 65535

// acl explains a packet, or its reply, that a network ACL did not let cross the
// border of a subnet.
func (n names) acl(site network.Site, a Attempt, h network.Hop, d *decision.Decision) {
	d.Phase, d.Code, d.Resource = decision.ACL, "net.nacl", h.ID
	d.Cause = fmt.Sprintf("the network ACL %s does not let TCP %d to %s (%s) pass: %s", n.name(h.ID), a.Port, a.Addr, a.Host, h.Text)
	var s snippet
	for i, e := range missingEntries(site, a) {
		direction, egress := "ingress", "false"
		if e.Egress {
			direction, egress = "egress", "true"
		}
		s.cfn = join(s.cfn, fmt.Sprintf("AclEntry%d:\n  Type: AWS::EC2::NetworkAclEntry\n  Properties: { NetworkAclId: %s, RuleNumber: %d, Egress: %s, Protocol: 6, RuleAction: allow, CidrBlock: %s, PortRange: { From: %d, To: %d } }",
			i+1, n.refFrom(e.acl, h.ID), e.Number, egress, e.CIDR, e.FromPort, e.ToPort))
		s.hcl = join(s.hcl, fmt.Sprintf("resource \"aws_network_acl_rule\" \"entry_%d\" {\n  network_acl_id = %q\n  rule_number    = %d\n  egress         = %s\n  protocol       = \"tcp\"\n  rule_action    = \"allow\"\n  cidr_block     = %q\n  from_port      = %d\n  to_port        = %d\n}",
			i+1, e.acl, e.Number, egress, e.CIDR, e.FromPort, e.ToPort))
		s.cli = join(s.cli, fmt.Sprintf("aws ec2 create-network-acl-entry --network-acl-id %s --%s --rule-number %d --protocol tcp --port-range From=%d,To=%d --cidr-block %s --rule-action allow",
			e.acl, direction, e.Number, e.FromPort, e.ToPort, e.CIDR))
	}
	d.Fix = n.add(h.ID, s)
}

// entry is an entry that an ACL lacks.
type entry struct {
	acl string
	network.ACLEntry
}

// missingEntries are all entries that the attempt and its replies need: one after
// the other is put into a copy of the VPC until nothing is denied any more.
func missingEntries(site network.Site, a Attempt) []entry {
	var out []entry
	a.VPC.NetworkACLs = slices.Clone(a.VPC.NetworkACLs)
	for range maxEntries {
		hops := network.Explain(site, a.VPC, a.flow())
		h := hops[len(hops)-1]
		if h.Pass || h.Kind != network.HopNACL {
			break
		}
		at := slices.IndexFunc(a.VPC.NetworkACLs, func(l network.NetworkACL) bool { return l.ID == h.ID })
		if at < 0 {
			break
		}
		l := a.VPC.NetworkACLs[at]
		e := entry{h.ID, network.ACLEntry{Egress: h.Egress, Allow: true, Protocol: network.TCP, FromPort: a.Port, ToPort: a.Port, CIDR: a.everybody()}}
		if h.Reply {
			e.FromPort, e.ToPort = firstReply, lastReply
		}
		e.Number = freeNumber(l, h)
		l.Entries = append(slices.Clone(l.Entries), e.ACLEntry)
		a.VPC.NetworkACLs[at] = l
		out = append(out, e)
	}
	return out
}

// freeNumber is a number that is judged before the entry that denies.
func freeNumber(l network.NetworkACL, h network.Hop) int {
	taken := map[int]bool{}
	last := 0
	for _, e := range l.Entries {
		if e.Egress == h.Egress {
			taken[e.Number] = true
			last = max(last, e.Number)
		}
	}
	denies, err := strconv.Atoi(h.Rule)
	if err != nil || denies == network.LastEntry {
		return min(last+10, network.LastEntry-1)
	}
	for denies--; denies > 1 && taken[denies]; {
		denies--
	}
	return denies
}

// everybody is the range that an entry names: the VPC for what stays in it.
func (a Attempt) everybody() netip.Prefix {
	for _, c := range a.VPC.CIDRs {
		if c.Contains(a.Addr) {
			return c.Masked()
		}
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
