package elbv2

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// The errors that people meet, in AWS's codes and words.
func TestRefusalsOfLoadBalancers(t *testing.T) {
	w := newWorld(t, nil)
	b := w.balancer("web")
	create := func(change func(*elbv2api.CreateLoadBalancerInput)) error {
		in := &elbv2api.CreateLoadBalancerInput{Name: "other", Subnets: []string{"subnet-a", "subnet-b"}}
		change(in)
		_, err := w.CreateLoadBalancer(w.ctx, in)
		return err
	}
	for want, change := range map[string]func(*elbv2api.CreateLoadBalancerInput){
		"ValidationError: At least two subnets in two different Availability Zones must be specified": func(in *elbv2api.CreateLoadBalancerInput) { in.Subnets = in.Subnets[:1] },
		"SubnetNotFound: The subnet ID 'subnet-q' does not exist":                                     func(in *elbv2api.CreateLoadBalancerInput) { in.Subnets[0] = "subnet-q" },
		"InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same Availability Zone": func(in *elbv2api.CreateLoadBalancerInput) {
			in.Subnets = []string{"subnet-a", "subnet-a2"}
		},
		"InvalidSubnet: VPC vpc-2 has no internet gateway":                                                                          func(in *elbv2api.CreateLoadBalancerInput) { in.Subnets = []string{"subnet-x", "subnet-y"} },
		"InvalidConfigurationRequest: One or more security groups are invalid":                                                      func(in *elbv2api.CreateLoadBalancerInput) { in.SecurityGroups = []string{"sg-9"} },
		"DuplicateLoadBalancerName: A load balancer with the same name 'web' exists, but with different settings":                   func(in *elbv2api.CreateLoadBalancerInput) { in.Name = "web" },
		"ValidationError: The load balancer type 'gateway' is not carried out by Neargate yet.":                                     func(in *elbv2api.CreateLoadBalancerInput) { in.Type = "gateway" },
		"ValidationError: The IP address type 'dualstack' is not carried out by Neargate yet.":                                      func(in *elbv2api.CreateLoadBalancerInput) { in.IpAddressType = "dualstack" },
		"ValidationError: The load balancer name 'a_b' can only contain characters that are alphanumeric characters and hyphens(-)": func(in *elbv2api.CreateLoadBalancerInput) { in.Name = "a_b" },
		"ValidationError: The load balancer name 'this-name-is-longer-than-names-are' cannot be longer than '32' characters":        func(in *elbv2api.CreateLoadBalancerInput) { in.Name = "this-name-is-longer-than-names-are" },
	} {
		w.refused(create(change), want)
	}
	again := w.balancer("web")
	if again.LoadBalancerArn != b.LoadBalancerArn {
		t.Errorf("the same request made another: %s and %s", b.LoadBalancerArn, again.LoadBalancerArn)
	}
	if !strings.HasPrefix(b.DNSName, "web-") || !strings.HasSuffix(b.DNSName, ".eu-west-1.elb.amazonaws.com") || b.CanonicalHostedZoneId != "Z32O12XQLNTSW2" {
		t.Errorf("its name is %s in the zone %s", b.DNSName, b.CanonicalHostedZoneId)
	}
	_, err := w.ModifyLoadBalancerAttributes(w.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: b.LoadBalancerArn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: "deletion_protection.enabled", Value: "true"}},
	})
	ok(t, err)
	_, err = w.DeleteLoadBalancer(w.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: b.LoadBalancerArn})
	w.refused(err, "OperationNotPermitted: Load balancer '"+b.LoadBalancerArn+"' cannot be deleted because deletion protection is enabled")
	_, err = w.DescribeLoadBalancers(w.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"none"}})
	w.refused(err, "LoadBalancerNotFound: Load balancers '[none]' not found")
	_, err = w.ModifyLoadBalancerAttributes(w.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: b.LoadBalancerArn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: "idle_timeout.timeout_seconds", Value: "0"}},
	})
	w.refused(err, "ValidationError: Load balancer attribute value '0' for key 'idle_timeout.timeout_seconds' is not valid: it must be between '1' and '4000' inclusive")
	for _, key := range []string{"ipv6.deny_all_igw_traffic", "waf.fail_open.enabled", "zonal_shift.config.enabled"} {
		_, err = w.ModifyLoadBalancerAttributes(w.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{
			LoadBalancerArn: b.LoadBalancerArn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: key, Value: "true"}},
		})
		w.refused(err, "ValidationError: Load balancer attribute value 'true' for key '"+key+"' is not valid: it must be 'false': nothing else is carried out by Neargate yet")
	}
}

