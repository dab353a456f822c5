package why

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// privateDNS explains an endpoint that is there and whose name is not used.
func (n names) privateDNS(w way, d *decision.Decision) {
	off := n.privateDNSOff(w.VPC.ID, w.service)
	d.Phase, d.Code, d.Resource = decision.DNS, "net.private-dns-off", off
	d.Cause = fmt.Sprintf("%s resolves to a public address, because private DNS is off on the endpoint %s, and %s has no route there", w.Host, n.name(off), n.name(w.subnet.ID))
	d.Fix = n.set(off, snippet{
		cfn: "PrivateDnsEnabled: true", hcl: "private_dns_enabled = true",
		cli: "aws ec2 modify-vpc-endpoint --vpc-endpoint-id " + off + " --private-dns-enabled",
	})
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

// endpointFix is the endpoint that is missing. It goes where the other endpoints
// are, with their subnets and groups.
func (n names) endpointFix(w way) []decision.Fix {
	name := "com.amazonaws." + w.Region + "." + w.service
	if w.service == "s3" {
		return n.add(w.table.ID, snippet{
			cfn: fmt.Sprintf("S3Endpoint:\n  Type: AWS::EC2::VPCEndpoint\n  Properties:\n    VpcEndpointType: Gateway\n    ServiceName: !Sub com.amazonaws.${AWS::Region}.s3\n    VpcId: %s\n    RouteTableIds: [%s]", n.refFrom(w.VPC.ID, w.table.ID), n.ref(w.table.ID)),
			hcl: fmt.Sprintf("resource \"aws_vpc_endpoint\" \"s3\" {\n  vpc_id          = %q\n  service_name    = %q\n  route_table_ids = [%q]\n}", w.VPC.ID, name, w.table.ID),
			cli: fmt.Sprintf("aws ec2 create-vpc-endpoint --vpc-endpoint-type Gateway --vpc-id %s --service-name %s --route-table-ids %s", w.VPC.ID, name, w.table.ID),
		})
	}
	subnets, groups := n.siblings(w)
	s := snippet{
		cfn: fmt.Sprintf("%sEndpoint:\n  Type: AWS::EC2::VPCEndpoint\n  Properties:\n    VpcEndpointType: Interface\n    PrivateDnsEnabled: true\n    ServiceName: !Sub com.amazonaws.${AWS::Region}.%s\n    VpcId: %s\n    SubnetIds: %s",
			logicalID(w.service), w.service, n.refFrom(w.VPC.ID, w.subnet.ID), n.refs(subnets, w.subnet.ID)),
		hcl: fmt.Sprintf("resource \"aws_vpc_endpoint\" %q {\n  vpc_id              = %q\n  vpc_endpoint_type   = \"Interface\"\n  service_name        = %q\n  subnet_ids          = %s\n  private_dns_enabled = true\n",
			strings.ReplaceAll(w.service, ".", "_"), w.VPC.ID, name, hclList(subnets)),
		cli: fmt.Sprintf("aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id %s --service-name %s --subnet-ids %s", w.VPC.ID, name, strings.Join(subnets, " ")),
	}
	if len(groups) > 0 {
		s.cfn += "\n    SecurityGroupIds: " + n.refs(groups, w.subnet.ID)
		s.hcl += "  security_group_ids  = " + hclList(groups) + "\n"
		s.cli += " --security-group-ids " + strings.Join(groups, " ")
	}
	s.hcl += "}"
	s.cli += " --private-dns-enabled"
	return n.add(w.subnet.ID, s)
}

// siblings are the subnets and groups of the VPC's other interface endpoints; the
// task's own subnet where there are none.
func (n names) siblings(w way) (subnets, groups []string) {
	for e := range state.VpcEndpoints.By(n.tx, "vpc", state.Key(n.account, n.region, w.VPC.ID)) {
		if e.Type == "Interface" && len(e.SubnetIDs) > len(subnets) {
			subnets, groups = e.SubnetIDs, e.SecurityGroupIDs
		}
	}
	if len(subnets) == 0 {
		return []string{w.subnet.ID}, nil // the VPC's default group
	}
	return subnets, groups
}

// logicalID makes a template's name of a service: ecr.api becomes EcrApi.
func logicalID(service string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(service, func(r rune) bool { return r == '.' || r == '-' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
