package elbv2

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func (w *world) network(change func(*elbv2api.CreateLoadBalancerInput)) (elbv2api.LoadBalancer, error) {
	in := &elbv2api.CreateLoadBalancerInput{Name: "flows", Type: "network", Subnets: []string{"subnet-a"}}
	change(in)
	out, err := w.CreateLoadBalancer(w.ctx, in)
	if err != nil {
		return elbv2api.LoadBalancer{}, err
	}
	return out.LoadBalancers[0], nil
}

func (w *world) flowGroup(name, protocol string, change func(*elbv2api.CreateTargetGroupInput)) (elbv2api.TargetGroup, error) {
	in := &elbv2api.CreateTargetGroupInput{Name: name, Protocol: elbv2api.ProtocolEnum(protocol), Port: new(int32(80)), VpcId: vpcID, TargetType: "ip"}
	change(in)
	out, err := w.CreateTargetGroup(w.ctx, in)
	if err != nil {
		return elbv2api.TargetGroup{}, err
	}
	return out.TargetGroups[0], nil
}

func nothing[T any](*T) {}

func TestNetworkLoadBalancers(t *testing.T) {
	w := newWorld(t, nil)
	ok(t, w.DB.Write(w.ctx, func(tx *store.Tx) error {
		state.Addresses.Put(tx, &state.Address{Account: acct, Region: region, AllocationID: "eipalloc-1", PublicIP: "198.19.7.7"})
		return nil
	}))
	mapping := func(m elbv2api.SubnetMapping) func(*elbv2api.CreateLoadBalancerInput) {
		return func(in *elbv2api.CreateLoadBalancerInput) {
			in.Subnets, in.SubnetMappings = nil, []elbv2api.SubnetMapping{m}
		}
	}
	for want, change := range map[string]func(*elbv2api.CreateLoadBalancerInput){
		"AllocationIdNotFound: The allocation ID 'eipalloc-9' does not exist":                                   mapping(elbv2api.SubnetMapping{SubnetId: "subnet-a", AllocationId: "eipalloc-9"}),
		"InvalidConfigurationRequest: Private IPv4 addresses can only be specified for internal load balancers": mapping(elbv2api.SubnetMapping{SubnetId: "subnet-a", PrivateIPv4Address: "10.0.0.9"}),
		"InvalidConfigurationRequest: The private IPv4 address '10.9.0.9' is not within the CIDR range of the subnet 'subnet-a'": func(in *elbv2api.CreateLoadBalancerInput) {
			mapping(elbv2api.SubnetMapping{SubnetId: "subnet-a", PrivateIPv4Address: "10.9.0.9"})(in)
			in.Scheme = "internal"
		},
		"ValidationError: The IP address type 'dualstack' is not carried out by Neargate yet.": func(in *elbv2api.CreateLoadBalancerInput) { in.IpAddressType = "dualstack" },
	} {
		_, err := w.network(change)
		w.refused(err, want)
	}
	b, err := w.network(mapping(elbv2api.SubnetMapping{SubnetId: "subnet-a", AllocationId: "eipalloc-1"}))
	ok(t, err)
	id := b.LoadBalancerArn[strings.LastIndexByte(b.LoadBalancerArn, '/')+1:]
	if b.DNSName != "flows-"+id+".elb.eu-west-1.amazonaws.com" || b.CanonicalHostedZoneId != "Z2IFOLAFXWLO4F" || b.Type != "network" || len(b.SecurityGroups) != 0 ||
		b.AvailabilityZones[0].LoadBalancerAddresses[0].AllocationId != "eipalloc-1" || !strings.Contains(b.LoadBalancerArn, ":loadbalancer/net/flows/") {
		t.Errorf("it is %+v", b)
	}
	_, err = w.SetSecurityGroups(w.ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: b.LoadBalancerArn, SecurityGroups: []string{"sg-2"}})
	w.refused(err, "InvalidConfigurationRequest: You cannot set security groups on a Network Load Balancer which was created without any security groups.")
	guarded, err := w.network(func(in *elbv2api.CreateLoadBalancerInput) { in.Name, in.SecurityGroups = "guarded", []string{"sg-1"} })
	ok(t, err)
	_, err = w.SetSecurityGroups(w.ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: guarded.LoadBalancerArn, SecurityGroups: []string{"sg-2"}})
	ok(t, err)
	w.refused(w.setAttributes(b, "idle_timeout.timeout_seconds", "60"), "ValidationError: Load balancer attribute key 'idle_timeout.timeout_seconds' is not recognized")
	w.refused(w.setAttributes(b, "dns_record.client_routing_policy", "availability_zone_affinity"), "ValidationError: Load balancer attribute value 'availability_zone_affinity' for key 'dns_record.client_routing_policy' is not valid: it must be 'any_availability_zone': nothing else is carried out by Neargate yet")
	ok(t, w.setAttributes(b, "load_balancing.cross_zone.enabled", "true"))
	_, err = w.SetSubnets(w.ctx, &elbv2api.SetSubnetsInput{LoadBalancerArn: b.LoadBalancerArn, Subnets: []string{"subnet-b"}})
	ok(t, err)
}

