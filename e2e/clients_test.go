package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stackView is what the tests look at of DescribeStacks.
type stackView struct {
	StackName, StackStatus, StackId, ParentId string
	Outputs                                   []struct{ OutputKey, OutputValue string }
}

// gone deletes a stack and waits until it is away.
func (a *account) gone(stack string) {
	a.t.Helper()
	a.aws("cloudformation", "delete-stack", "--stack-name", stack)
	a.aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", stack)
}

// isolatedVPCWithImage is the seed's templates and an image that runs.
func (a *account) isolatedVPCWithImage() (dir, image string) {
	a.t.Helper()
	return a.isolatedVPC(), a.push(busyboxArchive(a.t, a.dir, "sh", "-c", "echo started; exec sleep 3600"), "sample-app-repo", "sample")
}

// checkSteady waits for the seed's service and looks at its two tasks.
func (a *account) checkSteady() {
	a.t.Helper()
	cluster := a.clusterOf()
	a.aws("ecs", "wait", "services-stable", "--cluster", cluster, "--services", "sample-service")
	tasks := a.serviceTasks(cluster)
	if len(tasks) != 2 || tasks[0].LastStatus != "RUNNING" || tasks[1].LastStatus != "RUNNING" {
		a.t.Errorf("tasks: %+v", tasks)
	}
}

