package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
)

// requestRow is a row whose fault AWS finds in the request itself: it is refused,
// no task is made. `why` explains the id in the answer's header, and with its fix
// the same request is carried out.
type requestRow struct {
	element  string
	code     string
	resource func(*site) string
	reason   string // regular expression on what the aws CLI prints
	// run prepares the row and returns what runs a task, with the groups and as the
	// caller that are at fault.
	run func(*site) (caller *account, command string)
	// beside: the fix is a part of the request, not a command.
	beside bool
}

var requestRows = []requestRow{
	{element: "security group, one of another VPC", code: "net.wrong-vpc", resource: id("foreign"), beside: true,
		reason: `\(InvalidParameterException\) when calling the RunTask operation: Security group sg-[0-9a-f]+ does not appear to belong to the same VPC as the input subnets\.`,
		run: func(s *site) (*account, string) {
			vpc := got(s.ec2.CreateVpc(s.t.Context(), &ec2api.CreateVpcRequest{CidrBlock: "10.99.0.0/16"})).by(s).Vpc.VpcId
			s.ids["foreign"] = got(s.ec2.CreateSecurityGroup(s.t.Context(), &ec2api.CreateSecurityGroupRequest{GroupName: "foreign", Description: "foreign", VpcId: vpc})).by(s).GroupId
			return s.account, s.runCommand(s.ids["foreign"])
		}},
	{element: "permission iam:PassRole of who runs the task", code: "iam.passrole",
		resource: func(s *site) string { return "arn:aws:iam::" + s.ID + ":user/developer" },
		reason:   `\(AccessDeniedException\) when calling the RunTask operation: User: arn:aws:iam::\d+:user/developer is not authorized to perform: iam:PassRole on resource: \S+ because no identity-based policy allows the iam:PassRole action`,
		run: func(s *site) (*account, string) {
			got(s.iam.CreateUser(s.t.Context(), &iamapi.CreateUserRequest{UserName: "developer"})).by(s)
			s.ok(s.iam.PutUserPolicy(s.t.Context(), &iamapi.PutUserPolicyRequest{UserName: "developer", PolicyName: "ecs", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}`}))
			key := got(s.iam.CreateAccessKey(s.t.Context(), &iamapi.CreateAccessKeyRequest{UserName: "developer"})).by(s).AccessKey
			developer := *s.account
			developer.Key, developer.Secret = key.AccessKeyId, key.SecretAccessKey
			return &developer, s.runCommand(s.groups[0])
		}},
}

// runCommand runs a task of the row's own definition with a security group.
func (s *site) runCommand(group string) string {
	s.t.Helper()
	return fmt.Sprintf("aws ecs run-task --cluster %s --task-definition %s --launch-type FARGATE --query tasks[0].taskArn --output text --network-configuration 'awsvpcConfiguration={subnets=[%s],securityGroups=[%s]}'",
		s.cluster, s.revise("refused", nil), s.subnets[0], group)
}

// whyHeader finds the id of a refused request in what the aws CLI logs of the answer.
var whyHeader = regexp.MustCompile(`(?i)'x-neargate-why': '([^']+)'`)

// tryRequest runs a task by a request that is refused, asks why, and runs it with the fix.
func (s *site) tryRequest(r requestRow) {
	s.t.Helper()
	s = s.forRow("Requests", r.element)
	caller, command := r.run(s)
	refused := caller.shell(command + " --debug")
	id := whyHeader.FindStringSubmatch(refused.out)
	said := regexp.MustCompile(r.reason).FindString(refused.out)
	if refused.code == 0 || id == nil || said == "" {
		s.t.Fatalf("exit %d, want one with %s and an id\n%s", refused.code, r.reason, refused.out[max(0, len(refused.out)-3000):])
	}
	f := s.explain(row{element: r.element, code: r.code, resource: r.resource}, id[1])
	fix := f.text(s.t, "cli", "")
	if r.beside {
		command += " " + fix // of two, the last counts
	} else if out := s.shell(fix); out.code != 0 {
		s.t.Fatalf("the fix\n%s\nexit %d\n%s", fix, out.code, out.out)
	}
	run := caller.shell(command)
	if run.code != 0 {
		s.t.Fatalf("with the fix: exit %d\n%s", run.code, run.out)
	}
	task := strings.TrimSpace(run.out)
	s.waitTask(s.cluster, task, "RUNNING")
	s.matrix.add(s.name, line{row: row{element: r.element}, said: said, finding: f, fix: fix})
	got(s.ecs.StopTask(s.t.Context(), &ecsapi.StopTaskRequest{Cluster: s.cluster, Task: task})).by(s)
}

// requests tries all rows of requests beside each other.
func (s *site) requests(t *testing.T) {
	for _, r := range requestRows {
		t.Run(r.element, func(t *testing.T) {
			t.Parallel()
			s.in(t).tryRequest(r)
		})
	}
}
