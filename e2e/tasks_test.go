package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// shellTasks runs commands of a busybox image in the default VPC of an account.
type shellTasks struct {
	*account
	image, role string
}

func newShellTasks(t *testing.T) *shellTasks {
	a := newAccount(t)
	s := &shellTasks{a, a.push(busyboxArchive(t, a.dir, "sh"), "shell", "1"), a.executionRole("execution")}
	a.aws("ecs", "create-cluster", "--cluster-name", "tests")
	a.aws("logs", "create-log-group", "--log-group-name", "shell")
	return s
}

// in is the same for a subtest.
func (s *shellTasks) in(t *testing.T) *shellTasks {
	return &shellTasks{s.account.in(t), s.image, s.role}
}

// define registers a task definition with one container that runs a shell
// command; more is JSON of further members of the container, options of its log driver.
func (s *shellTasks) define(family, command, more, options string) string {
	s.t.Helper()
	return s.register(fmt.Sprintf(`{"family":%q,"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"c","image":%q,"command":["sh","-c",%q]%s,
	 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"shell","awslogs-region":%q,"awslogs-stream-prefix":"p"%s}}}]}`,
		family, s.role, s.image, command, more, s.Region, options))
}

// lines are what a task's container wrote, as the log group has it.
func (s *shellTasks) lines(stopped task) []string {
	s.t.Helper()
	out := s.aws("logs", "get-log-events", "--log-group-name", "shell", "--log-stream-name", "p/c/"+stopped.id(), "--start-from-head", "--query", "events[].message", "--output", "text")
	return strings.Fields(out)
}

func TestTasks(t *testing.T) {
	t.Parallel()
	s := newShellTasks(t)
	t.Run("restart policy", func(t *testing.T) { testRestartPolicy(s.in(t)) })
	t.Run("spot", func(t *testing.T) { testSpot(s.in(t)) })
}

// A container that ends before the restartAttemptPeriod is over is not restarted; the metadata count restarts.
func testRestartPolicy(s *shellTasks) {
	definition := s.define("restart", `wget -qO- $ECS_CONTAINER_METADATA_URI_V4; exit 4`, `,"restartPolicy":{"enabled":true,"restartAttemptPeriod":60,"ignoredExitCodes":[3]}`, "")
	policy := s.aws("ecs", "describe-task-definition", "--task-definition", definition, "--query", "taskDefinition.containerDefinitions[0].restartPolicy.[enabled,restartAttemptPeriod,ignoredExitCodes[0]]", "--output", "text")
	if policy != "True\t60\t3" {
		s.t.Errorf("the policy is read back as %q", policy)
	}
	stopped := s.runTask(definition, "STOPPED")
	if stopped.StopCode != "EssentialContainerExited" || *stopped.Containers[0].ExitCode != 4 {
		s.t.Errorf("%s: %+v", stopped.StopCode, stopped.Containers)
	}
	if out := strings.Join(s.lines(stopped), " "); !strings.Contains(out, `"RestartCount":0`) {
		s.t.Errorf("metadata: %s", out)
	}
}

// A Spot task is told by SIGTERM that its capacity is taken, and is stopped with AWS's code.
func testSpot(s *shellTasks) {
	s.aws("ecs", "put-cluster-capacity-providers", "--cluster", "tests", "--capacity-providers", "FARGATE", "FARGATE_SPOT", "--default-capacity-provider-strategy", "capacityProvider=FARGATE_SPOT,weight=1")
	definition := s.define("spot", `trap "echo interrupted; exit 7" TERM; echo up; while true; do sleep 0.1; done`, "", "")
	out := awsJSON[struct{ Tasks []task }](s.account, "ecs", "run-task", "--cluster", "tests", "--task-definition", definition, "--network-configuration", s.defaultNetwork())
	running := s.waitTask("tests", out.Tasks[0].TaskArn, "RUNNING")
	if running.CapacityProviderName != "FARGATE_SPOT" || running.LaunchType != "FARGATE" {
		s.t.Errorf("capacity provider %q, launch type %q", running.CapacityProviderName, running.LaunchType)
	}
	s.eventually(20*time.Second, "the trap is set", func() error {
		if lines := s.lines(running); len(lines) == 0 {
			return fmt.Errorf("no line")
		}
		return nil
	})
	if r := s.neargate("interrupt", running.id()[:8]); r.code != 0 || !strings.Contains(r.out, "SpotInterruption Your Spot Task was interrupted.") {
		s.t.Fatalf("interrupt: %d %s", r.code, r.out)
	}
	stopped := s.waitTask("tests", running.TaskArn, "STOPPED")
	if stopped.StopCode != "SpotInterruption" || stopped.StoppedReason != "Your Spot Task was interrupted." || *stopped.Containers[0].ExitCode != 7 {
		s.t.Errorf("%s: %s, %+v", stopped.StopCode, stopped.StoppedReason, stopped.Containers)
	}
	if got := s.lines(stopped); got[len(got)-1] != "interrupted" {
		s.t.Errorf("lines %q", got)
	}
	if r := s.neargate("why", stopped.id()); !strings.Contains(r.out, "run.spot-interrupted") {
		s.t.Errorf("why: %s", r.out)
	}
	if r := s.neargate("interrupt", stopped.id()); r.code == 0 {
		s.t.Errorf("a stopped task was interrupted: %s", r.out)
	}
}
