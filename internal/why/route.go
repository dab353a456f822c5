package why

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// way is where an attempt begins: the task's interface, its subnet and the
// route table that the subnet follows.
type way struct {
	Attempt
	eni     network.ENI
	subnet  network.Subnet
	table   network.RouteTable
	service string // of AWS, "" for other hosts
}

// noRoute explains a destination that the subnet's routes do not lead to.
func (n names) noRoute(a Attempt, h network.Hop, d *decision.Decision) {
	w := way{Attempt: a, service: serviceOf(a.Host, a.Region)}
	w.eni, _ = a.VPC.ENI(a.ENI)
	w.subnet, _ = a.VPC.Subnet(w.eni.Subnet)
	w.table, _ = a.VPC.RouteTable(w.subnet.RouteTable)
	d.Phase, d.Resource = decision.Route, w.table.ID
	igw := n.gateway(a.VPC.ID)
	nat := n.nat(a.VPC.ID)
	switch {
	case h.Code == network.CodeNoPublicIP && h.Kind == network.HopRoute:
		n.noPublicIP(w, d)
	case h.Code == network.CodeRouteState:
		n.blackhole(w, h, d)
	case h.Kind == network.HopNAT:
		n.natWithoutRoute(w, h, d)
	case w.service != "" && n.privateDNSOff(a.VPC.ID, w.service) != "":
		n.privateDNS(w, d)
	case nat != "" && !endpoints(a.VPC):
		n.missingRoute(w, d, "nat-gateway", "NatGatewayId", "nat_gateway_id", nat)
	case igw != "" && w.eni.PublicIP.IsValid():
		n.missingRoute(w, d, "gateway", "GatewayId", "gateway_id", igw)
	case w.service != "":
		d.Phase, d.Code = decision.Endpoint, "net.endpoint-missing"
		d.Cause = fmt.Sprintf("%s has neither a route to %s (only %s) nor an endpoint for %s", n.name(w.subnet.ID), a.Host, describeRoutes(a.VPC, w.table), w.service)
		d.Fix = n.endpointFix(w)
	default:
		n.missingRoute(w, d, "nat-gateway", "NatGatewayId", "nat_gateway_id", "NAT_GATEWAY")
	}
}

// noPublicIP explains an internet gateway that does not carry the task. The
// fixes wait for the explainer, which knows whose task it is.
func (n names) noPublicIP(w way, d *decision.Decision) {
	d.Code = "net.igw-no-public-ip"
	d.Cause = fmt.Sprintf("%s leads to the internet gateway %s, which carries only tasks with a public IP, and this one has none", n.name(w.table.ID), n.name(defaultGateway(w.table)))
}

// missingRoute explains a table without a route to the internet.
func (n names) missingRoute(w way, d *decision.Decision, option, property, argument, target string) {
	d.Code = "net.no-route"
	d.Cause = fmt.Sprintf("%s of %s has no route to %s (%s), only %s", n.name(w.table.ID), n.name(w.subnet.ID), w.Addr, w.Host, describeRoutes(w.VPC, w.table))
	d.Fix = n.add(w.table.ID, snippet{
		cfn: fmt.Sprintf("DefaultRoute:\n  Type: AWS::EC2::Route\n  Properties: { RouteTableId: %s, DestinationCidrBlock: 0.0.0.0/0, %s: %s }", n.ref(w.table.ID), property, n.refFrom(target, w.table.ID)),
		hcl: fmt.Sprintf("resource \"aws_route\" \"default\" {\n  route_table_id         = %q\n  destination_cidr_block = \"0.0.0.0/0\"\n  %-22s = %q\n}", w.table.ID, argument, target),
		cli: fmt.Sprintf("aws ec2 create-route --route-table-id %s --destination-cidr-block 0.0.0.0/0 --%s-id %s", w.table.ID, option, target),
	})
}