func TestRefusalsOfListenersAndGroups(t *testing.T) {
	w := newWorld(t, nil)
	b, second := w.balancer("web"), w.balancer("second")
	g := w.group("api")
	l := w.listener(b.LoadBalancerArn, g.TargetGroupArn, 80)
	listen := func(balancer string, port int32, change func(*elbv2api.CreateListenerInput)) error {
		in := &elbv2api.CreateListenerInput{LoadBalancerArn: balancer, Protocol: "HTTP", Port: &port, DefaultActions: forwardTo(g.TargetGroupArn)}
		change(in)
		_, err := w.CreateListener(w.ctx, in)
		return err
	}
	same := func(*elbv2api.CreateListenerInput) {}
	ok(t, listen(b.LoadBalancerArn, 80, same))
	secure := func(arns ...string) func(*elbv2api.CreateListenerInput) {
		return func(in *elbv2api.CreateListenerInput) {
			in.Protocol = "HTTPS"
			for _, arn := range arns {
				in.Certificates = append(in.Certificates, elbv2api.Certificate{CertificateArn: arn})
			}
		}
	}
	w.refused(listen(b.LoadBalancerArn, 80, func(in *elbv2api.CreateListenerInput) {
		in.DefaultActions = []elbv2api.Action{{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: "404"}}}
	}), "DuplicateListener: A listener already exists on this port for this load balancer '"+b.LoadBalancerArn+"'")
	w.refused(listen(second.LoadBalancerArn, 80, same), "TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load balancer: "+g.TargetGroupArn)
	w.refused(listen(b.LoadBalancerArn, 443, secure()), "ValidationError: A certificate must be specified for HTTPS listeners")
	missing := "arn:aws:acm:eu-west-1:000000000000:certificate/12345678-1234-1234-1234-123456789012"
	w.refused(listen(b.LoadBalancerArn, 443, secure(missing)), "CertificateNotFound: Certificate '"+missing+"' not found")
	w.refused(listen(b.LoadBalancerArn, 443, secure(asked)), "UnsupportedCertificate: The certificate '"+asked+"' must have a fully-qualified domain name, a supported signature, and a supported key size.")
	w.refused(listen(b.LoadBalancerArn, 443, func(in *elbv2api.CreateListenerInput) {
		secure(known)(in)
		in.SslPolicy = "ELBSecurityPolicy-None"
	}), "SSLPolicyNotFound: SSL policy 'ELBSecurityPolicy-None' not found")
	ok(t, listen(b.LoadBalancerArn, 443, secure(known)))
	w.refused(listen(b.LoadBalancerArn, 81, func(in *elbv2api.CreateListenerInput) {
		in.DefaultActions = []elbv2api.Action{{Type: "redirect", RedirectConfig: &elbv2api.RedirectActionConfig{StatusCode: "HTTP_301"}}}
	}), "ValidationError: You must modify at least one of the following components to avoid a redirect loop: protocol, port, hostname or path.")
	w.refused(listen(b.LoadBalancerArn, 81, func(in *elbv2api.CreateListenerInput) { in.Protocol = "TCP" }), "ValidationError: Listener protocol 'TCP' must be one of 'HTTPS, HTTP'")

	_, err := w.DeleteTargetGroup(w.ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: g.TargetGroupArn})
	w.refused(err, "ResourceInUse: Target group '"+g.TargetGroupArn+"' is currently in use by a listener or a rule")
	_, err = w.CreateTargetGroup(w.ctx, &elbv2api.CreateTargetGroupInput{Name: "api", Protocol: "HTTP", Port: new(int32(81)), VpcId: vpcID, TargetType: "ip"})
	w.refused(err, "DuplicateTargetGroupName: A target group with the same name 'api' exists, but with different settings")
	_, err = w.CreateTargetGroup(w.ctx, &elbv2api.CreateTargetGroupInput{Name: "slow", Protocol: "HTTP", Port: new(int32(81)), VpcId: vpcID, HealthCheckTimeoutSeconds: new(int32(30))})
	w.refused(err, "ValidationError: Health check interval must be greater than the timeout.")
	_, err = w.RegisterTargets(w.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []elbv2api.TargetDescription{{Id: "10.9.0.1"}}})
	w.refused(err, "ValidationError: You must specify the Availability Zone 'all' for the IP address '10.9.0.1', which is not within the VPC 'vpc-1'")

	rule := func(priority int32) error {
		_, err := w.CreateRule(w.ctx, &elbv2api.CreateRuleInput{
			ListenerArn: l.ListenerArn, Priority: priority, Actions: forwardTo(g.TargetGroupArn), Conditions: []elbv2api.RuleCondition{{Field: "path-pattern", Values: []string{"/a/*"}}},
		})
		return err
	}
	ok(t, rule(5))
	w.refused(rule(5), "PriorityInUse: Priority '5' is currently in use")
	_, err = w.DeleteRule(w.ctx, &elbv2api.DeleteRuleInput{RuleArn: l.ListenerArn})
	w.refused(err, "ValidationError: '"+l.ListenerArn+"' is not a valid rule ARN")
	rules := must[*elbv2api.DescribeRulesOutput](w)(w.DescribeRules(w.ctx, &elbv2api.DescribeRulesInput{ListenerArn: l.ListenerArn}))
	if len(rules.Rules) != 2 || rules.Rules[0].Priority != "5" || rules.Rules[1].Priority != "default" || !*rules.Rules[1].IsDefault {
		t.Errorf("rules: %+v", rules.Rules)
	}
	_, err = w.DeleteRule(w.ctx, &elbv2api.DeleteRuleInput{RuleArn: rules.Rules[1].RuleArn})
	w.refused(err, "OperationNotPermitted: Default rule '"+rules.Rules[1].RuleArn+"' cannot be deleted")
}

