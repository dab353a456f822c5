package timeline

import (
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
)

var zero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }

func drawn(s Span, now time.Time) string {
	var b strings.Builder
	Write(&b, s, now)
	return b.String()
}

func TestTask(t *testing.T) {
	task := ecsapi.Task{TaskArn: "arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef", LastStatus: "RUNNING", StartedBy: "ecs-svc/1",
		CreatedAt: at(0), ConnectivityAt: at(10), PullStartedAt: at(20), PullStoppedAt: at(60), StartedAt: at(80)}
	const running = `task/01234567  RUNNING  80ms
  network interface            │━━━━━                                   │       10ms
  roles, secrets, log streams  │     ━━━━━                              │       10ms
  image                        │          ━━━━━━━━━━━━━━━━━━━━          │       40ms
  start of containers          │                              ━━━━━━━━━━│       20ms
`
	if got := drawn(Task(task), at(9999)); got != running {
		t.Errorf("running:\n%swant:\n%s", got, running)
	}
	pulling := task
	pulling.LastStatus, pulling.PullStoppedAt, pulling.StartedAt = "PENDING", time.Time{}, time.Time{}
	if got := drawn(Task(pulling), at(40)); !strings.HasPrefix(got, "task/01234567  PENDING  40ms+\n") || !strings.Contains(got, "image") || !strings.Contains(got, "20ms+") || strings.Contains(got, "start of containers") {
		t.Errorf("pulling:\n%s", got)
	}
	stopped := task
	stopped.LastStatus, stopped.StoppingAt, stopped.ExecutionStoppedAt, stopped.StoppedAt = "STOPPED", at(1000), at(1010), at(1040)
	if got := drawn(Task(stopped), at(9999)); !strings.Contains(got, "runs") || !strings.Contains(got, "release of its network") || !strings.HasPrefix(got, "task/01234567  STOPPED  1.04s\n") {
		t.Errorf("stopped:\n%s", got)
	}
	failed := ecsapi.Task{TaskArn: "x/y", LastStatus: "STOPPED", CreatedAt: at(0), ConnectivityAt: at(10), StoppingAt: at(3000), StoppedAt: at(3010)}
	if s := Task(failed); s.End != at(3010) || len(s.Spans) != 3 {
		t.Errorf("failed: %+v", s)
	}
}

func TestDeployment(t *testing.T) {
	d := ecsapi.Deployment{Id: "ecs-svc/1", RolloutState: "COMPLETED", CreatedAt: at(0), UpdatedAt: at(200)}
	s := Deployment("web", d, []ecsapi.Task{
		{TaskArn: "a/bb", StartedBy: "ecs-svc/1", LastStatus: "RUNNING", CreatedAt: at(20), StartedAt: at(100)},
		{TaskArn: "a/aa", StartedBy: "ecs-svc/1", LastStatus: "RUNNING", CreatedAt: at(10), StartedAt: at(90)},
		{TaskArn: "a/cc", StartedBy: "ecs-svc/0", LastStatus: "RUNNING", CreatedAt: at(0), StartedAt: at(90)},
	})
	if len(s.Spans) != 2 || s.Spans[0].Name != "task/aa" || s.End != at(200) {
		t.Errorf("%+v", s)
	}
	d.RolloutState = "IN_PROGRESS"
	if s := Deployment("web", d, nil); !s.End.IsZero() {
		t.Errorf("under way: %+v", s)
	}
}

func TestStack(t *testing.T) {
	event := func(ms int, id, physical, kind, status string) cloudformationapi.StackEvent {
		return cloudformationapi.StackEvent{Timestamp: at(ms), LogicalResourceId: id, PhysicalResourceId: physical, ResourceType: kind, ResourceStatus: cloudformationapi.ResourceStatus(status)}
	}
	events := []cloudformationapi.StackEvent{
		event(400, "s", "arn:s", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE"), // newest first, as the API tells them
		event(300, "Old", "o", "AWS::SQS::Queue", "DELETE_COMPLETE"),
		event(250, "Old", "o", "AWS::SQS::Queue", "DELETE_IN_PROGRESS"),
		event(200, "Inner", "arn:inner", "AWS::CloudFormation::Stack", "UPDATE_FAILED"),
		event(110, "Inner", "arn:inner", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS"),
		event(100, "s", "arn:s", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS"),
		event(50, "s", "arn:s", "AWS::CloudFormation::Stack", "CREATE_COMPLETE"),
		event(0, "s", "arn:s", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS"),
	}
	s := Stack("s", "arn:s", events, map[string]Span{"arn:inner": {Start: at(115), Spans: []Span{{Name: "Deep", Start: at(120), End: at(180)}}}})
	const want = `stack/s  UPDATE_COMPLETE  300ms
  Inner AWS::CloudFormation::Stack  │ ━━━━━━━━━━━━                           │       90ms  UPDATE_FAILED
    Deep                            │  ━━━━━━━━                              │       60ms
  Old AWS::SQS::Queue               │                    ━━━━━━              │       50ms
`
	if got := drawn(s, at(9999)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}