// natWithoutRoute explains a NAT gateway that has no way out itself.
func (n names) natWithoutRoute(w way, h network.Hop, d *decision.Decision) {
	nat, _ := state.NatGateways.Get(n.tx, state.Key(n.account, n.region, h.ID))
	if nat == nil {
		nat = &state.NatGateway{ID: h.ID}
	}
	subnet, _ := w.VPC.Subnet(nat.SubnetID)
	igw := n.gateway(w.VPC.ID)
	if igw == "" {
		igw = "INTERNET_GATEWAY"
	}
	table := way{Attempt: w.Attempt, subnet: subnet}
	table.table, _ = w.VPC.RouteTable(subnet.RouteTable)
	n.missingRoute(table, d, "gateway", "GatewayId", "gateway_id", igw)
	d.Code, d.Resource = "net.nat-no-route", subnet.RouteTable
	d.Cause = fmt.Sprintf("%s leads to the NAT gateway %s, whose own subnet %s has no way to the internet: %s", n.name(w.table.ID), n.name(h.ID), n.name(subnet.ID), h.Text)
}

// blackhole explains a route whose target is gone.
func (n names) blackhole(w way, h network.Hop, d *decision.Decision) {
	d.Code = "net.blackhole"
	cidr, igw, nat := n.deadRoute(w)
	gone := igw + nat
	d.Cause = fmt.Sprintf("the route to %s in %s leads to %s, which is not there any more", cidr, n.name(w.table.ID), n.name(gone))
	switch _, exists := state.InternetGateways.Get(n.tx, state.Key(n.account, n.region, igw)); {
	case igw != "" && exists:
		d.Resource = igw
		d.Cause = fmt.Sprintf("the route to %s in %s leads to the internet gateway %s, which is not attached to %s", cidr, n.name(w.table.ID), n.name(igw), n.name(w.VPC.ID))
		d.Fix = n.add(w.table.ID, snippet{
			cfn: fmt.Sprintf("GatewayAttachment:\n  Type: AWS::EC2::VPCGatewayAttachment\n  Properties: { VpcId: %s, InternetGatewayId: %s }", n.refFrom(w.VPC.ID, w.table.ID), n.refFrom(igw, w.table.ID)),
			hcl: fmt.Sprintf("resource \"aws_internet_gateway_attachment\" \"internet\" {\n  vpc_id              = %q\n  internet_gateway_id = %q\n}", w.VPC.ID, igw),
			cli: fmt.Sprintf("aws ec2 attach-internet-gateway --internet-gateway-id %s --vpc-id %s", igw, w.VPC.ID),
		})
	case igw != "":
		d.Fix = n.add(w.table.ID, snippet{cli: lines(
			"igw=$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text)",
			"aws ec2 attach-internet-gateway --internet-gateway-id $igw --vpc-id "+w.VPC.ID,
			fmt.Sprintf("aws ec2 replace-route --route-table-id %s --destination-cidr-block %s --gateway-id $igw", w.table.ID, cidr))})
	default:
		d.Fix = n.newNAT(w, cidr)
	}
}

// newNAT makes a NAT gateway in place of one that is gone.
func (n names) newNAT(w way, cidr string) []decision.Fix {
	public := n.publicSubnet(w.VPC)
	return n.add(w.table.ID, snippet{
		cfn: fmt.Sprintf("NatAddress:\n  Type: AWS::EC2::EIP\n  Properties: { Domain: vpc }\nNatGateway:\n  Type: AWS::EC2::NatGateway\n  Properties: { SubnetId: %s, AllocationId: !GetAtt NatAddress.AllocationId }\n# and in the route to %s of %s:\n#   NatGatewayId: !Ref NatGateway", n.refFrom(public, w.table.ID), cidr, n.ref(w.table.ID)),
		hcl: fmt.Sprintf("resource \"aws_eip\" \"nat\" {\n  domain = \"vpc\"\n}\n\nresource \"aws_nat_gateway\" \"nat\" {\n  subnet_id     = %q\n  allocation_id = aws_eip.nat.id\n}\n\nresource \"aws_route\" \"default\" {\n  route_table_id         = %q\n  destination_cidr_block = %q\n  nat_gateway_id         = aws_nat_gateway.nat.id\n}", public, w.table.ID, cidr),
		cli: lines(
			"eip=$(aws ec2 allocate-address --domain vpc --query AllocationId --output text)",
			fmt.Sprintf("nat=$(aws ec2 create-nat-gateway --subnet-id %s --allocation-id $eip --query NatGateway.NatGatewayId --output text)", public),
			"aws ec2 wait nat-gateway-available --nat-gateway-ids $nat",
			fmt.Sprintf("aws ec2 replace-route --route-table-id %s --destination-cidr-block %s --nat-gateway-id $nat", w.table.ID, cidr)),
	})
}