func TestProtocolsOfNetworkLoadBalancers(t *testing.T) {
	w := newWorld(t, nil)
	b, err := w.network(nothing)
	ok(t, err)
	groups := map[string]string{"HTTP": w.group("web").TargetGroupArn}
	for _, protocol := range []string{"TCP", "UDP", "TCP_UDP", "TLS"} {
		g, err := w.flowGroup(strings.ReplaceAll(protocol, "_", "-"), protocol, nothing)
		ok(t, err)
		groups[protocol] = g.TargetGroupArn
	}
	port := int32(1000)
	listen := func(protocol, group string) error {
		port++
		in := &elbv2api.CreateListenerInput{LoadBalancerArn: b.LoadBalancerArn, Protocol: elbv2api.ProtocolEnum(protocol), Port: &port, DefaultActions: forwardTo(groups[group])}
		if protocol == "TLS" {
			in.Certificates, in.AlpnPolicy = []elbv2api.Certificate{{CertificateArn: known}}, []string{"HTTP2Preferred"}
		}
		_, err := w.CreateListener(w.ctx, in)
		return err
	}
	fits := map[string]string{"TCP": "TCP TCP_UDP", "TLS": "TCP TLS", "UDP": "UDP TCP_UDP", "TCP_UDP": "TCP_UDP"}
	for protocol, with := range fits {
		for group, arn := range groups {
			err := listen(protocol, group)
			if strings.Contains(" "+with+" ", " "+group+" ") {
				ok(t, err)
				continue
			}
			w.refused(err, fmt.Sprintf("IncompatibleProtocols: The listener and its associated target group '%s' have incompatible protocols: '%s' and '%s'", arn, protocol, group))
		}
	}
	w.refused(listen("HTTP", "TCP"), "ValidationError: Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'")
	web := w.balancer("web")
	_, err = w.CreateListener(w.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: web.LoadBalancerArn, Protocol: "HTTP", Port: &port, DefaultActions: forwardTo(groups["TCP"])})
	w.refused(err, "TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load balancer: "+groups["TCP"])
	listeners := must[*elbv2api.DescribeListenersOutput](w)(w.DescribeListeners(w.ctx, &elbv2api.DescribeListenersInput{LoadBalancerArn: b.LoadBalancerArn}))
	for _, l := range listeners.Listeners {
		_, err := w.CreateRule(w.ctx, &elbv2api.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: 1, Actions: forwardTo(groups["TCP"]), Conditions: []elbv2api.RuleCondition{{Field: "path-pattern", Values: []string{"/"}}}})
		w.refused(err, "OperationNotPermitted: Rules are unsupported for Network Load Balancer listeners")
		_, err = w.ModifyListenerAttributes(w.ctx, &elbv2api.ModifyListenerAttributesInput{ListenerArn: l.ListenerArn, Attributes: []elbv2api.ListenerAttribute{{Key: "tcp.idle_timeout.seconds", Value: "600"}}})
		if l.Protocol == "TCP" {
			ok(t, err)
		} else {
			w.refused(err, "ValidationError: Listener attribute key 'tcp.idle_timeout.seconds' is not recognized")
		}
		if (l.Protocol == "TLS") != (len(l.AlpnPolicy) == 1) || (l.Protocol == "TLS") != (l.SslPolicy == loadbalancer.DefaultPolicy) {
			t.Errorf("the listener is %+v", l)
		}
	}
}

