package cloudformation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// checkBalancer looks at the load balancer after the update to the size 24.
func checkBalancer(w *world, s cloudformationapi.Stack) {
	w.t.Helper()
	b := call[elbv2api.DescribeLoadBalancersOutput](w, elbv2api.Model, "DescribeLoadBalancers", &elbv2api.DescribeLoadBalancersInput{}).LoadBalancers
	b = slices.DeleteFunc(b, func(b elbv2api.LoadBalancer) bool { return b.Type == "network" })
	checkNetworkBalancer(w)
	if len(b) != 1 || b[0].DNSName != output(s, "BalancerName") || len(b[0].AvailabilityZones) != 2 || !strings.HasPrefix(b[0].LoadBalancerName, "all-Balancer-") {
		w.t.Fatalf("%+v", b)
	}
	attributes := call[elbv2api.DescribeLoadBalancerAttributesOutput](w, elbv2api.Model, "DescribeLoadBalancerAttributes", &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: b[0].LoadBalancerArn}).Attributes
	if !slices.Contains(attributes, elbv2api.LoadBalancerAttribute{Key: "idle_timeout.timeout_seconds", Value: "24"}) {
		w.t.Errorf("%+v", attributes)
	}
	groups := call[elbv2api.DescribeTargetGroupsOutput](w, elbv2api.Model, "DescribeTargetGroups", &elbv2api.DescribeTargetGroupsInput{LoadBalancerArn: b[0].LoadBalancerArn}).TargetGroups
	if len(groups) != 1 || *groups[0].HealthCheckIntervalSeconds != 24 || groups[0].Matcher.HttpCode != "200-299" {
		w.t.Fatalf("%+v", groups)
	}
	targets := call[elbv2api.DescribeTargetHealthOutput](w, elbv2api.Model, "DescribeTargetHealth", &elbv2api.DescribeTargetHealthInput{TargetGroupArn: groups[0].TargetGroupArn}).TargetHealthDescriptions
	if len(targets) != 1 || targets[0].Target.Id != "10.1.0.24" {
		w.t.Errorf("%+v", targets)
	}
	rules := call[elbv2api.DescribeRulesOutput](w, elbv2api.Model, "DescribeRules", &elbv2api.DescribeRulesInput{ListenerArn: physical(w, "all", "Secure")}).Rules
	if len(rules) != 2 || rules[0].Priority != "24" || rules[0].Conditions[0].Values[0] != "/size/24" || *rules[0].Actions[0].ForwardConfig.TargetGroups[0].Weight != 24 {
		w.t.Errorf("%+v", rules)
	}
	certificates := call[elbv2api.DescribeListenerCertificatesOutput](w, elbv2api.Model, "DescribeListenerCertificates", &elbv2api.DescribeListenerCertificatesInput{ListenerArn: physical(w, "all", "Secure")}).Certificates
	if len(certificates) != 2 || !*certificates[0].IsDefault || *certificates[1].IsDefault {
		w.t.Errorf("%+v", certificates)
	}
}

// checkNetworkBalancer looks at the network load balancer after the same update.
func checkNetworkBalancer(w *world) {
	w.t.Helper()
	b := call[elbv2api.DescribeLoadBalancersOutput](w, elbv2api.Model, "DescribeLoadBalancers", &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{physical(w, "all", "NetBalancer")}}).LoadBalancers
	if len(b) != 1 || b[0].AvailabilityZones[0].LoadBalancerAddresses[0].AllocationId == "" || len(b[0].SecurityGroups) != 0 {
		w.t.Fatalf("%+v", b)
	}
	attributes := call[elbv2api.DescribeListenerAttributesOutput](w, elbv2api.Model, "DescribeListenerAttributes", &elbv2api.DescribeListenerAttributesInput{ListenerArn: physical(w, "all", "NetListener")}).Attributes
	if !slices.Contains(attributes, elbv2api.ListenerAttribute{Key: "tcp.idle_timeout.seconds", Value: "124"}) {
		w.t.Errorf("%+v", attributes)
	}
	l := call[elbv2api.DescribeListenersOutput](w, elbv2api.Model, "DescribeListeners", &elbv2api.DescribeListenersInput{ListenerArns: []string{physical(w, "all", "NetListenerTLS")}}).Listeners
	if len(l) != 1 || !slices.Equal(l[0].AlpnPolicy, []string{"HTTP2Only"}) {
		w.t.Errorf("%+v", l)
	}
	g := call[elbv2api.DescribeTargetGroupsOutput](w, elbv2api.Model, "DescribeTargetGroups", &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{physical(w, "all", "NetTargets")}}).TargetGroups
	if len(g) != 1 || *g[0].HealthCheckIntervalSeconds != 24 {
		w.t.Errorf("%+v", g)
	}
}

const balancedService = `
Parameters:
  Balanced: {Type: String, Default: 'yes'}
Conditions:
  IsBalanced: !Equals [!Ref Balanced, 'yes']
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  One: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/24, AvailabilityZone: eu-west-1a}}
  Two: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.1.0/24, AvailabilityZone: eu-west-1b}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Scheme: internal, Subnets: [!Ref One, !Ref Two]}}
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {VpcId: !Ref Vpc, Port: 80, Protocol: HTTP, TargetType: ip}}
  Listener: {Type: AWS::ElasticLoadBalancingV2::Listener, Properties: {LoadBalancerArn: !Ref Balancer, Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref Group}]}}
  Cluster: {Type: AWS::ECS::Cluster}
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 256
      Memory: 512
      ContainerDefinitions: [{Name: app, Image: nginx, PortMappings: [{ContainerPort: 80}]}]
  Service:
    Type: AWS::ECS::Service
    DependsOn: Listener
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Definition
      LaunchType: FARGATE
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref One, !Ref Two]}}
      LoadBalancers: !If [IsBalanced, [{TargetGroupArn: !Ref Group, ContainerName: app, ContainerPort: 80}], !Ref AWS::NoValue]
      HealthCheckGracePeriodSeconds: !If [IsBalanced, 30, !Ref AWS::NoValue]
`

// A service joins a target group, which it leaves when the template no longer has it.
func TestServiceBehindALoadBalancer(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("web", balancedService), "CREATE_COMPLETE")
	service := func() ecsapi.Service {
		t.Helper()
		return call[ecsapi.DescribeServicesResponse](w, ecsapi.Model, "DescribeServices", &ecsapi.DescribeServicesRequest{Cluster: physical(w, "web", "Cluster"), Services: []string{physical(w, "web", "Service")}}).Services[0]
	}
	if s := service(); len(s.LoadBalancers) != 1 || s.LoadBalancers[0].TargetGroupArn != physical(w, "web", "Group") || *s.HealthCheckGracePeriodSeconds != 30 {
		t.Errorf("%+v", s.LoadBalancers)
	}
	w.expect(w.update("web", balancedService, "Balanced", "no"), "UPDATE_COMPLETE")
	if s := service(); len(s.LoadBalancers) != 0 {
		t.Errorf("%+v", s.LoadBalancers)
	}
}
