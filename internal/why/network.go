package why

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
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
	Balancer        bool // a load balancer's node asks, not a task
	// Client is set when a node of a network load balancer asks in the name of its
	// client, and Protocol when that is not TCP.
	Client   netip.Addr
	Protocol int
	// Drops are packets that were really seen to be dropped, at the task's
	// interface or at the target's.
	Drops []network.Dropped
}

// Network says which route, rule or endpoint kept an attempt from succeeding.
// The Decision has no subjects yet. ok is false when everything on the way would
// have let it pass.
func Network(tx *store.Tx, site network.Site, a Attempt) (d decision.Decision, ok bool) {
	n := names{tx, a.Account, a.Region}
	d = decision.Decision{Account: a.Account, Region: a.Region, Confidence: decision.Observed, Verdict: decision.Timeout,
		Facts: []decision.Fact{{Name: "host", Value: a.Host}, {Name: "interface", Value: a.ENI}}}
	if !a.Addr.IsValid() {
		n.unresolved(a, &d)
		return d, true
	}
	d.Facts = append(d.Facts, decision.Fact{Name: "address", Value: netip.AddrPortFrom(a.Addr, uint16(a.Port)).String()})
	eni, _ := a.VPC.ENI(a.ENI)
	for _, drop := range a.Drops {
		if (drop.From == eni.IP || drop.From == a.Client) && drop.To == a.Addr && drop.Port == a.Port || drop.From == a.Addr && drop.To == eni.IP {
			d.Facts = append(d.Facts, decision.Fact{Name: factDropped, Value: dropText(drop)})
		}
	}
	hops := network.Explain(site, a.VPC, a.flow())
	for _, h := range hops {
		d.Facts = append(d.Facts, decision.Fact{Name: string(h.Kind), Value: h.Text})
	}
	last := hops[len(hops)-1]
	if last.Pass {
		return decision.Decision{}, false
	}
	switch last.Kind {
	case network.HopEgress:
		n.egress(a, &d)
	case network.HopIngress:
		n.ingress(a, &d)
	case network.HopNACL:
		n.acl(site, a, last, &d)
	default:
		n.noRoute(a, last, &d)
	}
	d.Where = n.where(d.Resource)
	return d, true
}

// who is asking, for people.
func (a Attempt) who() string {
	if a.Balancer {
		return "load balancer"
	}
	return "task"
}

// flow is the attempt as a flow.
func (a Attempt) flow() network.Flow {
	return network.Flow{From: a.ENI, To: a.Addr, Port: a.Port, Protocol: cmp.Or(a.Protocol, network.TCP), Client: a.Client}
}

// factDropped is the name of facts about packets that were seen to be dropped.
const factDropped = "dropped"

func dropText(d network.Dropped) string {
	rules := "inbound"
	if d.Egress {
		rules = "outbound"
	}
	times := "once"
	if d.Count > 1 {
		times = fmt.Sprintf("%d times", d.Count)
	}
	of := d.ENI
	if of == "" {
		of = d.ACL.ACL
	}
	return fmt.Sprintf("the %s rules of %s dropped %s from %s to %s, %s, last at %s",
		rules, of, network.Flow{Port: d.Port, Protocol: d.Protocol}, d.From, d.To, times, d.Last.UTC().Format(time.TimeOnly))
}

// unresolved explains a name that the VPC's resolver did not answer.
func (n names) unresolved(a Attempt, d *decision.Decision) {
	vpc := a.VPC.ID
	d.Phase, d.Resource, d.Where = decision.DNS, vpc, n.where(vpc)
	if a.VPC.DNSSupport {
		d.Code = "net.dns-name"
		d.Cause = fmt.Sprintf("%s has no address in %s", a.Host, n.name(vpc))
		return
	}
	d.Code = "net.dns-off"
	d.Cause = fmt.Sprintf("DNS support is off in %s, so %s does not resolve", n.name(vpc), a.Host)
	d.Fix = n.dnsSupport(vpc)
}

