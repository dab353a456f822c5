package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
	"go.yaml.in/yaml/v3"
)

// roleTasks runs tasks of one probe in the default VPC with different roles.
type roleTasks struct {
	*account
	image, network string
	roles          map[string]string // ARNs by the third seed's names
}

func (r *roleTasks) in(t *testing.T) *roleTasks {
	sub := *r
	sub.account = r.account.in(t)
	return &sub
}

// start starts a task with an execution role, and a task role unless it is "".
func (r *roleTasks) start(family, execution, taskRole string, environment string, args ...string) string {
	r.t.Helper()
	return r.aws("ecs", "run-task", "--cluster", "roles", "--task-definition", r.define(family, execution, taskRole, environment, args...), "--launch-type", "FARGATE", "--network-configuration", r.network, "--query", "tasks[0].taskArn", "--output", "text")
}

// define registers a definition of such a task.
func (r *roleTasks) define(family, execution, taskRole string, environment string, args ...string) string {
	r.t.Helper()
	if taskRole != "" {
		taskRole = fmt.Sprintf(`"taskRoleArn":%q,`, taskRole)
	}
	command := strings.Join(append([]string{"role"}, args...), `","`)
	return r.register(fmt.Sprintf(`{"family":%q,"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,%s
	 "containerDefinitions":[{"name":"c","image":%q,"command":["%s"],"environment":[%s],"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"roles","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`,
		family, execution, taskRole, r.image, command, environment, r.Region))
}

// said is what a task wrote so far.
func (r *roleTasks) said(arn string) string {
	r.t.Helper()
	out := r.try("aws", "logs", "get-log-events", "--log-group-name", "roles", "--log-stream-name", "p/c/"+arn[strings.LastIndex(arn, "/")+1:], "--start-from-head", "--query", "events[].message", "--output", "text")
	return strings.ReplaceAll(out.out, "\t", "\n")
}

// TestRoles follows the third seed, with all its roles, and the first, whose three
// roles are told apart.
func TestRoles(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	r := &roleTasks{account: a, network: a.defaultNetwork(), image: a.push(probeArchive(t, a.dir), "probe", "1")}
	a.aws("ecs", "create-cluster", "--cluster-name", "roles")
	a.aws("logs", "create-log-group", "--log-group-name", "roles")
	a.aws("cloudformation", "deploy", "--stack-name", "third", "--template-file", filepath.Join(testenv.Root(), "examples/ecs-roles/roles.yml"), "--capabilities", "CAPABILITY_NAMED_IAM")
	r.roles = map[string]string{}
	for _, o := range awsJSON[[]struct{ OutputKey, OutputValue string }](a, "cloudformation", "describe-stacks", "--stack-name", "third", "--query", "Stacks[0].Outputs") {
		r.roles[o.OutputKey] = o.OutputValue
	}
	t.Run("assumed only by its service", func(t *testing.T) { r.in(t).checkTrust() })
	t.Run("a task and its role", func(t *testing.T) { r.in(t).checkTaskRole() })
	t.Run("explained", func(t *testing.T) { r.in(t).checkKinds() })
	t.Run("the first seed's three", func(t *testing.T) { r.in(t).checkFirstSeed() })
}

// checkTrust: ECS can assume the two roles that trust it for tasks, and none of
// the others; people can assume none.
func (r *roleTasks) checkTrust() {
	r.t.Helper()
	r.aws("iam", "create-user", "--user-name", "admin")
	r.aws("iam", "attach-user-policy", "--user-name", "admin", "--policy-arn", "arn:aws:iam::aws:policy/AdministratorAccess")
	key := strings.Fields(r.aws("iam", "create-access-key", "--user-name", "admin", "--query", "AccessKey.[AccessKeyId,SecretAccessKey]", "--output", "text"))
	answers := r.with("AWS_ACCESS_KEY_ID="+key[0], "AWS_SECRET_ACCESS_KEY="+key[1]).run("python3", append([]string{"-c", `
import boto3, sys
sts = boto3.client("sts")
for arn in sys.argv[1:]:
    try:
        sts.assume_role(RoleArn=arn, RoleSessionName="admin")
        print(arn, "assumed")
    except sts.exceptions.ClientError as e:
        print(e)
`}, r.arns()...)...)
	for _, arn := range r.arns() {
		if want := "User: arn:aws:iam::" + r.ID + ":user/admin is not authorized to perform: sts:AssumeRole on resource: " + arn + "\n"; !strings.Contains(answers+"\n", want) {
			r.t.Errorf("no %q in\n%s", want, answers)
		}
	}
	if s := r.neargate("iam", "suggest", "user/admin", "--verify"); s.code != 0 || !strings.Contains(s.out, "none: it needs no permission") || !strings.Contains(s.out, "not included, because it was denied: sts:AssumeRole on "+r.roles["EventsRole"]) {
		r.t.Errorf("exit %d %s", s.code, s.out)
	}
	for name, arn := range r.roles {
		if name == "ExecutionRole" || name == "TaskRole" {
			continue
		}
		definition := r.define("wrong-"+name, arn, "", "")
		got := r.try("aws", "ecs", "run-task", "--cluster", "roles", "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration", r.network)
		if want := "An error occurred (ClientException) when calling the RunTask operation: ECS was unable to assume the role '" + arn + "' that was provided for this task."; got.code == 0 || !strings.Contains(got.out, want) {
			r.t.Errorf("exit %d %s\nwant %s", got.code, got.out, want)
		}
	}
}

