package e2e

import (
	"fmt"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
)

// noWay is what all of them have in common.
const noWay = `i/o timeout|connection issue|context deadline exceeded`

// What AWS says when a step of a task's start does not get through.
const (
	noECR      = `^ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve ecr registry auth: .*api\.ecr.*(i/o timeout|no such host|no DNS support)`
	noRegistry = `^CannotPullContainerError: .*dkr\.ecr.*i/o timeout`
	noLayers   = `^CannotPullContainerError: .*starport-layer-bucket.*i/o timeout`
	noLogs     = `^ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group .*connection issue.* : signal: killed$`
	noSecret   = `^ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve secret from asm: .*context deadline exceeded`
	noParam    = `^ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve secrets from ssm: .*context deadline exceeded`
)

const executionPolicy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"

var endpointRows = []row{
	{element: "endpoint for ecr.api", do: noEndpoint("ecr.api"), code: "net.endpoint-missing", resource: id("table"), reason: noECR},
	{element: "endpoint for ecr.dkr", do: noEndpoint("ecr.dkr"), code: "net.endpoint-missing", resource: id("table"), reason: noRegistry},
	{element: "gateway endpoint for s3", do: noEndpoint("s3"), code: "net.endpoint-missing", resource: id("table"), reason: noLayers},
	{element: "endpoint for logs", do: noEndpoint("logs"), code: "net.endpoint-missing", resource: id("table"), reason: noLogs},
	{element: "endpoint for secretsmanager", do: noEndpoint("secretsmanager"), code: "net.endpoint-missing", resource: id("table"), reason: noSecret},
	{element: "endpoint for ssm", do: noEndpoint("ssm"), code: "net.endpoint-missing", resource: id("table"), reason: noParam},
	{element: "private DNS of the endpoint for ecr.dkr", do: modify("ecr.dkr", func(_ *site, in *ec2api.ModifyVpcEndpointRequest) { in.PrivateDnsEnabled = ptr(false) }),
		code: "net.private-dns-off", resource: endpoint("ecr.dkr"), reason: noRegistry},
	{element: "private DNS of the endpoint for logs", do: modify("logs", func(_ *site, in *ec2api.ModifyVpcEndpointRequest) { in.PrivateDnsEnabled = ptr(false) }),
		code: "net.private-dns-off", resource: endpoint("logs"), reason: noLogs},
	{element: "route table of the gateway endpoint", do: modify("s3", func(s *site, in *ec2api.ModifyVpcEndpointRequest) { in.RemoveRouteTableIds = []string{s.ids["table"]} }),
		code: "net.endpoint-missing", resource: id("table"), reason: noLayers},
	{element: "ingress rule of the endpoints' security group", code: "net.endpoint-sg", resource: id("group"), reason: noECR, do: func(s *site) {
		got(s.ec2.RevokeSecurityGroupIngress(s.t.Context(), &ec2api.RevokeSecurityGroupIngressRequest{GroupId: s.ids["group"], IpPermissions: []ec2api.IpPermission{
			{IpProtocol: "-1", UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: s.groups[0]}}}}})).by(s)
		s.replace()
	}},
	{element: "security group of the endpoint for logs, another one", code: "net.endpoint-sg", resource: id("closed"), reason: noLogs, do: func(s *site) {
		s.ids["closed"] = got(s.ec2.CreateSecurityGroup(s.t.Context(), &ec2api.CreateSecurityGroupRequest{GroupName: "closed", Description: "closed", VpcId: s.vpc})).by(s).GroupId
		modify("logs", func(s *site, in *ec2api.ModifyVpcEndpointRequest) {
			in.AddSecurityGroupIds, in.RemoveSecurityGroupIds = []string{s.ids["closed"]}, []string{s.ids["group"]}
		})(s)
	}},
	{element: "policy of the endpoint for ecr.api", do: policy("ecr.api", `{"Effect":"Allow","Principal":"*","Action":"ecr:DescribeRepositories","Resource":"*"}`),
		code: "iam.endpoint-policy", resource: endpoint("ecr.api"), reason: `because no VPC endpoint policy allows the ecr:GetAuthorizationToken action$`},
	{element: "policy of the gateway endpoint for s3", do: policy("s3", `{"Sid":"Uploads","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::uploads","arn:aws:s3:::uploads/*"]}`),
		code: "iam.endpoint-policy", resource: endpoint("s3"), reason: `^CannotPullContainerError: .*starport-layer-bucket.* 403 Forbidden$`},
	{element: "policy of the endpoint for logs, an explicit deny", do: policy("logs", `{"Sid":"All","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"NoStreams","Effect":"Deny","Principal":"*","Action":"logs:CreateLogStream","Resource":"*"}`),
		code: "iam.explicit-deny", resource: endpoint("logs"), reason: `AccessDeniedException: .* is not authorized to perform: logs:CreateLogStream on resource: .* with an explicit deny in a VPC endpoint policy : exit status 1$`},
}

