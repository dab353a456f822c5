package why

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Clients says what keeps clients of a network load balancer from a target to which it
// carries them with their own addresses: one decision for each client whose packets
// were seen to be dropped.
type Clients func(account, region, node string, to netip.Addr, port int) []decision.Decision

// clients explains healthy targets that do not let the clients in whose addresses
// their target group preserves: health checks come from the nodes, clients do not.
func (x *Explainer) clients(n names, g *state.TargetGroup, t *state.Target) []Finding {
	to, err := netip.ParseAddr(t.ID)
	if err != nil || x.Clients == nil || !g.PreservesClients() {
		return nil
	}
	var out []Finding
	for _, lb := range n.balancersOf(g.ARN()) {
		for _, node := range lb.Subnets {
			for _, d := range x.Clients(t.Account, t.Region, node.InterfaceID, to, int(t.Port)) {
				d.Time = time.Now()
				out = append(out, finding(d, nil))
			}
			if len(out) > 0 {
				return out // the groups are those of every node
			}
		}
	}
	return nil
}

// admit explains a packet that a target's group did not let in, and that no group of
// the other end can: of a node without groups, or of a client whose address is preserved.
func (n names) admit(a Attempt, d *decision.Decision) {
	node, _ := a.VPC.ENI(a.ENI)
	target, _ := a.VPC.ENIByIP(a.Addr)
	to, group := first(target.Groups), first(node.Groups)
	subnet, _ := a.VPC.Subnet(node.Subnet)
	from, who := subnet.CIDR.String(), "the load balancer's nodes, which have no security group, at "+subnet.CIDR.String()
	d.Phase, d.Code, d.Resource = decision.SecurityGroup, "net.sg-ingress", to
	if a.Client.IsValid() {
		from, who = netip.PrefixFrom(a.Client, a.Client.BitLen()).String(), "the client "+a.Client.String()+", whose address the load balancer preserves"
		d.Code = "lb.client-address"
	}
	protocol := "tcp"
	if a.Protocol == network.UDP {
		protocol = "udp"
	}
	d.Cause = fmt.Sprintf("the security group %s of %s has no inbound rule for %s %d from %s", n.name(to), target.ID, protocol, a.Port, who)
	cfn, hcl, cli := fmt.Sprintf("CidrIp: %s", from), fmt.Sprintf("cidr_ipv4         = %q", from), "--cidr "+from
	if group != "" {
		d.Cause += ", or from the load balancer's group " + n.name(group)
		cfn, hcl, cli = "SourceSecurityGroupId: "+n.ref(group), fmt.Sprintf("referenced_security_group_id = %q", group), "--source-group "+group
	}
	d.Fix = n.add(to, snippet{
		cfn: fmt.Sprintf("BalancerIngress:\n  Type: AWS::EC2::SecurityGroupIngress\n  Properties: { GroupId: %s, %s, IpProtocol: %s, FromPort: %d, ToPort: %d }", n.ref(to), cfn, protocol, a.Port, a.Port),
		hcl: fmt.Sprintf("resource \"aws_vpc_security_group_ingress_rule\" \"balancer\" {\n  security_group_id = %q\n  %s\n  ip_protocol       = %q\n  from_port         = %d\n  to_port           = %d\n}", to, hcl, protocol, a.Port, a.Port),
		cli: fmt.Sprintf("aws ec2 authorize-security-group-ingress --group-id %s --protocol %s --port %d %s", to, protocol, a.Port, cli),
	})
}
