package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// publicIP completes the finding about a task without a public address. Often not
// the address is missing, but the subnets are the wrong ones.
func (n names) publicIP(t *state.Task, f *Finding) {
	home := t.ARN()
	cli := n.relaunch(t, shortDefinition(t.TaskDefinition))
	if s := n.service(t); s != nil {
		home = s.ARN()
		cli = fmt.Sprintf("aws ecs update-service --cluster %s --service %s --network-configuration '%s' --query service.status", s.Cluster, s.Name, awsvpc(s.Network.Subnets, s.Network.SecurityGroups, true))
	} else {
		cli = strings.Replace(cli, "assignPublicIp=DISABLED", "assignPublicIp=ENABLED", 1)
	}
	cfn, hcl := "", ""
	if private := n.behindNAT(t); len(private) > 0 {
		cfn = "\n    # or, without one, subnets that lead to a NAT gateway:\n    # Subnets: " + n.refs(private, home)
		hcl = "\n  # or, without one, subnets that lead to a NAT gateway:\n  # subnets = " + hclList(private)
	}
	f.Changes = home
	f.Fixes = n.set(home, snippet{
		cfn: "NetworkConfiguration:\n  AwsvpcConfiguration:\n    AssignPublicIp: ENABLED" + cfn, hcl: "network_configuration {\n  assign_public_ip = true" + hcl + "\n}", cli: cli,
	})
}

// behindNAT are the subnets of the task's VPC that lead to a NAT gateway.
func (n names) behindNAT(t *state.Task) []string {
	at, ok := state.Subnets.Get(n.tx, state.Key(n.account, n.region, t.Subnet))
	if !ok {
		return nil
	}
	var out []string
	for s := range state.Subnets.By(n.tx, "vpc", state.Key(at.Account, at.Region, at.VpcID)) {
		for table := range state.RouteTables.By(n.tx, "subnet", s.Key()) {
			if slices.ContainsFunc(table.Routes, func(r state.Route) bool { return r.NATGatewayID != "" && r.DestinationCIDRBlock == "0.0.0.0/0" }) {
				out = append(out, s.ID)
			}
		}
	}
	return out
}

// subnetFull completes the finding about a subnet without a free address: one
// more subnet, in a range of the VPC that nothing has.
func (n names) subnetFull(t *state.Task, f *Finding) {
	full, ok := state.Subnets.Get(n.tx, state.Key(n.account, n.region, t.Subnet))
	if !ok {
		return
	}
	f.Resource, f.Where = full.ID, n.where(full.ID)
	f.Cause = fmt.Sprintf("%s (%s) has no free address left for the interface of the task", n.name(full.ID), full.CIDRBlock)
	free, ok := n.freeRange(full)
	if !ok {
		return
	}
	table := ""
	for r := range state.RouteTables.By(n.tx, "subnet", full.Key()) {
		table = r.ID
	}
	commands := []string{fmt.Sprintf("subnet=$(aws ec2 create-subnet --vpc-id %s --cidr-block %s --availability-zone %s --query Subnet.SubnetId --output text)", full.VpcID, free, full.AvailabilityZone)}
	if table != "" {
		commands = append(commands, "aws ec2 associate-route-table --subnet-id $subnet --query AssociationId --route-table-id "+table)
	}
	if s := n.service(t); s != nil {
		commands = append(commands, fmt.Sprintf("aws ecs update-service --cluster %s --service %s --query service.status --network-configuration \"%s\"",
			s.Cluster, s.Name, awsvpc(append(slices.DeleteFunc(slices.Clone(s.Network.Subnets), func(id string) bool { return id == full.ID }), "$subnet"), s.Network.SecurityGroups, s.Network.AssignPublicIP)))
	} else {
		commands = append(commands, strings.NewReplacer("'", `"`, t.Subnet, "$subnet").Replace(n.relaunch(t, shortDefinition(t.TaskDefinition))))
	}
	f.Fixes = n.add(full.ID, snippet{
		cfn: fmt.Sprintf("MoreAddresses:\n  Type: AWS::EC2::Subnet\n  Properties: { VpcId: %s, CidrBlock: %s, AvailabilityZone: %s }\n# with a SubnetRouteTableAssociation to %s, and in the service's Subnets", n.refFrom(full.VpcID, full.ID), free, full.AvailabilityZone, n.refFrom(table, full.ID)),
		hcl: fmt.Sprintf("resource \"aws_subnet\" \"more\" {\n  vpc_id            = %q\n  cidr_block        = %q\n  availability_zone = %q\n}\n\nresource \"aws_route_table_association\" \"more\" {\n  subnet_id      = aws_subnet.more.id\n  route_table_id = %q\n}", full.VpcID, free, full.AvailabilityZone, table),
		cli: lines(commands...),
	})
}

// newSubnetBits is how large a range a fix proposes.
const newSubnetBits = 24

// freeRange finds a range of the VPC that no subnet has.
func (n names) freeRange(full *state.Subnet) (netip.Prefix, bool) {
	vpc, ok := state.Vpcs.Get(n.tx, state.Key(n.account, n.region, full.VpcID))
	if !ok {
		return netip.Prefix{}, false
	}
	whole, err := netip.ParsePrefix(vpc.CIDRBlock)
	if err != nil {
		return netip.Prefix{}, false
	}
	var taken []netip.Prefix
	for s := range state.Subnets.By(n.tx, "vpc", vpc.Key()) {
		if p, err := netip.ParsePrefix(s.CIDRBlock); err == nil {
			taken = append(taken, p)
		}
	}
	bits := max(newSubnetBits, whole.Bits())
	for p := netip.PrefixFrom(whole.Masked().Addr(), bits); whole.Contains(p.Addr()); p = after(p) {
		if !slices.ContainsFunc(taken, p.Overlaps) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// after is the range of the same size that follows.
func after(p netip.Prefix) netip.Prefix {
	a := p.Addr().As4()
	next := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	next += 1 << (32 - p.Bits())
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(next >> 24), byte(next >> 16), byte(next >> 8), byte(next)}), p.Bits())
}