func TestTargetGroupsOfNetworkLoadBalancers(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct {
		protocol, target, preserve, ends, unhealthy string
	}{
		{"TCP", "ip", "false", "false", "true"}, {"TLS", "ip", "false", "false", "true"}, {"UDP", "ip", "true", "true", "false"}, {"TCP_UDP", "ip", "true", "true", "false"},
		{"TCP", "instance", "true", "false", "true"}, {"TCP", "alb", "true", "false", "true"},
	} {
		g, err := w.flowGroup(strings.ReplaceAll(tt.protocol, "_", "-")+"-"+tt.target, tt.protocol, func(in *elbv2api.CreateTargetGroupInput) { in.TargetType = elbv2api.TargetTypeEnum(tt.target) })
		ok(t, err)
		got := map[string]string{}
		for _, a := range must[*elbv2api.DescribeTargetGroupAttributesOutput](w)(w.DescribeTargetGroupAttributes(w.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn})).Attributes {
			got[a.Key] = a.Value
		}
		want := map[string]string{
			"preserve_client_ip.enabled": tt.preserve, "deregistration_delay.connection_termination.enabled": tt.ends, "target_health_state.unhealthy.connection_termination.enabled": tt.unhealthy,
			"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false", "stickiness.type": "source_ip", "proxy_protocol_v2.enabled": "false",
			"load_balancing.cross_zone.enabled": "use_load_balancer_configuration", "target_health_state.unhealthy.draining_interval_seconds": "0",
		}
		maps.DeleteFunc(got, func(key, _ string) bool { return strings.HasPrefix(key, "target_group_health.") })
		if !maps.Equal(got, want) {
			t.Errorf("%s %s: %v", tt.protocol, tt.target, got)
		}
		protocol, timeout := "TCP", int32(10)
		if tt.target == "alb" {
			protocol, timeout = "HTTP", 6
		}
		if string(g.HealthCheckProtocol) != protocol || *g.HealthCheckTimeoutSeconds != timeout || *g.UnhealthyThresholdCount != 2 || *g.HealthyThresholdCount != 5 || (g.Matcher != nil) != (protocol == "HTTP") {
			t.Errorf("its health check is %+v", g)
		}
	}
	for want, change := range map[string]func(*elbv2api.CreateTargetGroupInput){
		"ValidationError: Health check protocol 'UDP' must be one of 'HTTPS, HTTP, TCP'":                func(in *elbv2api.CreateTargetGroupInput) { in.HealthCheckProtocol = "UDP" },
		"ValidationError: Health check path cannot be specified for health checks with protocol 'TCP'":  func(in *elbv2api.CreateTargetGroupInput) { in.HealthCheckPath = "/" },
		"ValidationError: A protocol version cannot be specified for target groups with protocol 'TCP'": func(in *elbv2api.CreateTargetGroupInput) { in.ProtocolVersion = "HTTP2" },
		"ValidationError: The target group protocol 'GENEVE' is not carried out by Neargate yet.":       func(in *elbv2api.CreateTargetGroupInput) { in.Protocol = "GENEVE" },
		"ValidationError: Protocol 'UDP' is not supported with target type 'alb': it must be 'TCP'":     func(in *elbv2api.CreateTargetGroupInput) { in.Protocol, in.TargetType = "UDP", "alb" },
		"ValidationError: Health check matcher HTTP code '600' must be within '200-599' inclusive": func(in *elbv2api.CreateTargetGroupInput) {
			in.HealthCheckProtocol, in.Matcher = "HTTP", &elbv2api.Matcher{HttpCode: "600"}
		},
	} {
		_, err := w.flowGroup("refused", "TCP", change)
		w.refused(err, want)
	}
	udp := must[*elbv2api.DescribeTargetGroupsOutput](w)(w.DescribeTargetGroups(w.ctx, &elbv2api.DescribeTargetGroupsInput{Names: []string{"UDP-ip"}})).TargetGroups[0]
	_, err := w.ModifyTargetGroupAttributes(w.ctx, &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: udp.TargetGroupArn, Attributes: []elbv2api.TargetGroupAttribute{{Key: "preserve_client_ip.enabled", Value: "false"}}})
	w.refused(err, "ValidationError: Target group attribute value 'false' for key 'preserve_client_ip.enabled' is not valid: it cannot be disabled for target groups with protocol 'UDP'")
}