// TestSecondSeedByCLI deploys the seed by `aws cloudformation package` and
// `deploy`, with a profile for everything a client needs to know.
func TestSecondSeedByCLI(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir, image := a.isolatedVPCWithImage()
	bucket := "artifacts-" + a.ID
	a.aws("s3", "mb", "s3://"+bucket)
	packaged := filepath.Join(a.dir, "packaged.yml")
	a.aws("cloudformation", "package", "--template-file", filepath.Join(dir, "parent.yml"), "--s3-bucket", bucket, "--output-template-file", packaged)
	deploy := []string{"cloudformation", "deploy", "--template-file", packaged, "--stack-name", "seed", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--parameter-overrides", "ImageUri=" + image, "--s3-bucket", bucket, "--s3-prefix", "deployed"}
	if out := a.aws(deploy...); !strings.Contains(out, "Successfully created/updated stack - seed") {
		t.Errorf("deploy printed\n%s", out)
	}
	a.checkSteady()
	if r := a.try("aws", deploy...); r.code != 255 && r.code != 0 || !strings.Contains(r.out, "No changes to deploy. Stack seed is up to date") {
		t.Errorf("deployed again: exit %d\n%s", r.code, r.out)
	}
	t.Run("look at it", func(t *testing.T) { testDescribeStack(a.in(t), packaged) })
	a.gone("seed")
	if out := a.aws("cloudformation", "list-stacks", "--stack-status-filter", "CREATE_COMPLETE", "--query", "StackSummaries[].StackName", "--output", "text"); out != "" && out != "None" {
		t.Errorf("left: %s", out)
	}
}

func testDescribeStack(a *account, packaged string) {
	stacks := awsJSON[struct{ Stacks []stackView }](a, "cloudformation", "describe-stacks").Stacks
	names := map[string]stackView{}
	for _, s := range stacks {
		short, _, _ := strings.Cut(s.StackName, "Stack-")
		names[short] = s
		if s.StackStatus != "CREATE_COMPLETE" {
			a.t.Errorf("%s is %s", s.StackName, s.StackStatus)
		}
	}
	root := names["seed"]
	if len(stacks) != 4 || root.StackId == "" {
		a.t.Fatalf("stacks: %+v", stacks)
	}
	for _, s := range stacks {
		if s.StackName != "seed" && s.ParentId != root.StackId {
			a.t.Errorf("%s has the parent %q", s.StackName, s.ParentId)
		}
	}
	type resource struct{ LogicalResourceId, PhysicalResourceId, ResourceType, ResourceStatus string }
	resources := awsJSON[struct{ StackResourceSummaries []resource }](a, "cloudformation", "list-stack-resources", "--stack-name", "seed").StackResourceSummaries
	if len(resources) != 3 {
		a.t.Errorf("resources: %+v", resources)
	}
	for _, r := range resources {
		if r.ResourceType != "AWS::CloudFormation::Stack" || r.ResourceStatus != "CREATE_COMPLETE" || !strings.HasPrefix(r.PhysicalResourceId, "arn:aws:cloudformation:"+a.Region+":"+a.ID+":stack/seed-"+r.LogicalResourceId+"-") {
			a.t.Errorf("resource %+v", r)
		}
	}
	type event struct {
		Timestamp                                                           time.Time
		LogicalResourceId, ResourceStatus, ResourceType, PhysicalResourceId string
	}
	events := awsJSON[struct{ StackEvents []event }](a, "cloudformation", "describe-stack-events", "--stack-name", "seed").StackEvents
	if !slices.IsSortedFunc(events, func(x, y event) int { return y.Timestamp.Compare(x.Timestamp) }) {
		a.t.Errorf("events are not newest first: %+v", events)
	}
	if e := events[0]; e.LogicalResourceId != "seed" || e.ResourceStatus != "CREATE_COMPLETE" || e.PhysicalResourceId != root.StackId {
		a.t.Errorf("newest event %+v", e)
	}
	if e := events[len(events)-1]; e.LogicalResourceId != "seed" || e.ResourceStatus != "REVIEW_IN_PROGRESS" {
		a.t.Errorf("oldest event %+v", e)
	}
	text, err := os.ReadFile(packaged)
	if err != nil {
		a.t.Fatal(err)
	}
	if got := a.aws("cloudformation", "get-template", "--stack-name", "seed", "--query", "TemplateBody", "--output", "text"); !strings.Contains(got, "Transform: AWS::Serverless-2016-10-31") || strings.Count(got, "\n") != strings.Count(strings.TrimRight(string(text), "\n"), "\n") {
		a.t.Errorf("get-template\n%s\nwant\n%s", got, text)
	}
	if got := a.aws("cloudformation", "get-template", "--stack-name", "seed", "--template-stage", "Processed", "--query", "TemplateBody", "--output", "json"); !strings.Contains(got, "AWS::CloudFormation::Stack") || strings.Contains(got, "Serverless") {
		a.t.Errorf("the processed template is\n%s", got)
	}
}

// TestSecondSeedByNeargateDeploy is the same by our own command.
func TestSecondSeedByNeargateDeploy(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir, image := a.isolatedVPCWithImage()
	deploy := func(more ...string) result {
		return a.neargate(append([]string{"deploy", filepath.Join(dir, "parent.yml"), "--stack-name", "seed"}, more...)...)
	}
	if r := deploy(); r.code == 0 || !strings.Contains(r.out, "Parameters: [ImageUri] must have values") {
		t.Errorf("without the parameter: exit %d\n%s", r.code, r.out)
	}
	r := deploy("--parameter", "ImageUri="+image)
	if r.code != 0 || strings.Contains(r.out, "\x1b") {
		t.Fatalf("exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	for _, want := range []string{"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "VpcStack (AWS::CloudFormation::Stack)", "(AWS::ECS::Service)", "stack seed is CREATE_COMPLETE after "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	a.checkSteady()
	if r := a.neargate("timeline", "seed"); r.code != 0 || !strings.HasPrefix(r.out, "stack/seed  CREATE_COMPLETE  ") || !strings.Contains(r.out, "\n  VpcStack AWS::CloudFormation::Stack ") || !strings.Contains(r.out, " AWS::ECS::Service ") {
		t.Errorf("timeline: exit %d\n%s", r.code, r.out)
	}
	if r := a.neargate("cost", "seed"); r.code != 0 || !strings.Contains(r.out, "interface endpoint hour ") || !strings.Contains(r.out, ", 2 running ") || !strings.Contains(r.out, " USD a month, by the prices of ") {
		t.Errorf("cost: exit %d\n%s", r.code, r.out)
	}
	if r := a.neargate("cost", "nothing"); r.code != 4 || !strings.HasPrefix(r.out, "error: there is no stack nothing\n") {
		t.Errorf("cost of nothing: exit %d\n%s", r.code, r.out)
	}
	if r := deploy(); r.code != 0 || r.out != "no changes: stack seed is up to date\n" {
		t.Errorf("deployed again: exit %d\n%s", r.code, r.out)
	}
	// A change that cannot be made: the error has its four lines, the stack its old state.
	a.edit(filepath.Join(dir, "private-service.yml"), "Default: 512", "Default: 513")
	r = deploy()
	if r.code != 1 || !strings.Contains(r.out, "UPDATE_FAILED") || !strings.Contains(r.out, "error: stack seed ended in UPDATE_ROLLBACK_COMPLETE\n  why ") || !strings.Contains(r.out, "neargate why stack/seed") {
		t.Errorf("a bad change: exit %d\n%s", r.code, r.out)
	}
	if r := a.neargate("why", "stack/seed"); !strings.Contains(r.out, "513") {
		t.Errorf("why: exit %d\n%s", r.code, r.out)
	}
	a.gone("seed")
}

// TestIsolatedVPCForEC2 deploys the VPC alone, by a profile, with the three
// endpoints that ECS on EC2 needs.
func TestIsolatedVPCForEC2(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := a.isolatedVPC()
	home := filepath.Join(a.dir, "home")
	mine := "[profile mine]\nregion = eu-north-1\n"
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o755); err != nil {
		t.Fatal(err)
	}
	a.write("home/.aws/config", mine)
	if r := a.with("HOME="+home).neargate("env", "--profile"); r.code != 0 {
		t.Fatalf("env --profile: exit %d\n%s", r.code, r.out)
	}
	config, err := os.ReadFile(filepath.Join(home, ".aws", "config"))
	if err != nil || !strings.HasPrefix(string(config), mine) {
		t.Errorf("the config is %q, %v", config, err)
	}
	// What is left of the environment is the profile's name. The account is the
	// operator's, so its stack has a name of its own and goes again.
	p := a.only("PATH="+clientPath(), "HOME="+home, "AWS_PROFILE=neargate", "AWS_PAGER=")
	if got := p.aws("sts", "get-caller-identity", "--query", "Arn", "--output", "text"); got != "arn:aws:iam::000000000000:root" {
		t.Errorf("the profile is %s", got)
	}
	endpoints := func() []string {
		vpc := p.aws("cloudformation", "describe-stack-resource", "--stack-name", "for-ec2", "--logical-resource-id", "VPC", "--query", "StackResourceDetail.PhysicalResourceId", "--output", "text")
		names := strings.Fields(p.aws("ec2", "describe-vpc-endpoints", "--filters", "Name=vpc-id,Values="+vpc, "--query", "VpcEndpoints[].ServiceName", "--output", "text"))
		slices.Sort(names)
		return names
	}
	deploy := func(value string) {
		p.aws("cloudformation", "deploy", "--template-file", filepath.Join(dir, "isolated-vpc.yml"), "--stack-name", "for-ec2", "--parameter-overrides", "DeployingToEC2="+value)
	}
	deploy("true")
	with := endpoints()
	for _, want := range []string{"ecs", "ecs-agent", "ecs-telemetry"} {
		if !slices.ContainsFunc(with, func(name string) bool { return strings.HasSuffix(name, "."+want) }) {
			t.Errorf("no endpoint of %s: %v", want, with)
		}
	}
	deploy("false")
	if without := endpoints(); len(without) != len(with)-3 {
		t.Errorf("endpoints without EC2: %v, with it: %v", without, with)
	}
	p.gone("for-ec2")
}

// only is the account with nothing but these variables in the environment.
func (a *account) only(env ...string) *account {
	sub := *a
	sub.whole = env
	return &sub
}

// TestChangeSetNamesWhatIsNotCarriedOut fails a change set by the name and line
// of what is not carried out, and leaves the stack as it was.
func TestChangeSetNamesWhatIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	template := a.write("vpc.yml", vpcOnly)
	a.aws("cloudformation", "deploy", "--template-file", template, "--stack-name", "one")
	before := a.aws("cloudformation", "describe-stack-resources", "--stack-name", "one")
	for _, c := range []struct{ text, want string }{
		{vpcOnly + "      Foo: bar\n", "line 6"},
		{vpcOnly + "  X:\n    Type: AWS::SNS::Topic\n", "AWS::SNS::Topic"},
	} {
		a.write("vpc.yml", c.text)
		r := a.try("aws", "cloudformation", "deploy", "--template-file", template, "--stack-name", "one")
		if r.code == 0 || !strings.Contains(r.out, c.want) {
			t.Errorf("exit %d, want %q in\n%s", r.code, c.want, r.out)
		}
		// The CLI names change sets by the second, and a failed one keeps its name.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
	if after := a.aws("cloudformation", "describe-stack-resources", "--stack-name", "one"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	a.gone("one")
}