// deadRoute is the route of the table that leads to the address and to nothing.
func (n names) deadRoute(w way) (cidr, igw, nat string) {
	table, ok := state.RouteTables.Get(n.tx, state.Key(n.account, n.region, w.table.ID))
	if !ok {
		return "", "", ""
	}
	longest := -1
	for i, r := range w.table.Routes {
		if r.Target.Kind == network.Blackhole && r.Destination.IsValid() && r.Destination.Contains(w.Addr) && r.Destination.Bits() > longest && i < len(table.Routes) {
			longest = r.Destination.Bits()
			cidr, igw, nat = table.Routes[i].DestinationCIDRBlock, table.Routes[i].InternetGatewayID, table.Routes[i].NATGatewayID
		}
	}
	return cidr, igw, nat
}

// gateway is the internet gateway that is attached to a VPC, "" for none.
func (n names) gateway(vpc string) string {
	for g := range state.InternetGateways.By(n.tx, "vpc", state.Key(n.account, n.region, vpc)) {
		return g.ID
	}
	return ""
}

// nat is a NAT gateway of a VPC that works, "" for none.
func (n names) nat(vpc string) string {
	for g := range state.NatGateways.By(n.tx, "vpc", state.Key(n.account, n.region, vpc)) {
		if g.State == "available" || g.State == "pending" {
			return g.ID
		}
	}
	return ""
}

// publicSubnet is a subnet whose default route leads to the internet gateway, the
// emptiest of them.
func (n names) publicSubnet(v network.VPC) string {
	emptiest, most := "PUBLIC_SUBNET", 0
	for _, s := range v.Subnets {
		if t, ok := v.RouteTable(s.RouteTable); !ok || defaultGateway(t) == "" {
			continue
		}
		room := 1 << (s.CIDR.Addr().BitLen() - s.CIDR.Bits())
		for _, e := range v.ENIs {
			if e.Subnet == s.ID {
				room--
			}
		}
		if room > most {
			emptiest, most = s.ID, room
		}
	}
	return emptiest
}

// endpoints reports whether a VPC has interface endpoints.
func endpoints(v network.VPC) bool {
	for _, e := range v.ENIs {
		if e.Kind == network.InterfaceEndpoint {
			return true
		}
	}
	return false
}

func describeRoutes(v network.VPC, t network.RouteTable) string {
	var out []string
	for _, c := range v.CIDRs {
		out = append(out, c.String()+" local")
	}
	for _, r := range t.Routes {
		if r.PrefixList != "" {
			out = append(out, r.PrefixList+" by "+r.Target.ID)
		} else if r.Destination.IsValid() {
			out = append(out, r.Destination.String()+" by "+r.Target.String())
		}
	}
	return strings.Join(out, ", ")
}

// defaultGateway returns the internet gateway of a table's default route.
func defaultGateway(t network.RouteTable) string {
	for _, r := range t.Routes {
		if r.Destination.IsValid() && r.Destination.Bits() == 0 && r.Destination.Addr().Is4() && r.Target.Kind == network.InternetGateway {
			return r.Target.ID
		}
	}
	return ""
}
