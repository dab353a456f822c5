package e2e

import (
	"strings"
	"testing"
)

// deployed is the seed's stack with the ids of its parts.
type deployed struct {
	*account
	image, cluster, vpc, table, group, taskGroup, role, logs, definition string
	subnets                                                              []string
}

func (s *deployed) in(t *testing.T) *deployed {
	sub := *s
	sub.account = s.account.in(t)
	return &sub
}

func (a *account) deployedStack(image string) *deployed {
	a.t.Helper()
	s := &deployed{account: a, image: image, cluster: a.clusterOf()}
	s.vpc = a.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=false", "--query", "Vpcs[0].VpcId", "--output", "text")
	s.table = a.aws("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+s.vpc, "Name=association.main,Values=false", "--query", "RouteTables[0].RouteTableId", "--output", "text")
	s.group = a.aws("ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+s.vpc, "Name=description,Values=Shared security group.", "--query", "SecurityGroups[0].GroupId", "--output", "text")
	s.taskGroup = a.aws("ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+s.vpc, "Name=description,Values=Security group for service", "--query", "SecurityGroups[0].GroupId", "--output", "text")
	s.subnets = strings.Fields(a.aws("ec2", "describe-subnets", "--filters", "Name=vpc-id,Values="+s.vpc, "--query", "Subnets[].SubnetId", "--output", "text"))
	s.role = a.aws("iam", "list-roles", "--query", "Roles[?contains(RoleName, 'ECSTaskExecutionRole')].RoleName | [0]", "--output", "text")
	s.logs = a.aws("logs", "describe-log-groups", "--log-group-name-prefix", "isolated", "--query", "logGroups[0].logGroupName", "--output", "text")
	s.definition = a.aws("ecs", "list-task-definitions", "--query", "taskDefinitionArns[0]", "--output", "text")
	return s
}

// launch runs a task in the isolated VPC.
func (s *deployed) launch(definition string) string {
	s.t.Helper()
	return s.aws("ecs", "run-task", "--cluster", s.cluster, "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+s.subnets[0]+"],securityGroups=["+s.taskGroup+"]}", "--query", "tasks[0].taskArn", "--output", "text")
}
