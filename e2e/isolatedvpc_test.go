package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
)

// isolatedVPC copies the second seed's templates into the account's folder, as
// its reader has them, and returns the folder.
func (a *account) isolatedVPC() string {
	a.t.Helper()
	from := testenv.Shared(a.t, "examples", "isolated-vpc")
	dir := filepath.Join(a.dir, "isolated-vpc")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		a.t.Fatal(err)
	}
	return dir
}

// samDeploy is the seed's own command.
func (a *account) samDeploy(dir, image string, more ...string) result {
	a.t.Helper()
	args := append([]string{"deploy", "--template-file", filepath.Join(dir, "parent.yml"), "--stack-name", "isolated-vpc-environment",
		"--capabilities", "CAPABILITY_IAM", "--parameter-overrides", "ImageUri=" + image, "--resolve-s3"}, more...)
	return a.try("sam", args...)
}

// serviceTasks returns the running tasks of the seed's service.
func (a *account) serviceTasks(cluster string) []task {
	a.t.Helper()
	arns := awsJSON[struct{ TaskArns []string }](a, "ecs", "list-tasks", "--cluster", cluster, "--service-name", "sample-service").TaskArns
	if len(arns) == 0 {
		return nil
	}
	return awsJSON[struct{ Tasks []task }](a, append([]string{"ecs", "describe-tasks", "--cluster", cluster, "--tasks"}, arns...)...).Tasks
}

// task is what the tests look at of DescribeTasks.
type task struct {
	TaskArn, LastStatus, DesiredStatus, StopCode, StoppedReason, TaskDefinitionArn, AvailabilityZone, Memory, CapacityProviderName, LaunchType string
	Containers                                                                                                                                 []struct {
		Name, Reason, ImageDigest string
		ExitCode                  *int
		NetworkInterfaces         []struct{ Ipv6Address string }
	}
	Attachments []struct {
		Status  string
		Details []struct{ Name, Value string }
	}
}

func (t task) detail(name string) string {
	for _, a := range t.Attachments {
		for _, d := range a.Details {
			if d.Name == name {
				return d.Value
			}
		}
	}
	return ""
}

func (t task) id() string { return t.TaskArn[strings.LastIndex(t.TaskArn, "/")+1:] }

// clusterOf finds the cluster that the stack made.
func (a *account) clusterOf() string {
	a.t.Helper()
	arns := awsJSON[struct{ ClusterArns []string }](a, "ecs", "list-clusters").ClusterArns
	if len(arns) != 1 {
		a.t.Fatalf("clusters: %v", arns)
	}
	return arns[0]
}

