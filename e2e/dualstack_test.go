package e2e

import (
	"io"
	"net"
	"strings"
	"time"
)

// checkDualStack gives the default VPC IPv6, and lets tasks and this machine speak
// it: where the account's setting and the security group allow.
func (p *prober) checkDualStack() {
	p.t.Helper()
	vpc := p.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true", "--query", "Vpcs[0].VpcId", "--output", "text")
	six := p.aws("ec2", "associate-vpc-cidr-block", "--vpc-id", vpc, "--amazon-provided-ipv6-cidr-block", "--query", "Ipv6CidrBlockAssociation.Ipv6CidrBlock", "--output", "text")
	network := p.defaultNetwork()
	subnet := network[strings.Index(network, "subnet-"):strings.Index(network, "]")]
	p.aws("ec2", "associate-subnet-cidr-block", "--subnet-id", subnet, "--ipv6-cidr-block", strings.Replace(six, "/56", "/64", 1))
	table := p.aws("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+vpc, "--query", "RouteTables[0].RouteTableId", "--output", "text")
	gateway := p.aws("ec2", "describe-internet-gateways", "--filters", "Name=attachment.vpc-id,Values="+vpc, "--query", "InternetGateways[0].InternetGatewayId", "--output", "text")
	p.aws("ec2", "create-route", "--route-table-id", table, "--destination-ipv6-cidr-block", "::/0", "--gateway-id", gateway)

	speaker := p.waitTask(p.cluster, p.launchProbe(network, "say", "six"), "RUNNING")
	address := speaker.Containers[0].NetworkInterfaces[0].Ipv6Address
	eni := p.aws("ec2", "describe-network-interfaces", "--network-interface-ids", speaker.detail("networkInterfaceId"), "--query", "NetworkInterfaces[0].Ipv6Addresses[0].Ipv6Address", "--output", "text")
	if address == "" || address != eni || !strings.HasPrefix(address, strings.TrimSuffix(six, "::/56")[:10]) {
		p.t.Fatalf("the task has %q, its interface %q of %s", address, eni, six)
	}
	there := net.JoinHostPort(address, "8080")
	p.seen(p.launchProbe(network, "see", there), "dial "+there+` said "six"`, " ["+strings.TrimSuffix(six, "::/56")[:10])

	call := func() string {
		c, err := net.DialTimeout("tcp6", there, time.Second)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		said, _ := io.ReadAll(c)
		return string(said)
	}
	if got := call(); !strings.HasSuffix(got, "i/o timeout") {
		p.t.Errorf("without a rule: %q", got)
	}
	group := p.aws("ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+vpc, "Name=group-name,Values=default", "--query", "SecurityGroups[0].GroupId", "--output", "text")
	p.aws("ec2", "authorize-security-group-ingress", "--group-id", group, "--ip-permissions", "IpProtocol=tcp,FromPort=8080,ToPort=8080,Ipv6Ranges=[{CidrIpv6=3fff::1/128}]")
	if got := call(); got != "six" {
		p.t.Errorf("with a rule for 3fff::1: %q", got)
	}

	p.aws("ecs", "put-account-setting-default", "--name", "dualStackIPv6", "--value", "disabled")
	p.seen(p.launchProbe(network, "see", there), "dial "+there+" no answer")
}