// An Application Load Balancer is a target by its ARN, at the addresses of its nodes.
func TestLoadBalancerAsTarget(t *testing.T) {
	w := newWorld(t, nil)
	web := w.balancer("web")
	g, err := w.flowGroup("albs", "TCP", func(in *elbv2api.CreateTargetGroupInput) { in.TargetType = "alb" })
	ok(t, err)
	register := func(id string) error {
		_, err := w.RegisterTargets(w.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []elbv2api.TargetDescription{{Id: id}}})
		return err
	}
	w.refused(register("10.0.0.1"), "InvalidTarget: The following targets are not valid Application Load Balancers: '10.0.0.1'")
	w.refused(register(web.LoadBalancerArn), "InvalidTarget: The Application Load Balancer '"+web.LoadBalancerArn+"' has no listener on the port of the target group")
	w.listener(web.LoadBalancerArn, w.group("web").TargetGroupArn, 80)
	ok(t, register(web.LoadBalancerArn))
	ok(t, w.DB.Write(w.ctx, func(tx *store.Tx) error {
		q := scopeOf(w.ctx, tx)
		b, err := q.loadBalancer(web.LoadBalancerArn)
		if err != nil {
			return err
		}
		state.LoadBalancers.Update(tx, b.Key(), func(b *state.LoadBalancer) { b.Subnets[0].PrivateIP, b.Subnets[1].PrivateIP = "10.0.0.5", "10.0.1.5" })
		group, err := q.targetGroup(g.TargetGroupArn)
		if err != nil {
			return err
		}
		if c := q.groupConfiguration(group); len(c.Targets) != 2 || c.Targets[1].Addr.String() != "10.0.1.5:80" || c.Targets[1].Zone != "eu-west-1b" || !c.PreserveClientIP {
			t.Errorf("its targets are %+v", c)
		}
		return nil
	}))
}

// The name of a network load balancer does not lead to zones without healthy targets,
// unless that is all of them.
func TestZonesOfTheName(t *testing.T) {
	target := func(zone string, s loadbalancer.State) loadbalancer.Target {
		return loadbalancer.Target{Zone: zone, State: s}
	}
	b := &state.LoadBalancer{Type: typeNetwork, Subnets: []state.LoadBalancerSubnet{{AvailabilityZone: "a"}, {AvailabilityZone: "b"}}}
	for _, tt := range []struct {
		name    string
		cross   bool
		targets []loadbalancer.Target
		want    map[string]bool
	}{
		{"both healthy", false, []loadbalancer.Target{target("a", "healthy"), target("b", "healthy")}, map[string]bool{}},
		{"one empty", false, []loadbalancer.Target{target("a", "healthy")}, map[string]bool{"b": true}},
		{"one unhealthy", false, []loadbalancer.Target{target("a", "healthy"), target("b", "unhealthy")}, map[string]bool{"b": true}},
		{"none", false, nil, map[string]bool{}},
		{"across zones", true, []loadbalancer.Target{target("a", "healthy")}, map[string]bool{}},
		{"outside of the VPC", false, []loadbalancer.Target{target("all", "healthy")}, map[string]bool{}},
	} {
		got := away(b, loadbalancer.Config{Attributes: loadbalancer.Attributes{CrossZone: tt.cross}, Groups: []loadbalancer.Group{{Targets: tt.targets}}})
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
