package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// alarm gives an alarm that looks back two minutes a state.
func (f *fixture) alarm(t *testing.T, name, value string) {
	t.Helper()
	err := f.DB.Write(f.ctx, func(tx *store.Tx) error {
		state.Alarms.Put(tx, &state.Alarm{Account: "000000000000", Region: "us-east-1", Name: name, State: value, EvaluationPeriods: 2, Metric: state.AlarmMetric{Name: "m", Period: 60}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// round lets the scheduler and the agent do what they can, and some time pass.
func (f *fixture) round(t *testing.T, after time.Duration) {
	t.Helper()
	f.tick(t)
	f.agent(t, "")
	f.now = f.now.Add(after)
	f.tick(t)
}

// An alarm that goes off during a deployment, also after all its tasks run, brings the
// deployment before it back; one that was in ALARM already does not count.
func TestAlarmsFailDeployments(t *testing.T) {
	f := newTest(t)
	f.alarm(t, "noisy", "ALARM")
	f.alarm(t, "errors", "OK")
	f.register(t, "web")
	_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{
		ServiceName: "s", TaskDefinition: "web:1", DesiredCount: ptr[int32](1), LaunchType: "FARGATE", NetworkConfiguration: network(),
		DeploymentConfiguration: &ecsapi.DeploymentConfiguration{Alarms: &ecsapi.DeploymentAlarms{Enable: true, Rollback: true, AlarmNames: []string{"noisy", "errors", "absent"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.round(t, 41*time.Second)
	if s := f.service(t); s.RunningCount != 1 || s.Deployments[0].RolloutState != "IN_PROGRESS" || !slices.Equal(s.DeploymentConfiguration.Alarms.AlarmNames, []string{"noisy", "errors", "absent"}) {
		t.Fatalf("its task runs, and its alarms are watched: %+v", s.Deployments)
	}
	f.round(t, 121*time.Second)
	if s := f.service(t); s.Deployments[0].RolloutState != "COMPLETED" {
		t.Fatalf("two minutes later: %+v", s.Deployments)
	}
	f.register(t, "web")
	if _, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", TaskDefinition: "web:2"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.round(t, 41*time.Second)
	}
	s := f.service(t)
	if !strings.HasSuffix(s.TaskDefinition, "web:2") || s.RunningCount != 1 || s.Deployments[0].RolloutState != "IN_PROGRESS" {
		t.Fatalf("the new task runs alone, and the alarms are watched: %+v", s.Deployments)
	}
	failed := s.Deployments[0].Id
	f.alarm(t, "errors", "ALARM")
	f.tick(t)
	s = f.service(t)
	if !strings.HasSuffix(s.TaskDefinition, "web:1") || s.Deployments[0].RolloutStateReason != "ECS deployment alarm: rolling back to deploymentId "+s.Deployments[0].Id+"." {
		t.Errorf("after the alarm: %+v", s.Deployments)
	}
	if d := s.Deployments[1]; d.Id != failed || d.RolloutState != "FAILED" || d.RolloutStateReason != "ECS deployment alarm: alarm detected." {
		t.Errorf("the failed one: %+v", d)
	}
	list, err := f.ListServiceDeployments(f.ctx, &ecsapi.ListServiceDeploymentsRequest{Service: "s", Status: []ecsapi.ServiceDeploymentStatus{"ROLLBACK_IN_PROGRESS"}})
	if err != nil || len(list.ServiceDeployments) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	shown, err := f.DescribeServiceDeployments(f.ctx, &ecsapi.DescribeServiceDeploymentsRequest{ServiceDeploymentArns: []string{list.ServiceDeployments[0].ServiceDeploymentArn}})
	if err != nil || shown.ServiceDeployments[0].Alarms.Status != "TRIGGERED" || !slices.Equal(shown.ServiceDeployments[0].Alarms.TriggeredAlarmNames, []string{"errors"}) {
		t.Errorf("%+v %v", shown, err)
	}
	for range 4 {
		f.round(t, 121*time.Second)
	}
	if s := f.service(t); len(s.Deployments) != 1 || s.Deployments[0].RolloutState != "COMPLETED" || s.RunningCount != 1 {
		t.Errorf("at the end: %+v", s.Deployments)
	}
	events := f.events(t)
	for _, want := range []string{"(service s) (deployment D) deployment failed: alarm detected.", "(service s) rolling back to deployment D."} {
		if !slices.Contains(events, want) {
			t.Errorf("no event %q in %q", want, events)
		}
	}
}