var isolatedRows = []row{
	{element: "egress rule of the task's security group", code: "net.sg-egress", reason: noECR, do: noEgress, resource: taskGroup},
	{element: "network ACL that denies outbound 443", code: "net.nacl", reason: noWay, resource: id("acl"), do: denyEntry(true, 443, 443)},
	{element: "network ACL that denies the replies", code: "net.nacl", reason: noWay, resource: id("acl"), do: denyEntry(false, 1024, 65535)},
	{element: "network ACL without entries", code: "net.nacl", reason: noWay, resource: id("acl"), do: emptyACL},
	{element: "enableDnsSupport", code: "net.dns-off", reason: noECR, resource: func(s *site) string { return s.vpc }, do: func(s *site) {
		s.ok(s.ec2.ModifyVpcAttribute(s.t.Context(), &ec2api.ModifyVpcAttributeRequest{VpcId: s.vpc, EnableDnsSupport: &ec2api.AttributeBooleanValue{Value: ptr(false)}}))
		s.replace()
	}},
	{element: "managed policy of the execution role", code: "iam.exec-ecr", reason: `is not authorized to perform: ecr:GetAuthorizationToken on resource: \* because no identity-based policy allows the ecr:GetAuthorizationToken action$`, do: func(s *site) {
		s.ok(s.iam.DetachRolePolicy(s.t.Context(), &iamapi.DetachRolePolicyRequest{RoleName: s.role, PolicyArn: executionPolicy}))
		s.replace()
	}},
	{element: "trust policy of the execution role", code: "iam.trust", event: true, reason: `failed to launch a task with \(error ECS was unable to assume the role`, do: func(s *site) {
		s.trust(s.role, `{"Service":"ec2.amazonaws.com"}`, "")
		s.replace()
	}},
	{element: "log group", code: "logs.no-group", reason: `ResourceNotFoundException: The specified log group does not exist. : exit status 1$`, do: func(s *site) {
		s.ok(s.cwl.DeleteLogGroup(s.t.Context(), &logsapi.DeleteLogGroupRequest{LogGroupName: s.logs}))
		s.replace()
	}},
}

func ptr[T any](v T) *T { return &v }

// id is a resource that the site knows under a name.
func id(name string) func(*site) string { return func(s *site) string { return s.ids[name] } }

func endpoint(service string) func(*site) string {
	return func(s *site) string { return s.endpointID(service) }
}

func taskGroup(s *site) string { return s.groups[0] }

func noEndpoint(service string) func(*site) {
	return func(s *site) {
		got(s.ec2.DeleteVpcEndpoints(s.t.Context(), &ec2api.DeleteVpcEndpointsRequest{VpcEndpointIds: []string{s.endpointID(service)}})).by(s)
		s.replace()
	}
}

func modify(service string, change func(*site, *ec2api.ModifyVpcEndpointRequest)) func(*site) {
	return func(s *site) {
		in := &ec2api.ModifyVpcEndpointRequest{VpcEndpointId: s.endpointID(service)}
		change(s, in)
		got(s.ec2.ModifyVpcEndpoint(s.t.Context(), in)).by(s)
		s.replace()
	}
}