// dnsSupport switches the resolver of a VPC on.
func (n names) dnsSupport(vpc string) []decision.Fix {
	return n.set(vpc, snippet{
		cfn: "EnableDnsSupport: true", hcl: "enable_dns_support = true",
		cli: "aws ec2 modify-vpc-attribute --vpc-id " + vpc + " --enable-dns-support",
	})
}

// egress explains a packet that the task's own groups did not let out.
func (n names) egress(a Attempt, d *decision.Decision) {
	eni, _ := a.VPC.ENI(a.ENI)
	group := first(eni.Groups)
	d.Phase, d.Code, d.Resource = decision.SecurityGroup, "net.sg-egress", group
	d.Cause = fmt.Sprintf("no outbound rule of the %s's security group %s allows TCP %d to %s (%s)", a.who(), n.name(group), a.Port, a.Addr, a.Host)
	d.Fix = n.add(group, snippet{
		cfn: fmt.Sprintf("EgressOn%d:\n  Type: AWS::EC2::SecurityGroupEgress\n  Properties: { GroupId: %s, IpProtocol: tcp, FromPort: %d, ToPort: %d, CidrIp: 0.0.0.0/0 }", a.Port, n.ref(group), a.Port, a.Port),
		hcl: fmt.Sprintf("resource \"aws_vpc_security_group_egress_rule\" \"tcp_%d\" {\n  security_group_id = %q\n  cidr_ipv4         = \"0.0.0.0/0\"\n  ip_protocol       = \"tcp\"\n  from_port         = %d\n  to_port           = %d\n}", a.Port, group, a.Port, a.Port),
		cli: fmt.Sprintf("aws ec2 authorize-security-group-egress --group-id %s --protocol tcp --port %d --cidr 0.0.0.0/0", group, a.Port),
	})
}

// ingress explains a packet that the target's groups did not let in. The rule
// that is missing goes where the task's group is, as the target often belongs to
// everybody.
func (n names) ingress(a Attempt, d *decision.Decision) {
	source, _ := a.VPC.ENI(a.ENI)
	target, _ := a.VPC.ENIByIP(a.Addr)
	if a.Client.IsValid() || a.Balancer && len(source.Groups) == 0 {
		n.admit(a, d)
		return
	}
	from, to := first(source.Groups), first(target.Groups)
	d.Phase, d.Code, d.Resource = decision.SecurityGroup, "net.sg-ingress", to
	what := target.ID
	if target.Kind == network.InterfaceEndpoint {
		d.Phase, d.Code = decision.Endpoint, "net.endpoint-sg"
		what = "endpoint " + n.name(target.Owner)
	}
	d.Cause = fmt.Sprintf("the security group %s of %s has no inbound rule for TCP %d from the %s's group %s", n.name(to), what, a.Port, a.who(), n.name(from))
	cfn, hcl := "EndpointIngress", "endpoint"
	if a.Balancer {
		cfn, hcl = "BalancerIngress", "balancer"
	}
	d.Fix = n.add(from, snippet{
		cfn: fmt.Sprintf("%s:\n  Type: AWS::EC2::SecurityGroupIngress\n  Properties: { GroupId: %s, SourceSecurityGroupId: %s, IpProtocol: tcp, FromPort: %d, ToPort: %d }", cfn, n.refFrom(to, from), n.ref(from), a.Port, a.Port),
		hcl: fmt.Sprintf("resource \"aws_vpc_security_group_ingress_rule\" %q {\n  security_group_id            = %q\n  referenced_security_group_id = %q\n  ip_protocol                  = \"tcp\"\n  from_port                    = %d\n  to_port                      = %d\n}", hcl, to, from, a.Port, a.Port),
		cli: fmt.Sprintf("aws ec2 authorize-security-group-ingress --group-id %s --protocol tcp --port %d --source-group %s", to, a.Port, from),
	})
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
