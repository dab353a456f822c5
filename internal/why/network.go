package why

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Attempt is a connection from a task that did not come about.
type Attempt struct {
	Account, Region string
	VPC             network.VPC
	ENI             string
	Host            string     // the name that was asked for
	Addr            netip.Addr // what it resolved to; invalid when it did not resolve
	Port            int
}

// Network says which route, rule or endpoint kept an attempt from succeeding.
// The Decision has no subjects yet. ok is false when everything on the way would
// have let it pass.
func Network(tx *store.Tx, site network.Site, a Attempt) (d decision.Decision, ok bool) {
	n := names{tx, a.Account, a.Region}
	d = decision.Decision{Account: a.Account, Region: a.Region, Confidence: decision.Observed, Verdict: decision.Timeout,
		Facts: []decision.Fact{{Name: "host", Value: a.Host}, {Name: "interface", Value: a.ENI}}}
	if !a.Addr.IsValid() {
		return n.unresolved(a, d), true
	}
	d.Facts = append(d.Facts, decision.Fact{Name: "address", Value: netip.AddrPortFrom(a.Addr, uint16(a.Port)).String()})
	hops := network.Explain(site, a.VPC, network.Flow{From: a.ENI, To: a.Addr, Port: a.Port, Protocol: network.TCP})
	for _, h := range hops {
		d.Facts = append(d.Facts, decision.Fact{Name: string(h.Kind), Value: h.Text})
	}
	last := hops[len(hops)-1]
	if last.Pass {
		return decision.Decision{}, false
	}
	switch last.Kind {
	case network.HopEgress:
		n.egress(a, last, &d)
	case network.HopIngress:
		n.ingress(a, last, &d)
	default:
		n.noRoute(a, last, &d)
	}
	return d, true
}

// unresolved explains a name that the VPC's resolver did not answer.
func (n names) unresolved(a Attempt, d decision.Decision) decision.Decision {
	d.Phase = decision.DNS
	d.Where = n.name(a.VPC.ID)
	if !a.VPC.DNSSupport {
		d.Code = "net.dns-off"
		d.Cause = fmt.Sprintf("DNS support is off in %s, so %s does not resolve", n.name(a.VPC.ID), a.Host)
		d.Fix = []decision.Fix{
			{Lang: "cloudformation", Target: n.name(a.VPC.ID), Text: "EnableDnsSupport: true"},
			{Lang: "cli", Text: "aws ec2 modify-vpc-attribute --vpc-id " + a.VPC.ID + " --enable-dns-support"},
		}
		return d
	}
	d.Code = "net.dns-name"
	d.Cause = fmt.Sprintf("%s has no address in %s", a.Host, n.name(a.VPC.ID))
	return d
}

// egress explains a packet that the task's own groups did not let out.
func (n names) egress(a Attempt, h network.Hop, d *decision.Decision) {
	eni, _ := a.VPC.ENI(a.ENI)
	group := first(eni.Groups)
	d.Phase, d.Code, d.Where = decision.SecurityGroup, "net.sg-egress", n.name(group)
	d.Cause = fmt.Sprintf("no outbound rule of the task's security group %s allows TCP %d to %s (%s)", n.name(group), a.Port, a.Addr, a.Host)
	d.Fix = []decision.Fix{
		{Lang: "cloudformation", Target: n.stackOf(group), Text: fmt.Sprintf("EgressToEndpoints:\n  Type: AWS::EC2::SecurityGroupEgress\n  Properties: { GroupId: %s, IpProtocol: tcp, FromPort: %d, ToPort: %d, CidrIp: 0.0.0.0/0 }", n.ref(group), a.Port, a.Port)},
		{Lang: "cli", Text: fmt.Sprintf("aws ec2 authorize-security-group-egress --group-id %s --protocol tcp --port %d --cidr 0.0.0.0/0", group, a.Port)},
	}
}

