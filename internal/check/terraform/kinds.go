package terraform

import (
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// kindTable has what turns the resources of the AWS provider into those of
// CloudFormation. Kinds that are not here are evaluated for their references only.
func kindTable() map[string]func(*arguments) {
	return map[string]func(*arguments){
		"aws_vpc": plainKind("AWS::EC2::VPC", "cidr_block", "CidrBlock", "enable_dns_support", "EnableDnsSupport", "enable_dns_hostnames", "EnableDnsHostnames"),
		"aws_subnet": plainKind("AWS::EC2::Subnet", "vpc_id", "VpcId", "cidr_block", "CidrBlock", "availability_zone", "AvailabilityZone",
			"map_public_ip_on_launch", "MapPublicIpOnLaunch"),
		"aws_internet_gateway":            internetGateway,
		"aws_internet_gateway_attachment": plainKind("AWS::EC2::VPCGatewayAttachment", "vpc_id", "VpcId", "internet_gateway_id", "InternetGatewayId"),
		"aws_route_table":                 routeTable,
		"aws_route": plainKind("AWS::EC2::Route", "route_table_id", "RouteTableId", "destination_cidr_block", "DestinationCidrBlock", "gateway_id", "GatewayId",
			"nat_gateway_id", "NatGatewayId", "destination_ipv6_cidr_block", "DestinationIpv6CidrBlock", "egress_only_gateway_id", "EgressOnlyInternetGatewayId",
			"vpc_peering_connection_id", "VpcPeeringConnectionId"),
		"aws_egress_only_internet_gateway": plainKind("AWS::EC2::EgressOnlyInternetGateway", "vpc_id", "VpcId"),
		"aws_route_table_association":      plainKind("AWS::EC2::SubnetRouteTableAssociation", "subnet_id", "SubnetId", "route_table_id", "RouteTableId"),
		"aws_eip":                          plainKind("AWS::EC2::EIP", "domain", "Domain"),
		"aws_nat_gateway":                  plainKind("AWS::EC2::NatGateway", "subnet_id", "SubnetId", "allocation_id", "AllocationId", "connectivity_type", "ConnectivityType"),
		"aws_vpc_endpoint": documents(plainKind("AWS::EC2::VPCEndpoint", "vpc_id", "VpcId", "service_name", "ServiceName", "vpc_endpoint_type", "VpcEndpointType",
			"route_table_ids", "RouteTableIds", "subnet_ids", "SubnetIds", "security_group_ids", "SecurityGroupIds", "private_dns_enabled", "PrivateDnsEnabled"), "policy", "PolicyDocument"),

		"aws_vpc_peering_connection":  plainKind("AWS::EC2::VPCPeeringConnection", "vpc_id", "VpcId", "peer_vpc_id", "PeerVpcId", "peer_owner_id", "PeerOwnerId", "peer_region", "PeerRegion"),
		"aws_network_acl":             networkACL,
		"aws_network_acl_rule":        networkACLRule,
		"aws_network_acl_association": plainKind("AWS::EC2::SubnetNetworkAclAssociation", "network_acl_id", "NetworkAclId", "subnet_id", "SubnetId"),

		"aws_security_group":                  securityGroup,
		"aws_security_group_rule":             securityGroupRule,
		"aws_vpc_security_group_ingress_rule": groupRule("AWS::EC2::SecurityGroupIngress", "Source"),
		"aws_vpc_security_group_egress_rule":  groupRule("AWS::EC2::SecurityGroupEgress", "Destination"),

		"aws_iam_role":                   iamRole,
		"aws_iam_role_policy":            documents(listed(plainKind("AWS::IAM::Policy", "name", "PolicyName", "role", "Roles"), "PolicyName"), "policy", "PolicyDocument"),
		"aws_iam_policy":                 documents(plainKind("AWS::IAM::ManagedPolicy", "name", "ManagedPolicyName", "path", "Path"), "policy", "PolicyDocument"),
		"aws_iam_role_policy_attachment": plainKind("", "role", "Role", "policy_arn", "PolicyArn"),

		"aws_ecs_cluster":          plainKind("AWS::ECS::Cluster", "name", "ClusterName"),
		"aws_ecs_task_definition":  taskDefinition,
		"aws_ecs_service":          ecsService,
		"aws_cloudwatch_log_group": plainKind("AWS::Logs::LogGroup", "name", "LogGroupName", "retention_in_days", "RetentionInDays"),
		"aws_ecr_repository":       plainKind("AWS::ECR::Repository", "name", "RepositoryName"),
		"aws_ssm_parameter":        plainKind("AWS::SSM::Parameter", "name", "Name", "type", "Type", "value", "Value"),
		"aws_secretsmanager_secret": func(a *arguments) {
			a.part("", "AWS::SecretsManager::Secret", a.pick("name", "Name")).put("SecretString", &template.Value{Kind: template.Unknown})
		},
		"aws_service_discovery_http_namespace":        plainKind(cloudMap+"HttpNamespace", "name", "Name", "description", "Description"),
		"aws_service_discovery_private_dns_namespace": plainKind(cloudMap+"PrivateDnsNamespace", "name", "Name", "description", "Description", "vpc", "Vpc"),
		"aws_service_discovery_public_dns_namespace":  plainKind(cloudMap+"PublicDnsNamespace", "name", "Name", "description", "Description"),
		"aws_service_discovery_service":               discoveryService,
		"aws_service_discovery_instance":              plainKind(cloudMap+"Instance", "service_id", "ServiceId", "instance_id", "InstanceId", "attributes", "InstanceAttributes"),
		"aws_s3_bucket":                               plainKind("AWS::S3::Bucket", "bucket", "BucketName"),
		"aws_s3_bucket_policy":                        documents(plainKind("AWS::S3::BucketPolicy", "bucket", "Bucket"), "policy", "PolicyDocument"),

		"aws_lb": plainKind(elb+"LoadBalancer", "subnets", "Subnets", "security_groups", "SecurityGroups", "load_balancer_type", "Type"), "aws_alb": plainKind(elb+"LoadBalancer", "subnets", "Subnets", "security_groups", "SecurityGroups"),
		"aws_lb_target_group": targetGroup, "aws_alb_target_group": targetGroup,
		"aws_lb_listener": listener, "aws_alb_listener": listener,
		"aws_lb_listener_rule": listenerRule, "aws_alb_listener_rule": listenerRule,
	}
}

const elb = "AWS::ElasticLoadBalancingV2::"

// properties is a map of properties that grows.
type properties struct{ v *template.Value }

func (p properties) put(name string, v *template.Value) properties {
	if v != nil {
		p.v.Entries = append(p.v.Entries, template.Entry{Key: name, Line: v.Line, Value: v})
	}
	return p
}

// part adds a resource of CloudFormation.
func (a *arguments) part(suffix, typ string, p properties) properties {
	a.r.Parts = append(a.r.Parts, Part{Suffix: suffix, Type: typ, Properties: p.v})
	return p
}

// object begins an object at a line.
func object(line int) properties {
	return properties{&template.Value{Kind: template.Map, Line: line, Column: 1}}
}

// pick takes arguments over: their name here, and their name there.
func (a *arguments) pick(pairs ...string) properties {
	p := object(a.body.SrcRange.Start.Line)
	for i := 0; i+1 < len(pairs); i += 2 {
		attr := a.body.Attributes[pairs[i]]
		v := a.get(pairs[i])
		if v == nil {
			continue
		}
		p.v.Entries = append(p.v.Entries, template.Entry{Key: pairs[i+1], Line: attr.NameRange.Start.Line, Value: v})
	}
	return p
}

// plainKind is a kind whose arguments are properties under other names.
func plainKind(typ string, pairs ...string) func(*arguments) {
	return func(a *arguments) {
		a.all()
		a.part("", typ, a.pick(pairs...))
	}
}

// documents adds an argument that holds a policy.
func documents(kind func(*arguments), from, to string) func(*arguments) {
	return func(a *arguments) {
		kind(a)
		if v := a.json(from); v != nil {
			properties{a.r.Parts[0].Properties}.put(to, v)
		}
	}
}

// listed makes a list of Roles and gives what has no name one.
func listed(kind func(*arguments), name string) func(*arguments) {
	return func(a *arguments) {
		kind(a)
		p := a.r.Parts[0].Properties
		if roles := p.Get("Roles"); roles != nil && roles.Kind != template.List {
			a.r.Parts[0].Properties = p.With("Roles", &template.Value{Kind: template.List, Items: []*template.Value{roles}, Line: roles.Line, Column: roles.Column})
		}
		if p.Get(name) == nil {
			a.r.Parts[0].Properties = a.r.Parts[0].Properties.With(name, template.Text("policy"))
		}
	}
}

func internetGateway(a *arguments) {
	a.part("", "AWS::EC2::InternetGateway", object(a.r.Line))
	if vpc := a.get("vpc_id"); vpc != nil {
		a.part("attachment", "AWS::EC2::VPCGatewayAttachment", object(a.r.Line).put("VpcId", vpc).put("InternetGatewayId", self()))
	}
}

// Self stands for the id of the first part in the properties of the others.
const Self = "neargate-self"

func self() *template.Value { return template.Text(Self) }

func routeTable(a *arguments) {
	a.part("", "AWS::EC2::RouteTable", a.pick("vpc_id", "VpcId"))
	for i, r := range a.blocks("route") {
		a.part("route"+string(rune('a'+i%26)), "AWS::EC2::Route", r.pick("cidr_block", "DestinationCidrBlock", "gateway_id", "GatewayId", "nat_gateway_id", "NatGatewayId",
			"ipv6_cidr_block", "DestinationIpv6CidrBlock", "egress_only_gateway_id", "EgressOnlyInternetGatewayId", "vpc_peering_connection_id", "VpcPeeringConnectionId").put("RouteTableId", self()))
	}
}

func iamRole(a *arguments) {
	p := a.part("", "AWS::IAM::Role", a.pick("name", "RoleName", "path", "Path", "managed_policy_arns", "ManagedPolicyArns"))
	if v := a.json("assume_role_policy"); v != nil {
		p.v.Entries = append(p.v.Entries, template.Entry{Key: "AssumeRolePolicyDocument", Line: a.body.Attributes["assume_role_policy"].NameRange.Start.Line, Value: v})
	}
	policies := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks("inline_policy") {
		policies.Items = append(policies.Items, b.pick("name", "PolicyName").put("PolicyDocument", b.json("policy")).v)
	}
	if len(policies.Items) > 0 {
		p.put("Policies", policies)
	}
}

// enabled turns a boolean into ENABLED or DISABLED.
func enabled(v *template.Value) *template.Value {
	if v == nil || v.Kind == template.Unknown {
		return v
	}
	out := *v
	out.Kind, out.Text = template.String, "DISABLED"
	if strings.EqualFold(v.Text, "true") {
		out.Text = "ENABLED"
	}
	return &out
}
