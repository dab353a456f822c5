package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestInsideTheIsolatedVPC looks out of a task of the seed's VPC, through a
// static program in an empty image, and out of tasks elsewhere for comparison.
func TestInsideTheIsolatedVPC(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	internet := makeBelieveInternet(t)
	dir := a.isolatedVPC()
	image := a.push(busyboxArchive(t, a.dir, "sleep", "1000"), "sample-app-repo", "sample")
	if r := a.samDeploy(dir, image); r.code != 0 {
		t.Fatalf("sam deploy: exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	s := a.deployedStack(image)
	p := &prober{deployed: s, image: a.push(probeArchive(t, a.dir), "probe", "1")}
	p.roleARN = a.aws("iam", "get-role", "--role-name", s.role, "--query", "Role.Arn", "--output", "text")

	calls := p.launchCalls()
	logs, sts := "logs."+a.Region+".amazonaws.com", "sts."+a.Region+".amazonaws.com"
	isolated := "awsvpcConfiguration={subnets=[" + s.subnets[0] + "],securityGroups=[" + s.taskGroup + "]}"
	second := p.secondVPC()
	speaker := a.waitTask(s.cluster, p.launchProbe(second, "say", "second"), "RUNNING")
	neighbour := speaker.detail("privateIPv4Address") + ":8080"
	if !strings.HasPrefix(neighbour, "10.0.") {
		t.Fatalf("the second VPC's task has the address %q", neighbour)
	}
	inside := p.launchProbe(isolated, "see", logs, sts, internet, neighbour)
	public := p.launchProbe(a.defaultNetwork(), "see", internet, neighbour)
	beside := p.launchProbe(second, "see", neighbour)

	t.Run("default VPC", func(t *testing.T) {
		p.in(t).seen(public, "dial "+internet+" said \"internet", "dial "+neighbour+" no answer")
	})
	t.Run("second VPC with the same CIDR", func(t *testing.T) { p.in(t).seen(beside, "dial "+neighbour+" said \"second\"") })
	t.Run("public IP from this machine", func(t *testing.T) { p.in(t).checkPublicIP(speaker) })
	t.Run("dual stack", func(t *testing.T) { p.in(t).checkDualStack() })
	t.Run("isolated VPC", func(t *testing.T) {
		p := p.in(t)
		out := p.seen(inside,
			"metadata "+inside+" FARGATE probe", "container probe "+p.image, "credentials false",
			"dial "+logs+" true", "tls "+logs+" <nil>",
			"dial "+sts+" false", "dial "+internet+" no answer", "dial "+neighbour+" no answer")
		p.checkLookup(out, logs)
	})
	t.Run("calls with a task role", func(t *testing.T) { p.in(t).checkCalls(calls) })
}

// checkPublicIP calls a task that says "second" at its public address, before and
// after its security group lets this machine in.
func (p *prober) checkPublicIP(speaker task) {
	p.t.Helper()
	eni := awsJSON[struct {
		Association struct{ PublicIp, PublicDnsName string }
		Groups      []struct{ GroupId string }
	}](p.account, "ec2", "describe-network-interfaces", "--network-interface-ids", speaker.detail("networkInterfaceId"), "--query", "NetworkInterfaces[0]")
	call := func() string {
		c, err := net.DialTimeout("tcp4", eni.Association.PublicIp+":8080", time.Second)
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
	p.aws("ec2", "authorize-security-group-ingress", "--group-id", eni.Groups[0].GroupId, "--protocol", "tcp", "--port", "8080", "--cidr", "203.0.113.1/32")
	if got := call(); got != "second" {
		p.t.Errorf("with a rule for 203.0.113.1: %q", got)
	}
}

// prober runs tasks with the probe's image.
type prober struct {
	*deployed
	image, roleARN string
}

func (p *prober) in(t *testing.T) *prober {
	sub := *p
	sub.deployed = p.deployed.in(t)
	return &sub
}

// launchProbe runs the probe with a command line, its output in the seed's log group.
func (p *prober) launchProbe(network string, args ...string) string {
	p.t.Helper()
	definition := p.register(fmt.Sprintf(`{"family":"probe","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"probe","image":%q,"command":["%s"],"logConfiguration":%s}]}`, p.roleARN, p.image, strings.Join(args, `","`), p.logConfiguration()))
	return p.aws("ecs", "run-task", "--cluster", p.cluster, "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration", network, "--query", "tasks[0].taskArn", "--output", "text")
}

func (p *prober) logConfiguration() string {
	return fmt.Sprintf(`{"logDriver":"awslogs","options":{"awslogs-group":%q,"awslogs-region":%q,"awslogs-stream-prefix":"p"}}`, p.logs, p.Region)
}

// output is what a container of a stopped task wrote.
func (p *prober) output(stopped task, container string) string {
	p.t.Helper()
	return strings.Join(awsJSON[[]string](p.account, "logs", "get-log-events", "--log-group-name", p.logs, "--log-stream-name", "p/"+container+"/"+stopped.id(), "--start-from-head", "--query", "events[].message"), "\n")
}

// seen waits for a probe to end and checks for texts in what it wrote, which it returns.
func (p *prober) seen(arn string, wants ...string) string {
	p.t.Helper()
	stopped := p.waitTask(p.cluster, arn, "STOPPED")
	if stopped.StopCode != "EssentialContainerExited" {
		p.t.Fatalf("the task stopped: %s %s", stopped.StopCode, stopped.StoppedReason)
	}
	out := p.output(stopped, "probe")
	for _, want := range wants {
		if !strings.Contains(out, want) {
			p.t.Errorf("no %q in\n%s", want, out)
		}
	}
	return out
}

// checkLookup checks that a name resolved to its endpoint's two addresses.
func (p *prober) checkLookup(out, name string) {
	p.t.Helper()
	interfaces := p.aws("ec2", "describe-vpc-endpoints", "--filters", "Name=service-name,Values=com.amazonaws."+p.Region+".logs", "--query", "VpcEndpoints[0].NetworkInterfaceIds", "--output", "text")
	addresses := strings.Fields(p.aws(append([]string{"ec2", "describe-network-interfaces", "--query", "NetworkInterfaces[].PrivateIpAddress", "--output", "text", "--network-interface-ids"}, strings.Fields(interfaces)...)...))
	if len(addresses) != 2 {
		p.t.Fatalf("the endpoint has the addresses %v", addresses)
	}
	for line := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(line, "lookup "+name+" ") {
			if !strings.Contains(line, addresses[0]) || !strings.Contains(line, addresses[1]) || strings.Contains(line, "198.18.") {
				p.t.Errorf("%q, want the endpoint's %v", line, addresses)
			}
			return
		}
	}
	p.t.Errorf("%s was not looked up", name)
}

// secondVPC makes a VPC with the CIDR of the seed's and a way to the internet,
// and returns the network configuration of tasks in it.
func (p *prober) secondVPC() string {
	p.t.Helper()
	vpc := p.aws("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--query", "Vpc.VpcId", "--output", "text")
	subnet := p.aws("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.77.0/24", "--query", "Subnet.SubnetId", "--output", "text")
	gateway := p.aws("ec2", "create-internet-gateway", "--query", "InternetGateway.InternetGatewayId", "--output", "text")
	p.aws("ec2", "attach-internet-gateway", "--vpc-id", vpc, "--internet-gateway-id", gateway)
	table := p.aws("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+vpc, "--query", "RouteTables[0].RouteTableId", "--output", "text")
	p.aws("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", gateway)
	// A new VPC's default group lets its members reach each other.
	return "awsvpcConfiguration={subnets=[" + subnet + "],assignPublicIp=ENABLED}"
}