// ingress explains a packet that the target's groups did not let in.
func (n names) ingress(a Attempt, h network.Hop, d *decision.Decision) {
	source, _ := a.VPC.ENI(a.ENI)
	target, _ := a.VPC.ENIByIP(a.Addr)
	from, to := first(source.Groups), first(target.Groups)
	d.Phase, d.Code, d.Where = decision.SecurityGroup, "net.sg-ingress", n.name(to)
	what := target.ID
	if target.Kind == network.InterfaceEndpoint {
		d.Phase, d.Code = decision.Endpoint, "net.endpoint-sg"
		what = "endpoint " + n.name(target.Owner)
	}
	d.Cause = fmt.Sprintf("the security group %s of %s has no inbound rule for TCP %d from the task's group %s", n.name(to), what, a.Port, n.name(from))
	d.Fix = []decision.Fix{
		{Lang: "cloudformation", Target: n.stackOf(from), Text: fmt.Sprintf("EndpointIngress:\n  Type: AWS::EC2::SecurityGroupIngress\n  Properties: { GroupId: %s, SourceSecurityGroupId: %s, IpProtocol: tcp, FromPort: %d, ToPort: %d }", n.refFrom(to, from), n.ref(from), a.Port, a.Port)},
		{Lang: "terraform", Text: fmt.Sprintf("resource \"aws_vpc_security_group_ingress_rule\" \"endpoint\" {\n  security_group_id            = %q\n  referenced_security_group_id = %q\n  ip_protocol = \"tcp\"\n  from_port   = %d\n  to_port     = %d\n}", to, from, a.Port, a.Port)},
		{Lang: "cli", Text: fmt.Sprintf("aws ec2 authorize-security-group-ingress --group-id %s --protocol tcp --port %d --source-group %s", to, a.Port, from)},
	}
}

// noRoute explains a destination that the subnet's routes do not lead to.
func (n names) noRoute(a Attempt, h network.Hop, d *decision.Decision) {
	eni, _ := a.VPC.ENI(a.ENI)
	subnet, _ := a.VPC.Subnet(eni.Subnet)
	table, _ := a.VPC.RouteTable(subnet.RouteTable)
	d.Phase, d.Where = decision.Route, n.name(table.ID)
	service := serviceOf(a.Host, a.Region)
	if gateway := defaultGateway(table); gateway != "" && !eni.PublicIP.IsValid() {
		d.Code = "net.igw-no-public-ip"
		d.Cause = fmt.Sprintf("%s leads to the internet gateway %s, which carries only tasks with a public IP, and this one has none", n.name(table.ID), n.name(gateway))
		d.Fix = []decision.Fix{
			{Lang: "cloudformation", Target: "the service's AwsvpcConfiguration", Text: "AssignPublicIp: ENABLED"},
			{Lang: "terraform", Text: "network_configuration {\n  assign_public_ip = true\n}"},
			{Lang: "cli", Text: "aws ecs update-service --service SERVICE --network-configuration 'awsvpcConfiguration={subnets=[" + subnet.ID + "],securityGroups=[" + strings.Join(eni.Groups, ",") + "],assignPublicIp=ENABLED}'"},
		}
		return
	}
	if service == "" {
		d.Code = "net.no-route"
		d.Cause = fmt.Sprintf("%s of %s has no route to %s (%s)", n.name(table.ID), n.name(subnet.ID), a.Addr, a.Host)
		d.Fix = []decision.Fix{{Lang: "cli", Text: fmt.Sprintf("aws ec2 create-route --route-table-id %s --destination-cidr-block 0.0.0.0/0 --nat-gateway-id NAT_GATEWAY", table.ID)}}
		return
	}
	d.Phase, d.Code = decision.Endpoint, "net.endpoint-missing"
	d.Cause = fmt.Sprintf("%s has neither a route to %s (only %s) nor an endpoint for %s", n.name(subnet.ID), a.Host, describeRoutes(a.VPC, table), service)
	if off := n.privateDNSOff(a.VPC.ID, service); off != "" {
		d.Phase, d.Code, d.Where = decision.DNS, "net.private-dns-off", n.name(off)
		d.Cause = fmt.Sprintf("%s resolves to a public address, because private DNS is off on the endpoint %s, and %s has no route there", a.Host, n.name(off), n.name(subnet.ID))
		d.Fix = []decision.Fix{
			{Lang: "cloudformation", Target: n.name(off), Text: "PrivateDnsEnabled: true"},
			{Lang: "cli", Text: "aws ec2 modify-vpc-endpoint --vpc-endpoint-id " + off + " --private-dns-enabled"},
		}
		return
	}
	d.Fix = n.endpointFix(a, service, subnet, table)
}

