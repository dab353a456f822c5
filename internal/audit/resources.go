package audit

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
)

// resourceTypes are CloudTrail's names for kinds of resources, by service and
// the word before the name in an ARN.
var resourceTypes = map[string]string{
	"iam:role": "AWS::IAM::Role", "iam:user": "AWS::IAM::User", "iam:group": "AWS::IAM::Group", "iam:policy": "AWS::IAM::Policy", "iam:instance-profile": "AWS::IAM::InstanceProfile",
	"ecs:cluster": "AWS::ECS::Cluster", "ecs:service": "AWS::ECS::Service", "ecs:task": "AWS::ECS::Task", "ecs:task-definition": "AWS::ECS::TaskDefinition", "ecs:container-instance": "AWS::ECS::ContainerInstance",
	"ecr:repository": "AWS::ECR::Repository", "logs:log-group": "AWS::Logs::LogGroup", "secretsmanager:secret": "AWS::SecretsManager::Secret", "ssm:parameter": "AWS::SSM::Parameter",
	"kms:key": "AWS::KMS::Key", "kms:alias": "AWS::KMS::Alias", "cloudformation:stack": "AWS::CloudFormation::Stack", "cloudformation:changeSet": "AWS::CloudFormation::ChangeSet",
	"ec2:vpc": "AWS::EC2::VPC", "ec2:subnet": "AWS::EC2::Subnet", "ec2:route-table": "AWS::EC2::RouteTable", "ec2:security-group": "AWS::EC2::SecurityGroup", "ec2:vpc-endpoint": "AWS::EC2::VPCEndpoint",
	"ec2:internet-gateway": "AWS::EC2::InternetGateway", "ec2:natgateway": "AWS::EC2::NatGateway", "ec2:network-acl": "AWS::EC2::NetworkAcl", "ec2:network-interface": "AWS::EC2::NetworkInterface",
	"ec2:elastic-ip": "AWS::EC2::EIP", "ec2:vpc-peering-connection": "AWS::EC2::VPCPeeringConnection", "ec2:security-group-rule": "AWS::EC2::SecurityGroupRule", "ec2:dhcp-options": "AWS::EC2::DHCPOptions",
	"elasticloadbalancing:loadbalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer", "elasticloadbalancing:targetgroup": "AWS::ElasticLoadBalancingV2::TargetGroup", "elasticloadbalancing:listener": "AWS::ElasticLoadBalancingV2::Listener",
	"acm:certificate": "AWS::ACM::Certificate", "cloudtrail:trail": "AWS::CloudTrail::Trail", "sts:assumed-role": "AWS::STS::AssumedRole",
}

// ResourceType is CloudTrail's name for the kind of resource of an ARN; "" where
// there is none.
func ResourceType(name string) string {
	a, err := arn.Parse(name)
	if err != nil {
		return ""
	}
	if a.Service == "s3" {
		if strings.Contains(a.Resource, "/") {
			return "AWS::S3::Object"
		}
		return "AWS::S3::Bucket"
	}
	kind, _, _ := strings.Cut(strings.ReplaceAll(a.Resource, ":", "/"), "/")
	return resourceTypes[a.Service+":"+kind]
}

// ResourceName is the name by which LookupEvents finds a resource: without what
// stands before it in its ARN.
func ResourceName(name string) string {
	a, err := arn.Parse(name)
	if err != nil || a.Service == "s3" {
		return a.Resource
	}
	_, rest, found := strings.Cut(strings.ReplaceAll(a.Resource, ":", "/"), "/")
	if !found {
		return a.Resource
	}
	switch a.Service {
	case "iam", "cloudtrail":
		return UserName(rest)
	case "logs":
		group, _, _ := strings.Cut(strings.TrimPrefix(a.Resource, "log-group:"), ":")
		return group
	}
	return rest
}