func policy(service, statements string) func(*site) {
	return modify(service, func(_ *site, in *ec2api.ModifyVpcEndpointRequest) {
		in.PolicyDocument = `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	})
}

// noEgress takes every outbound rule of the tasks' group away.
func noEgress(s *site) {
	out := got(s.ec2.DescribeSecurityGroups(s.t.Context(), &ec2api.DescribeSecurityGroupsRequest{GroupIds: s.groups})).by(s)
	got(s.ec2.RevokeSecurityGroupEgress(s.t.Context(), &ec2api.RevokeSecurityGroupEgressRequest{GroupId: s.groups[0], IpPermissions: out.SecurityGroups[0].IpPermissionsEgress})).by(s)
	s.replace()
}

// acl is the network ACL of the service's subnets.
func (s *site) acl() ec2api.NetworkAcl {
	s.t.Helper()
	out := got(s.ec2.DescribeNetworkAcls(s.t.Context(), &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{{Name: "association.subnet-id", Values: s.subnets[:1]}}})).by(s)
	s.ids["acl"] = out.NetworkAcls[0].NetworkAclId
	return out.NetworkAcls[0]
}

// denyEntry puts an entry before the one that allows everything.
func denyEntry(egress bool, from, to int32) func(*site) {
	return func(s *site) {
		in := &ec2api.CreateNetworkAclEntryRequest{NetworkAclId: s.acl().NetworkAclId, RuleNumber: 50, Egress: egress, Protocol: "6", RuleAction: "deny", CidrBlock: "0.0.0.0/0", PortRange: &ec2api.PortRange{From: &from, To: &to}}
		s.ec2.DeleteNetworkAclEntry(s.t.Context(), &ec2api.DeleteNetworkAclEntryRequest{NetworkAclId: in.NetworkAclId, RuleNumber: 49, Egress: egress}) // of an earlier row
		s.ec2.DeleteNetworkAclEntry(s.t.Context(), &ec2api.DeleteNetworkAclEntryRequest{NetworkAclId: in.NetworkAclId, RuleNumber: in.RuleNumber, Egress: egress})
		s.ok(s.ec2.CreateNetworkAclEntry(s.t.Context(), in))
		s.replace()
	}
}

// emptyACL guards the service's subnets by a new network ACL, which denies all.
func emptyACL(s *site) {
	id := got(s.ec2.CreateNetworkAcl(s.t.Context(), &ec2api.CreateNetworkAclRequest{VpcId: s.vpc})).by(s).NetworkAcl.NetworkAclId
	for _, subnet := range s.subnets {
		out := got(s.ec2.DescribeNetworkAcls(s.t.Context(), &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{{Name: "association.subnet-id", Values: []string{subnet}}}})).by(s)
		for _, a := range out.NetworkAcls[0].Associations {
			if a.SubnetId == subnet {
				got(s.ec2.ReplaceNetworkAclAssociation(s.t.Context(), &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: a.NetworkAclAssociationId, NetworkAclId: id})).by(s)
			}
		}
	}
	s.ids["acl"] = id
	s.replace()
}

// trust writes a role's trust policy.
func (s *site) trust(role, principal, condition string) {
	s.t.Helper()
	s.ok(s.iam.UpdateAssumeRolePolicy(s.t.Context(), &iamapi.UpdateAssumeRolePolicyRequest{RoleName: role,
		PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`}))
}

// secretsOf makes a secret and a parameter that a role may read.
func (s *site) secretsOf(role string) {
	s.t.Helper()
	s.ids["secret"] = got(s.secrets.CreateSecret(s.t.Context(), &secretsmanagerapi.CreateSecretRequest{Name: "secret-" + role, SecretString: `{"user":"me","password":"none"}`})).by(s).ARN
	s.ids["parameter"] = "/parameter/" + role
	got(s.ssm.PutParameter(s.t.Context(), &ssmapi.PutParameterRequest{Name: s.ids["parameter"], Value: "x", Type: "String"})).by(s)
	s.ok(s.iam.PutRolePolicy(s.t.Context(), &iamapi.PutRolePolicyRequest{RoleName: role, PolicyName: "secrets", PolicyDocument: fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":%q},{"Effect":"Allow","Action":"ssm:GetParameters","Resource":"arn:aws:ssm:%s:%s:parameter%s"}]}`,
		s.ids["secret"], s.Region, s.ID, s.ids["parameter"])}))
}

func (s *site) withSecrets(container, _ object) {
	container["secrets"] = list{object{"name": "PASSWORD", "valueFrom": s.ids["secret"] + ":password::"}, object{"name": "PARAMETER", "valueFrom": s.ids["parameter"]}}
}