func (r *roleTasks) arns() []string {
	var all []string
	for _, arn := range r.roles {
		all = append(all, arn)
	}
	return all
}

// checkTaskRole: a task may what its role may, another task has nothing of it,
// CloudTrail knows which task it was, and a revoked session ends at once.
func (r *roleTasks) checkTaskRole() {
	r.t.Helper()
	first := r.start("reader", r.roles["ExecutionRole"], r.roles["TaskRole"], "")
	path := ""
	r.eventually(60*time.Second, "the first task lists buckets", func() error {
		said := r.said(first)
		_, after, _ := strings.Cut(said, "path ")
		if path, _, _ = strings.Cut(after, "\n"); path == "" {
			return fmt.Errorf("it said %q", said)
		}
		return nil
	})
	bare := r.start("bare", r.roles["ExecutionRole"], "", "", path)
	other := r.start("other", r.roles["ExecutionRole"], r.roles["TaskRole"], `{"name":"ONCE","value":"1"}`, path)
	r.waitTask("roles", bare, "STOPPED")
	r.waitTask("roles", other, "STOPPED")
	for arn, wants := range map[string][]string{
		bare:  {"another's credentials 400 ", "no role, asking anyway: 400 "},
		other: {"another's credentials 400 ", "list ok"},
	} {
		said := r.said(arn)
		for _, want := range wants {
			if !strings.Contains(said, want) || strings.Contains(said, "SecretAccessKey") {
				r.t.Errorf("no %q in\n%s", want, said)
			}
		}
	}
	session := "arn:aws:sts::" + r.ID + ":assumed-role/ecsTaskRole/" + first[strings.LastIndex(first, "/")+1:]
	if said, want := r.said(first), "create AccessDenied: User: "+session+" is not authorized to perform: s3:CreateBucket on resource: \"arn:aws:s3:::made-by-a-task\" because no identity-based policy allows the s3:CreateBucket action"; !strings.Contains(said, want) {
		r.t.Errorf("no %q in\n%s", want, said)
	}
	events := r.aws("cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=Username,AttributeValue="+first[strings.LastIndex(first, "/")+1:], "--query", "Events[?EventName=='ListBuckets']|[0].CloudTrailEvent", "--output", "text")
	for _, want := range []string{`"arn":"` + session + `"`, `"userName":"ecsTaskRole"`, `"credentialsIssuedTo":"` + first + `"`} {
		if !strings.Contains(events, want) {
			r.t.Errorf("no %s in %s", want, events)
		}
	}

	r.aws("iam", "put-role-policy", "--role-name", "ecsTaskRole", "--policy-name", "AWSRevokeOlderSessions", "--policy-document", fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":%q}}}]}`, time.Now().UTC().Format(time.RFC3339)))
	r.waitTask("roles", first, "STOPPED")
	if said := r.said(first); !strings.Contains(said, "list AccessDenied: User: "+session+" is not authorized to perform: s3:ListAllMyBuckets on resource: \"*\" with an explicit deny in an identity-based policy") {
		r.t.Errorf("after the session was revoked: %s", said)
	}
	again := r.start("reader", r.roles["ExecutionRole"], r.roles["TaskRole"], `{"name":"ONCE","value":"1"}`)
	r.waitTask("roles", again, "STOPPED")
	if said := r.said(again); !strings.Contains(said, "list ok") {
		r.t.Errorf("a new session: %s", said)
	}
}

// checkKinds: every role of the third seed is told by its kind, and which are used.
func (r *roleTasks) checkKinds() {
	r.t.Helper()
	var report struct {
		Roles []struct {
			LogicalID string
			Used      bool
		}
	}
	r.json(&report, "explain", "roles", "third")
	for _, role := range report.Roles {
		if want := role.LogicalID == "ExecutionRole" || role.LogicalID == "TaskRole"; role.Used != want || r.roles[role.LogicalID] == "" {
			r.t.Errorf("%+v", role)
		}
	}
	if len(report.Roles) != len(r.roles) {
		r.t.Errorf("%d roles of %d are explained", len(report.Roles), len(r.roles))
	}
	out := r.neargate("explain", "roles", "--all").out
	table := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		"task execution role ecsTaskExecutionRole ecs-tasks.amazonaws.com yes ecsTaskExecutionRole",
		"task role ecsTaskRole ecs-tasks.amazonaws.com yes ecsTaskRole",
		"autoscaling role ecsAutoscaleRole application-autoscaling.amazonaws.com no ecsAutoscaleRole",
		"events role ecsEventsRole events.amazonaws.com no ecsEventsRole",
		"CodeDeploy role ecsCodeDeployRole codedeploy.amazonaws.com no ecsCodeDeployRole",
		"container instance role ecsInstanceRole ec2.amazonaws.com no ecsInstanceRole",
		"service role ecsServiceRole ecs.amazonaws.com no ecsServiceRole",
		"AWSServiceRoleForECS: service-linked role",
		"task definition wrong-EventsRole:1 names it as its task execution role, which needs trust in ecs-tasks.amazonaws.com",
	} {
		if !strings.Contains(table, want) {
			r.t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"ecsTaskRole", "s3:GetObject", "--context", "aws:TokenIssueTime=2020-01-01T00:00:00Z"}, 6, "denied by statement 1 (line 1) of role/ecsTaskRole inline policy AWSRevokeOlderSessions"},
		{[]string{"ecsTaskExecutionRole", "ecr:BatchGetImage"}, 0, "allowed by statement 1 (line 1) of arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"},
		{[]string{"ecsTaskExecutionRole", "s3:GetObject"}, 6, "no statement allows it"},
	} {
		if got := r.neargate(append([]string{"iam", "simulate"}, c.args...)...); got.code != c.code || !strings.Contains(got.out, c.want) {
			r.t.Errorf("simulate %v: exit %d %s", c.args, got.code, got.out)
		}
	}
}

