package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// testNetworkBalancer: a network load balancer carries TCP and UDP to the task, which
// sees the client's address, or the node's where it is not preserved, and lets in
// whom the load balancer's group lets in.
func testNetworkBalancer(b *balanced) {
	ctx := b.t.Context()
	elastic := b.aws("ec2", "allocate-address", "--query", "AllocationId", "--output", "text")
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "udp", "--port", "80", "--cidr", "203.0.113.1/32")
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.inner, "--protocol", "udp", "--port", "80", "--source-group", b.outer)
	arn := b.aws("elbv2", "create-load-balancer", "--name", "flows", "--type", "network", "--security-groups", b.outer, "--subnet-mappings", "SubnetId="+b.subnets[0]+",AllocationId="+elastic,
		"--query", "LoadBalancers[0].LoadBalancerArn", "--output", "text")
	group := b.aws("elbv2", "create-target-group", "--name", "flows", "--protocol", "TCP_UDP", "--port", "80", "--vpc-id", b.vpc, "--target-type", "ip",
		"--health-check-interval-seconds", "5", "--health-check-timeout-seconds", "2", "--query", "TargetGroups[0].TargetGroupArn", "--output", "text")
	plain := need[*elbv2api.CreateTargetGroupOutput](b.t)(b.api.CreateTargetGroup(ctx, &elbv2api.CreateTargetGroupInput{
		Name: "plain", Protocol: "TCP", Port: new(int32(80)), VpcId: b.vpc, TargetType: "ip", HealthCheckProtocol: "HTTP", HealthCheckPath: "/up",
	})).TargetGroups[0].TargetGroupArn
	for _, l := range []struct {
		port     int32
		protocol elbv2api.ProtocolEnum
		group    string
	}{{80, "TCP_UDP", group}, {81, "TCP", plain}} {
		need[*elbv2api.CreateListenerOutput](b.t)(b.api.CreateListener(ctx, &elbv2api.CreateListenerInput{
			LoadBalancerArn: arn, Protocol: l.protocol, Port: &l.port, DefaultActions: []elbv2api.Action{{Type: "forward", TargetGroupArn: l.group}},
		}))
		need[*elbv2api.RegisterTargetsOutput](b.t)(b.api.RegisterTargets(ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: l.group, Targets: []elbv2api.TargetDescription{{Id: b.address}}}))
	}
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "81", "--cidr", "203.0.113.1/32")
	described := need[*elbv2api.DescribeLoadBalancersOutput](b.t)(b.api.DescribeLoadBalancers(ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn}})).LoadBalancers[0]
	want := b.aws("ec2", "describe-addresses", "--allocation-ids", elastic, "--query", "Addresses[0].PublicIp", "--output", "text")
	b.name = described.DNSName
	if !strings.HasPrefix(b.name, "flows-") || !strings.HasSuffix(b.name, ".elb."+b.Region+".amazonaws.com") {
		b.t.Errorf("its name is %s", b.name)
	}
	b.eventually(20*time.Second, "the name leads to the elastic address", func() error {
		if found, err := new(net.Resolver).LookupHost(ctx, b.name); err != nil || len(found) != 1 || found[0] != want {
			return fmt.Errorf("%v %v, not %s", found, err, want)
		}
		return nil
	})
	node := b.aws("ec2", "describe-network-interfaces", "--filters", "Name=description,Values=ELB net/flows/*", "--query", "NetworkInterfaces[0].PrivateIpAddress", "--output", "text")
	b.eventually(30*time.Second, "TCP with the client's address", func() error { return b.answers("tcp", 80, "web GET /flow for  from 203.0.113.1") })
	b.eventually(30*time.Second, "UDP with the client's address", func() error { return b.answers("udp", 80, "web got ping from 203.0.113.1") })
	b.eventually(30*time.Second, "TCP with the node's address", func() error { return b.answers("tcp", 81, "web GET /flow for  from "+node) })
	b.aws("elbv2", "modify-target-group-attributes", "--target-group-arn", plain, "--attributes", "Key=preserve_client_ip.enabled,Value=true")
	b.eventually(15*time.Second, "and once it is preserved, the client's", func() error { return b.answers("tcp", 81, "web GET /flow for  from 203.0.113.1") })
	b.serviceBehind(group)
	need[*elbv2api.DeleteLoadBalancerOutput](b.t)(b.api.DeleteLoadBalancer(ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: arn}))
	if used := b.aws("ec2", "describe-addresses", "--allocation-ids", elastic, "--query", "Addresses[0].AssociationId", "--output", "text"); used != "None" {
		b.t.Errorf("the elastic address is still associated: %s", used)
	}
	b.aws("ec2", "revoke-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "81", "--cidr", "203.0.113.1/32")
}

// serviceBehind puts a service into a target group in place of the task that was
// registered by hand, and takes it out again.
func (b *balanced) serviceBehind(group string) {
	b.group = group
	need[*elbv2api.DeregisterTargetsOutput](b.t)(b.api.DeregisterTargets(b.t.Context(), &elbv2api.DeregisterTargetsInput{TargetGroupArn: group, Targets: []elbv2api.TargetDescription{{Id: b.address}}}))
	b.aws("ecs", "create-service", "--cluster", "tests", "--service-name", "flows", "--task-definition", "web", "--desired-count", "1", "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+b.subnets[0]+"],securityGroups=["+b.inner+"],assignPublicIp=ENABLED}", "--load-balancers", "targetGroupArn="+group+",containerName=web,containerPort=80")
	b.eventually(60*time.Second, "the service's task alone is healthy", func() error {
		out := need[*elbv2api.DescribeTargetHealthOutput](b.t)(b.api.DescribeTargetHealth(b.t.Context(), &elbv2api.DescribeTargetHealthInput{TargetGroupArn: group}))
		if all := out.TargetHealthDescriptions; len(all) != 1 || all[0].TargetHealth.State != "healthy" || all[0].Target.Id == b.address {
			return fmt.Errorf("%+v", all)
		}
		return nil
	})
	for network, want := range map[string]string{"tcp": "web GET /flow for  from 203.0.113.1", "udp": "web got ping from 203.0.113.1"} {
		b.eventually(20*time.Second, network+" to the service", func() error { return b.answers(network, 80, want) })
	}
	if events := b.aws("ecs", "describe-services", "--cluster", "tests", "--services", "flows", "--query", "services[0].events[].message", "--output", "text"); !strings.Contains(events, "(service flows) registered 1 targets in (target-group "+group+")") {
		b.t.Errorf("its events are %s", events)
	}
	b.aws("ecs", "delete-service", "--cluster", "tests", "--service", "flows", "--force")
	b.eventually(60*time.Second, "the task has left the target group", func() error {
		if h := b.health(); h != "none" {
			return errors.New(h)
		}
		return nil
	})
}

// answers says how the answer of the load balancer's port differs from what is wanted.
func (b *balanced) answers(network string, port int, want string) error {
	c, err := net.DialTimeout(network, net.JoinHostPort(b.name, fmt.Sprint(port)), 2*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	ask := "ping"
	if network == "tcp" {
		ask = "GET /flow HTTP/1.0\r\n\r\n"
	}
	if _, err := io.WriteString(c, ask); err != nil {
		return err
	}
	answer := make([]byte, 1500)
	n := 0
	for network == "tcp" || n == 0 {
		m, err := c.Read(answer[n:])
		if n += m; errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if !bytes.HasSuffix(answer[:n], []byte(want)) {
		return fmt.Errorf("got %q, not %q", answer[:n], want)
	}
	return nil
}
