package terraform

import (
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/check/spelling"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

func taskDefinition(a *arguments) {
	p := a.part("", "AWS::ECS::TaskDefinition", a.pick("family", "Family", "cpu", "Cpu", "memory", "Memory", "network_mode", "NetworkMode",
		"requires_compatibilities", "RequiresCompatibilities", "execution_role_arn", "ExecutionRoleArn", "task_role_arn", "TaskRoleArn"))
	if v := a.json("container_definitions"); v != nil {
		p.v.Entries = append(p.v.Entries, template.Entry{Key: "ContainerDefinitions", Line: a.body.Attributes["container_definitions"].NameRange.Start.Line, Value: v})
	}
	for _, b := range a.blocks("runtime_platform") {
		p.put("RuntimePlatform", b.pick("cpu_architecture", "CpuArchitecture", "operating_system_family", "OperatingSystemFamily").v)
	}
	for _, b := range a.blocks("ephemeral_storage") {
		p.put("EphemeralStorage", b.pick("size_in_gib", "SizeInGiB").v)
	}
	volumes := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks("volume") {
		volumes.Items = append(volumes.Items, b.pick("name", "Name").v)
	}
	if len(volumes.Items) > 0 {
		p.put("Volumes", volumes)
	}
}

// inService are the arguments of the nested blocks of a service, and where an
// argument that stands in the wrong one belongs.
var inService = map[string][]string{
	"network_configuration": {"subnets", "security_groups", "assign_public_ip"},
	"service_registries":    {"registry_arn", "port", "container_name", "container_port"},
	"load_balancer":         {"target_group_arn", "elb_name", "container_name", "container_port"},
}

func ecsService(a *arguments) {
	a.all()
	p := a.part("", "AWS::ECS::Service", a.pick("name", "ServiceName", "cluster", "Cluster", "task_definition", "TaskDefinition", "desired_count", "DesiredCount",
		"launch_type", "LaunchType", "scheduling_strategy", "SchedulingStrategy", "enable_execute_command", "EnableExecuteCommand",
		"health_check_grace_period_seconds", "HealthCheckGracePeriodSeconds", "platform_version", "PlatformVersion"))
	for _, b := range a.blocks("network_configuration") {
		b.only("network_configuration")
		config := b.pick("subnets", "Subnets", "security_groups", "SecurityGroups")
		if v := enabled(b.get("assign_public_ip")); v != nil {
			config.v.Entries = append(config.v.Entries, template.Entry{Key: "AssignPublicIp", Line: b.body.Attributes["assign_public_ip"].NameRange.Start.Line, Value: v})
		}
		line := b.body.SrcRange.Start.Line
		p.v.Entries = append(p.v.Entries, template.Entry{Key: "NetworkConfiguration", Line: line, Value: &template.Value{Kind: template.Map, Line: line, Column: 1,
			Entries: []template.Entry{{Key: "AwsvpcConfiguration", Line: line, Value: config.v}}}})
	}
	p.put("ServiceRegistries", serviceRegistries(a))
	balancers := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks("load_balancer") {
		b.only("load_balancer")
		balancers.Items = append(balancers.Items, b.pick("target_group_arn", "TargetGroupArn", "container_name", "ContainerName", "container_port", "ContainerPort").v)
	}
	if len(balancers.Items) > 0 {
		p.put("LoadBalancers", balancers)
	}
}

// serviceArguments are those of aws_ecs_service itself that stray into its blocks.
var serviceArguments = []string{"health_check_grace_period_seconds", "desired_count", "launch_type", "enable_execute_command", "task_definition", "cluster",
	"deployment_maximum_percent", "deployment_minimum_healthy_percent", "force_new_deployment", "propagate_tags", "platform_version", "wait_for_steady_state"}

// only tells of arguments that a block does not have.
func (a *arguments) only(block string) {
	for _, name := range keysOf(a.body.Attributes) {
		if slices.Contains(inService[block], name) {
			continue
		}
		message, fix := fmt.Sprintf("%s has no argument %s", block, name), ""
		if near := spelling.Closest(name, append(slices.Clone(serviceArguments), inService[block]...)); slices.Contains(serviceArguments, near) {
			message += "; it is one of aws_ecs_service itself"
		} else if near != "" {
			fix = near
		}
		a.m.mistake("tf.argument", a.body.Attributes[name].NameRange, message, fix)
	}
}

func targetGroup(a *arguments) {
	a.all()
	p := a.part("", elb+"TargetGroup", a.pick("name", "Name", "port", "Port", "protocol", "Protocol", "vpc_id", "VpcId", "target_type", "TargetType"))
	for _, b := range a.blocks("health_check") {
		health := b.pick("path", "HealthCheckPath", "port", "HealthCheckPort", "protocol", "HealthCheckProtocol", "interval", "HealthCheckIntervalSeconds",
			"timeout", "HealthCheckTimeoutSeconds", "healthy_threshold", "HealthyThresholdCount", "unhealthy_threshold", "UnhealthyThresholdCount")
		p.v.Entries = append(p.v.Entries, health.v.Entries...)
	}
}

func listener(a *arguments) {
	a.all()
	p := a.part("", elb+"Listener", a.pick("load_balancer_arn", "LoadBalancerArn", "port", "Port", "protocol", "Protocol", "ssl_policy", "SslPolicy"))
	if v := a.get("certificate_arn"); v != nil {
		p.put("Certificates", &template.Value{Kind: template.List, Line: v.Line, Items: []*template.Value{object(v.Line).put("CertificateArn", v).v}})
	}
	p.put("DefaultActions", a.actions("default_action"))
}

func listenerRule(a *arguments) {
	a.all()
	a.part("", elb+"ListenerRule", a.pick("listener_arn", "ListenerArn", "priority", "Priority").put("Actions", a.actions("action")))
}

// actions are what a listener does, as far as target groups go.
func (a *arguments) actions(name string) *template.Value {
	out := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks(name) {
		action := b.pick("type", "Type", "target_group_arn", "TargetGroupArn")
		for _, f := range b.blocks("forward") {
			groups := &template.Value{Kind: template.List, Line: f.body.SrcRange.Start.Line}
			for _, g := range f.blocks("target_group") {
				groups.Items = append(groups.Items, g.pick("arn", "TargetGroupArn").v)
			}
			action.put("ForwardConfig", object(groups.Line).put("TargetGroups", groups).v)
		}
		out.Items = append(out.Items, action.v)
	}
	return out
}
