package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRemovals takes one thing away from the working isolated VPC at a time: the
// next task stops with AWS's code and text, and `why` names the cause.
func TestRemovals(t *testing.T) {
	a := newAccount(t)
	dir := a.isolatedVPC()
	image := a.push(busyboxArchive(t, a.dir, "sh", "-c", "echo started; exec sleep 3600"), "sample-app-repo", "sample")
	if r := a.samDeploy(dir, image); r.code != 0 {
		t.Fatalf("sam deploy: exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	s := a.deployedStack(image)
	for _, c := range []removal{
		{name: "nothing", runs: true},
		{name: "ecr.api endpoint", remove: s.endpoint("ecr.api"), reason: `ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve ecr registry auth: .*api.ecr`, code: "net.endpoint-missing"},
		{name: "ecr.dkr endpoint", remove: s.endpoint("ecr.dkr"), reason: `CannotPullContainerError: .*dkr.ecr.*i/o timeout`, code: "net.endpoint-missing"},
		{name: "S3 gateway endpoint", remove: s.endpoint("s3"), reason: `CannotPullContainerError: .*starport-layer-bucket.*i/o timeout`, code: "net.endpoint-missing"},
		{name: "logs endpoint", remove: s.endpoint("logs"), reason: `ResourceInitializationError: failed to validate logger args: .*logs`, code: "net.endpoint-missing"},
		{name: "PrivateLink ingress", remove: s.ingress(), reason: `ResourceInitializationError: unable to pull secrets or registry auth: .*`, code: "net.endpoint-sg"},
		{name: "execution role's policy", remove: s.rolePolicy(), reason: `is not authorized to perform: ecr:GetAuthorizationToken on resource: \* because no identity-based policy allows the ecr:GetAuthorizationToken action`, code: "iam.exec-ecr"},
		{name: "log group", remove: s.logGroup(), reason: `ResourceInitializationError: failed to validate logger args: .*ResourceNotFoundException: The specified log group does not exist`, code: "logs.no-group"},
		{name: "image tag", remove: s.tag(), reason: `CannotPullContainerError: .*not found`, code: "reg.no-tag"},
	} {
		t.Run(c.name, func(t *testing.T) { s.in(t).check(c) })
	}
}

// removal is one row: what is taken away, and what must be seen then.
type removal struct {
	name   string
	remove change
	runs   bool
	reason string // regular expression on stoppedReason
	code   string // slug that why names
}

// change is something to do and how to take it back, each an aws command line.
type change struct{ do, undo []string }

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

func (s *deployed) endpoint(service string) change {
	id := s.aws("ec2", "describe-vpc-endpoints", "--filters", "Name=service-name,Values=com.amazonaws."+s.Region+"."+service, "--query", "VpcEndpoints[0].VpcEndpointId", "--output", "text")
	undo := []string{"ec2", "create-vpc-endpoint", "--vpc-id", s.vpc, "--service-name", "com.amazonaws." + s.Region + "." + service}
	if service == "s3" {
		undo = append(undo, "--vpc-endpoint-type", "Gateway", "--route-table-ids", s.table)
	} else {
		undo = append(append(append(undo, "--vpc-endpoint-type", "Interface", "--private-dns-enabled", "--security-group-ids", s.group), "--subnet-ids"), s.subnets...)
	}
	return change{[]string{"ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", id}, undo}
}

func (s *deployed) ingress() change {
	rule := []string{"--group-id", s.group, "--ip-permissions", "IpProtocol=-1,UserIdGroupPairs=[{GroupId=" + s.taskGroup + "}]"}
	return change{append([]string{"ec2", "revoke-security-group-ingress"}, rule...), append([]string{"ec2", "authorize-security-group-ingress"}, rule...)}
}

func (s *deployed) rolePolicy() change {
	policy := []string{"--role-name", s.role, "--policy-arn", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"}
	return change{append([]string{"iam", "detach-role-policy"}, policy...), append([]string{"iam", "attach-role-policy"}, policy...)}
}

func (s *deployed) logGroup() change {
	return change{[]string{"logs", "delete-log-group", "--log-group-name", s.logs}, []string{"logs", "create-log-group", "--log-group-name", s.logs}}
}

func (s *deployed) tag() change {
	manifest := s.aws("ecr", "batch-get-image", "--repository-name", "sample-app-repo", "--image-ids", "imageTag=sample", "--query", "images[0].imageManifest", "--output", "text")
	// A second tag keeps the image while the first is gone.
	s.aws("ecr", "put-image", "--repository-name", "sample-app-repo", "--image-tag", "kept", "--image-manifest", manifest)
	return change{[]string{"ecr", "batch-delete-image", "--repository-name", "sample-app-repo", "--image-ids", "imageTag=sample"},
		[]string{"ecr", "put-image", "--repository-name", "sample-app-repo", "--image-tag", "sample", "--image-manifest", manifest}}
}

// check makes the change, runs a task, looks, and takes the change back.
func (s *deployed) check(c removal) {
	if c.remove.do != nil {
		s.aws(c.remove.do...)
		defer s.aws(c.remove.undo...)
	}
	arn := s.aws("ecs", "run-task", "--cluster", s.cluster, "--task-definition", s.definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+s.subnets[0]+"],securityGroups=["+s.taskGroup+"]}", "--query", "tasks[0].taskArn", "--output", "text")
	var t task
	s.eventually(90*time.Second, "the task to run or to stop", func() error {
		t = awsJSON[struct{ Tasks []task }](s.account, "ecs", "describe-tasks", "--cluster", s.cluster, "--tasks", arn).Tasks[0]
		if t.LastStatus != "RUNNING" && t.LastStatus != "STOPPED" {
			return fmt.Errorf("it is %s", t.LastStatus)
		}
		return nil
	})
	if c.runs {
		if t.LastStatus != "RUNNING" {
			s.t.Errorf("the task stopped: %s", t.StoppedReason)
		}
		s.aws("ecs", "stop-task", "--cluster", s.cluster, "--task", arn)
		return
	}
	if t.LastStatus != "STOPPED" || t.StopCode != "TaskFailedToStart" {
		s.t.Errorf("the task is %s, stop code %q", t.LastStatus, t.StopCode)
	}
	if !matches(c.reason, t.StoppedReason) {
		s.t.Errorf("stoppedReason is\n  %s\nwant\n  %s", t.StoppedReason, c.reason)
	}
	why := s.neargate("why", t.id())
	if why.code != 6 || !strings.Contains(why.out, c.code) {
		s.t.Errorf("why: exit %d, want 6 and %s\n%s", why.code, c.code, why.out)
	}
}
