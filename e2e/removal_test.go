package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRemovals takes one thing away from the working isolated VPC at a time: the
// next task stops with AWS's code and text, `why` names the cause, and the
// command that `why` gives as the fix makes the task after that start.
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
		{name: "private DNS", change: s.privateDNS("ecr.dkr"), code: "net.private-dns-off", fixed: true,
			reason: `^CannotPullContainerError: .*dkr.ecr.*i/o timeout`},
		{name: "ecr.api endpoint", change: s.endpoint("ecr.api"), code: "net.endpoint-missing", fixed: true,
			reason: `^ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve ecr registry auth: .*api.ecr`},
		{name: "ecr.dkr endpoint", change: s.endpoint("ecr.dkr"), code: "net.endpoint-missing", fixed: true,
			reason: `^CannotPullContainerError: .*dkr.ecr.*i/o timeout`},
		{name: "S3 gateway endpoint", change: s.endpoint("s3"), code: "net.endpoint-missing", fixed: true,
			reason: `^CannotPullContainerError: .*starport-layer-bucket.*i/o timeout`},
		{name: "logs endpoint", change: s.endpoint("logs"), code: "net.endpoint-missing", fixed: true,
			reason: `^ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group .*connection issue.* : signal: killed$`},
		{name: "PrivateLink ingress", change: s.ingress(), code: "net.endpoint-sg", fixed: true,
			reason: `^ResourceInitializationError: unable to pull secrets or registry auth: .*api.ecr.*i/o timeout`},
		{name: "execution role's policy", change: s.rolePolicy(), code: "iam.exec-ecr", fixed: true,
			reason: `is not authorized to perform: ecr:GetAuthorizationToken on resource: \* because no identity-based policy allows the ecr:GetAuthorizationToken action$`},
		{name: "log group", change: s.logGroup(), code: "logs.no-group", fixed: true,
			reason: `^ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1$`},
		{name: "image tag", change: s.tag(), code: "reg.no-tag",
			reason: `^CannotPullContainerError: .*/sample-app-repo:sample.*not found$`},
	} {
		t.Run(c.name, func(t *testing.T) { s.in(t).check(c) })
	}
	t.Run("trust of the execution role", func(t *testing.T) { s.in(t).checkTrust() })
}

// removal is one row: what is taken away, and what must be seen then.
type removal struct {
	name string
	change
	runs   bool
	reason string // regular expression on stoppedReason
	code   string // slug that why names
	fixed  bool   // the command that why gives makes it work again
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
	id := s.endpointID(service)
	undo := []string{"ec2", "create-vpc-endpoint", "--vpc-id", s.vpc, "--service-name", "com.amazonaws." + s.Region + "." + service}
	if service == "s3" {
		undo = append(undo, "--vpc-endpoint-type", "Gateway", "--route-table-ids", s.table)
	} else {
		undo = append(append(append(undo, "--vpc-endpoint-type", "Interface", "--private-dns-enabled", "--security-group-ids", s.group), "--subnet-ids"), s.subnets...)
	}
	return change{[]string{"ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", id}, undo}
}

func (s *deployed) endpointID(service string) string {
	return s.aws("ec2", "describe-vpc-endpoints", "--filters", "Name=service-name,Values=com.amazonaws."+s.Region+"."+service, "--query", "VpcEndpoints[0].VpcEndpointId", "--output", "text")
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

// privateDNS turns private DNS of a service's endpoint off.
func (s *deployed) privateDNS(service string) change {
	id := s.endpointID(service)
	modify := []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id}
	return change{append(modify[:4:4], "--no-private-dns-enabled"), append(modify[:4:4], "--private-dns-enabled")}
}

// launch runs a task in the isolated VPC.
func (s *deployed) launch(definition string) string {
	s.t.Helper()
	return s.aws("ecs", "run-task", "--cluster", s.cluster, "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+s.subnets[0]+"],securityGroups=["+s.taskGroup+"]}", "--query", "tasks[0].taskArn", "--output", "text")
}

// starts checks that a task of the seed's definition runs, and stops it.
func (s *deployed) starts() {
	s.t.Helper()
	arn := s.launch(s.definition)
	s.waitTask(s.cluster, arn, "RUNNING")
	s.aws("ecs", "stop-task", "--cluster", s.cluster, "--task", arn)
}

// check makes the change, runs a task, looks, and takes the change back: by the
// fix that why gives, or by hand.
func (s *deployed) check(c removal) {
	if c.runs {
		s.starts()
		return
	}
	s.aws(c.do...)
	taken := true
	defer func() {
		if taken {
			s.aws(c.undo...)
		}
	}()
	t := s.waitTask(s.cluster, s.launch(s.definition), "STOPPED")
	if t.StopCode != "TaskFailedToStart" {
		s.t.Errorf("the stop code is %q", t.StopCode)
	}
	if !matches(c.reason, t.StoppedReason) {
		s.t.Errorf("stoppedReason is\n  %s\nwant\n  %s", t.StoppedReason, c.reason)
	}
	fix := s.why(t.id(), c.code)
	if !c.fixed || s.t.Failed() {
		return
	}
	if out := s.shell(fix); out.code != 0 {
		s.t.Fatalf("the fix %s: exit %d\n%s", fix, out.code, out.out)
	}
	taken = false
	s.starts()
}

// checkTrust makes the execution role one that ECS cannot assume: no task is
// made any more, and the service says so.
func (s *deployed) checkTrust() {
	trust := func(principal string) {
		s.aws("iam", "update-assume-role-policy", "--role-name", s.role, "--policy-document",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"`+principal+`"},"Action":"sts:AssumeRole"}]}`)
	}
	trust("ec2.amazonaws.com")
	service := s.aws("ecs", "list-services", "--cluster", s.cluster, "--query", "serviceArns[0]", "--output", "text")
	s.aws("ecs", "update-service", "--cluster", s.cluster, "--service", service, "--desired-count", "3", "--query", "service.desiredCount")
	s.eventually(30*time.Second, "the service's event", func() error {
		said := s.aws("ecs", "describe-services", "--cluster", s.cluster, "--services", service, "--query", "services[0].events[0].message", "--output", "text")
		if want := "failed to launch a task with (error ECS was unable to assume the role '"; !strings.Contains(said, want) || !strings.Contains(said, s.role) {
			return fmt.Errorf("its last event is %q, want %q", said, want)
		}
		return nil
	})
	s.why("stack/isolated-vpc-environment", "iam.trust") // whose service is in a nested stack
	fix := s.why("service/"+service[strings.LastIndex(service, "/")+1:], "iam.trust")
	if out := s.shell(fix); fix == "" || out.code != 0 {
		s.t.Fatalf("the fix %q: exit %d\n%s", fix, out.code, out.out)
	}
	s.eventually(60*time.Second, "three running tasks", func() error {
		if n := s.aws("ecs", "describe-services", "--cluster", s.cluster, "--services", service, "--query", "services[0].runningCount"); n != "3" {
			return fmt.Errorf("%s", n)
		}
		return nil
	})
}