func TestSecondSeedBySAM(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := a.isolatedVPC()
	image := a.push(busyboxArchive(t, a.dir, "sh", "-c", "echo started; exec sleep 3600"), "sample-app-repo", "sample")

	if r := a.samDeploy(dir, image); r.code != 0 || !strings.Contains(r.out, "Successfully created/updated stack") {
		t.Fatalf("sam deploy: exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	cluster := a.clusterOf()
	a.aws("ecs", "wait", "services-stable", "--cluster", cluster, "--services", "sample-service")
	tasks := a.serviceTasks(cluster)
	if len(tasks) != 2 {
		t.Fatalf("%d tasks: %+v", len(tasks), tasks)
	}
	zones := map[string]bool{}
	for _, task := range tasks {
		if task.LastStatus != "RUNNING" {
			t.Errorf("task %s is %s: %s", task.id(), task.LastStatus, task.StoppedReason)
		}
		if ip := task.detail("privateIPv4Address"); !strings.HasPrefix(ip, "10.0.1") && !strings.HasPrefix(ip, "10.0.2") {
			t.Errorf("task %s has the address %q", task.id(), ip)
		}
		zones[task.AvailabilityZone] = true
	}
	if len(zones) != 2 {
		t.Errorf("tasks are not spread over zones: %v", zones)
	}
	t.Run("logs", func(t *testing.T) {
		a := a.in(t)
		groups := awsJSON[struct {
			LogGroups []struct{ LogGroupName string }
		}](a, "logs", "describe-log-groups", "--log-group-name-prefix", "isolated-vpc-environment")
		if len(groups.LogGroups) != 1 {
			t.Fatalf("log groups: %+v", groups)
		}
		a.eventually(10*time.Second, "two lines in the log group", func() error {
			out := a.logsTail(groups.LogGroups[0].LogGroupName)
			if n := strings.Count(out, "started"); n != 2 {
				return fmt.Errorf("%d lines: %s", n, out)
			}
			return nil
		})
	})
	t.Run("network", func(t *testing.T) {
		a := a.in(t)
		a.networkCommands(tasks[0].id(), "isolated-vpc-environment")
		testReachabilityByAPI(t, a, tasks[0].detail("networkInterfaceId"))
	})
	t.Run("no changes", func(t *testing.T) {
		a := a.in(t)
		if r := a.samDeploy(dir, image); r.code != 1 && r.code != 0 || !strings.Contains(r.out, "No changes to deploy") {
			t.Errorf("exit %d\n%s", r.code, r.out)
		}
	})
	t.Run("new memory rolls", func(t *testing.T) { testNewMemoryRolls(a.in(t), dir, image, cluster, tasks) })
	t.Run("new count scales", func(t *testing.T) { testNewCountScales(a.in(t), dir, image, cluster) })
	t.Run("delete", func(t *testing.T) {
		a := a.in(t)
		a.run("sam", "delete", "--stack-name", "isolated-vpc-environment", "--no-prompts")
		for _, look := range [][]string{
			{"ecs", "list-clusters", "--query", "clusterArns"},
			{"ec2", "describe-vpcs", "--filters", "Name=is-default,Values=false", "--query", "Vpcs"},
			{"ec2", "describe-vpc-endpoints", "--query", "VpcEndpoints"},
			{"ec2", "describe-network-interfaces", "--query", "NetworkInterfaces"},
			{"logs", "describe-log-groups", "--log-group-name-prefix", "isolated", "--query", "logGroups"},
			{"iam", "list-roles", "--path-prefix", "/", "--query", "Roles[?contains(RoleName, 'isolated')]"},
		} {
			if out := a.aws(append(look, "--output", "json")...); out != "[]" {
				t.Errorf("%s left %s", strings.Join(look, " "), out)
			}
		}
	})
}

// in is the same account for a subtest.
func (a *account) in(t *testing.T) *account {
	sub := *a
	sub.t = t
	return &sub
}

// edit replaces text in one of the templates.
func (a *account) edit(path, old, new string) {
	a.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		a.t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		a.t.Fatalf("%s has %d times %q", path, strings.Count(string(text), old), old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

func testNewMemoryRolls(a *account, dir, image, cluster string, before []task) {
	a.edit(filepath.Join(dir, "private-service.yml"), "Default: 512", "Default: 1024")
	if r := a.samDeploy(dir, image); r.code != 0 {
		a.t.Fatalf("sam deploy: exit %d\n%s", r.code, r.out)
	}
	a.aws("ecs", "wait", "services-stable", "--cluster", cluster, "--services", "sample-service")
	after := a.serviceTasks(cluster)
	if len(after) != 2 {
		a.t.Fatalf("%d tasks after the roll", len(after))
	}
	for _, t := range after {
		if t.Memory != "1024" || !strings.HasSuffix(t.TaskDefinitionArn, "sample-service:2") {
			a.t.Errorf("task %s has memory %s and runs %s", t.id(), t.Memory, t.TaskDefinitionArn)
		}
		for _, old := range before {
			if old.TaskArn == t.TaskArn {
				a.t.Errorf("task %s was not replaced", t.id())
			}
		}
	}
}

func testNewCountScales(a *account, dir, image, cluster string) {
	before := a.serviceTasks(cluster)
	a.edit(filepath.Join(dir, "private-service.yml"), "Default: 2\n", "Default: 3\n")
	if r := a.samDeploy(dir, image); r.code != 0 {
		a.t.Fatalf("sam deploy: exit %d\n%s", r.code, r.out)
	}
	a.aws("ecs", "wait", "services-stable", "--cluster", cluster, "--services", "sample-service")
	after := a.serviceTasks(cluster)
	if len(after) != 3 {
		a.t.Fatalf("%d tasks after scaling", len(after))
	}
	alive := map[string]bool{}
	for _, t := range after {
		alive[t.TaskArn] = true
	}
	for _, t := range before {
		if !alive[t.TaskArn] {
			a.t.Errorf("task %s was replaced by scaling", t.id())
		}
	}
}