// A load balancer takes its listeners and rules along, and its groups are free.
func TestDeletingALoadBalancerFreesItsGroups(t *testing.T) {
	w := newWorld(t, nil)
	b, g := w.balancer("web"), w.group("api")
	l := w.listener(b.LoadBalancerArn, g.TargetGroupArn, 80)
	groups := must[*elbv2api.DescribeTargetGroupsOutput](w)(w.DescribeTargetGroups(w.ctx, &elbv2api.DescribeTargetGroupsInput{LoadBalancerArn: b.LoadBalancerArn}))
	if len(groups.TargetGroups) != 1 || !slices.Equal(groups.TargetGroups[0].LoadBalancerArns, []string{b.LoadBalancerArn}) {
		t.Errorf("groups of the load balancer: %+v", groups.TargetGroups)
	}
	_, err := w.DeleteLoadBalancer(w.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: b.LoadBalancerArn})
	ok(t, err)
	_, err = w.DescribeListeners(w.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{l.ListenerArn}})
	w.refused(err, "ListenerNotFound: One or more listeners not found")
	_, err = w.DescribeLoadBalancers(w.ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{b.LoadBalancerArn}})
	w.refused(err, "LoadBalancerNotFound: Load balancers '["+b.LoadBalancerArn+"]' not found")
	_, err = w.DeleteTargetGroup(w.ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: g.TargetGroupArn})
	ok(t, err)
	_, err = w.DescribeTargetGroups(w.ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{g.TargetGroupArn}})
	w.refused(err, "TargetGroupNotFound: One or more target groups not found")
}