// checkFirstSeed deploys the first seed's template, but for the distribution and
// its files, runs a task with two of its three roles, and reads what each is.
func (r *roleTasks) checkFirstSeed() {
	r.t.Helper()
	template := without(r.t, testenv.Shared(r.t, "examples/cluster-and-cdn/ecs-cluster-template.yaml"), "CloudFront", "DistributionDomainName", "StaticFiles")
	r.aws("cloudformation", "deploy", "--stack-name", "first", "--template-file", r.write("first.yml", template), "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", "YourUserId=me")
	arns := map[string]string{}
	for _, o := range awsJSON[[]struct{ OutputKey, OutputValue string }](r.account, "cloudformation", "describe-stacks", "--stack-name", "first", "--query", "Stacks[0].Outputs") {
		arns[o.OutputKey] = o.OutputValue
	}
	r.waitTask("roles", r.start("app", arns["ECSExecutionRoleArn"], arns["ECSTaskRoleArn"], `{"name":"GROUP","value":"made-by-the-app"}`), "STOPPED")
	out := r.neargate("explain", "roles", "first").out
	parts := strings.Split(strings.TrimSpace(out), "\n\n")
	if len(parts) != 3 {
		r.t.Fatalf("explain roles: %s", out)
	}
	for i, wants := range [][]string{
		{"✓ ECSExecutionRole (", ": task execution role, last used ", "by the service ecs-tasks.amazonaws.com\n", "task definition app:1, as its task execution role", "ecr:BatchGetImage ",
			"tasks of app would not start: the image could not be pulled, no log line could be written"},
		{"✓ ECSTaskRole (", ": task role, last used ", "task definition app:1, as its task role", "logs:CreateLogGroup 1 time, ", "tasks of app could no longer call logs:CreateLogGroup\n",
			"never used of ecs-task-logs-and-metrics: cloudwatch:PutMetricData, logs:CreateLogStream and logs:PutLogEvents"},
		{"– ECSAutoScalingRole (", ": autoscaling role, not used since it was made", "by the service application-autoscaling.amazonaws.com\n", "nothing that happened here so far"},
	} {
		for _, want := range wants {
			if !strings.Contains(parts[i]+"\n", want) {
				r.t.Errorf("no %q in\n%s", want, parts[i])
			}
		}
	}
}

// without is a template without the resources and outputs whose name begins so.
func without(t *testing.T, path string, names ...string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	root := doc.Content[0].Content
	for i := 0; i < len(root); i += 2 {
		if root[i].Value != "Resources" && root[i].Value != "Outputs" {
			continue
		}
		var kept []*yaml.Node
		for j := 0; j < len(root[i+1].Content); j += 2 {
			if key := root[i+1].Content[j]; !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(key.Value, name) }) {
				kept = append(kept, key, root[i+1].Content[j+1])
			}
		}
		root[i+1].Content = kept
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