// endpointFix is the endpoint that is missing.
func (n names) endpointFix(a Attempt, service string, subnet network.Subnet, table network.RouteTable) []decision.Fix {
	name := "com.amazonaws." + a.Region + "." + service
	if service == "s3" {
		return []decision.Fix{
			{Lang: "cloudformation", Target: n.stackOf(table.ID), Text: fmt.Sprintf("S3Endpoint:\n  Type: AWS::EC2::VPCEndpoint\n  Properties:\n    VpcEndpointType: Gateway\n    ServiceName: !Sub com.amazonaws.${AWS::Region}.s3\n    VpcId: %s\n    RouteTableIds: [%s]", n.refFrom(a.VPC.ID, table.ID), n.ref(table.ID))},
			{Lang: "terraform", Text: fmt.Sprintf("resource \"aws_vpc_endpoint\" \"s3\" {\n  vpc_id          = %q\n  service_name    = %q\n  route_table_ids = [%q]\n}", a.VPC.ID, name, table.ID)},
			{Lang: "cli", Text: fmt.Sprintf("aws ec2 create-vpc-endpoint --vpc-endpoint-type Gateway --vpc-id %s --service-name %s --route-table-ids %s", a.VPC.ID, name, table.ID)},
		}
	}
	group := n.endpointGroup(a.VPC)
	logical := logicalID(service) + "Endpoint"
	groups := ""
	cliGroups := ""
	if group != "" {
		groups = fmt.Sprintf("\n    SecurityGroupIds: [%s]", n.refFrom(group, subnet.ID))
		cliGroups = " --security-group-ids " + group
	}
	return []decision.Fix{
		{Lang: "cloudformation", Target: n.stackOf(subnet.ID), Text: fmt.Sprintf("%s:\n  Type: AWS::EC2::VPCEndpoint\n  Properties:\n    VpcEndpointType: Interface\n    PrivateDnsEnabled: true\n    ServiceName: !Sub com.amazonaws.${AWS::Region}.%s\n    VpcId: %s\n    SubnetIds: [%s]%s", logical, service, n.refFrom(a.VPC.ID, subnet.ID), n.ref(subnet.ID), groups)},
		{Lang: "terraform", Text: fmt.Sprintf("resource \"aws_vpc_endpoint\" %q {\n  vpc_id              = %q\n  vpc_endpoint_type   = \"Interface\"\n  service_name        = %q\n  subnet_ids          = [%q]\n  security_group_ids  = [%q]\n  private_dns_enabled = true\n}", strings.ReplaceAll(service, ".", "_"), a.VPC.ID, name, subnet.ID, group)},
		{Lang: "cli", Text: fmt.Sprintf("aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id %s --service-name %s --subnet-ids %s%s --private-dns-enabled", a.VPC.ID, name, subnet.ID, cliGroups)},
	}
}

// logicalID makes a template's name of a service: ecr.api becomes EcrApi.
func logicalID(service string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(service, ".") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
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
		if r.Destination.IsValid() && r.Destination.Bits() == 0 && r.Target.Kind == network.InternetGateway {
			return r.Target.ID
		}
	}
	return ""
}

// serviceOf turns a host name into the name of an endpoint service (logs,
// ecr.api); "" for hosts that are not AWS's.
func serviceOf(host, region string) string {
	name, ok := strings.CutSuffix(strings.TrimSuffix(host, "."), "."+region+".amazonaws.com")
	if !ok {
		if strings.HasSuffix(host, ".s3.amazonaws.com") || host == "s3.amazonaws.com" {
			return "s3"
		}
		return ""
	}
	switch {
	case name == "api.ecr":
		return "ecr.api"
	case strings.HasSuffix(name, ".dkr.ecr"):
		return "ecr.dkr"
	case name == "s3" || strings.HasSuffix(name, ".s3"):
		return "s3"
	}
	return name
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// privateDNSOff returns an endpoint of the service whose private DNS is off.
func (n names) privateDNSOff(vpc, service string) string {
	for e := range state.VpcEndpoints.By(n.tx, "vpc", state.Key(n.account, n.region, vpc)) {
		if e.Type == "Interface" && !e.PrivateDNSEnabled && strings.HasSuffix(e.ServiceName, "."+service) {
			return e.ID
		}
	}
	return ""
}

// endpointGroup returns the security group that the VPC's other endpoints carry.
func (n names) endpointGroup(v network.VPC) string {
	for _, e := range v.ENIs {
		if e.Kind == network.InterfaceEndpoint && len(e.Groups) > 0 {
			return e.Groups[0]
		}
	}
	return ""
}
