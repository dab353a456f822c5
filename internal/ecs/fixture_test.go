package ecs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// fixture is a service over a memory store with a VPC of two zones, and a clock
// and an agent that the test moves.
type fixture struct {
	*Service
	ctx    context.Context
	now    time.Time
	denied map[string]bool // actions and roles
}

func (f *fixture) Check(_ context.Context, action, resource string, _ map[string][]string) error {
	if f.denied[action] {
		return &ecsapi.AccessDeniedException{Message: "not authorized to perform: " + action + " on resource: " + resource}
	}
	return nil
}

func (f *fixture) CanAssume(_ context.Context, _, _, role, _, _ string) error {
	if f.denied[role] {
		return errors.New("no")
	}
	return nil
}

func newTest(t *testing.T) *fixture {
	db, err := store.OpenMemory(state.Clusters, state.ECSSettings, state.Roles, state.RunTokens, state.Services, state.TaskDefinitionFamilies,
		state.TaskDefinitions, state.Tasks, state.Subnets, state.SecurityGroups, state.TargetGroups, state.Targets, state.ListenerRules,
		state.Namespaces, state.DiscoveryServices, state.ServiceInstances, state.Alarms)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := &fixture{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), denied: map[string]bool{}}
	f.Service = New(Deps{DB: db, Checker: f, Roles: f, Pace: deployment.AWSPace, Now: func() time.Time { return f.now }})
	f.ctx = caller.With(t.Context(), caller.ForRoot("000000000000", "us-east-1"))
	err = db.Write(f.ctx, func(tx *store.Tx) error {
		for id, zone := range map[string]string{"subnet-a": "us-east-1a", "subnet-b": "us-east-1b"} {
			state.Subnets.Put(tx, &state.Subnet{Account: "000000000000", Region: "us-east-1", ID: id, VpcID: "vpc-1", AvailabilityZone: zone})
		}
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: "000000000000", Region: "us-east-1", ID: "sg-default", VpcID: "vpc-1", Name: "default"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateCluster(f.ctx, &ecsapi.CreateClusterRequest{}); err != nil {
		t.Fatal(err)
	}
	return f
}

func ptr[T any](v T) *T { return &v }

func (f *fixture) register(t *testing.T, family string) *ecsapi.TaskDefinition {
	t.Helper()
	out, err := f.RegisterTaskDefinition(f.ctx, &ecsapi.RegisterTaskDefinitionRequest{
		Family: family, Cpu: "256", Memory: "512", NetworkMode: "awsvpc", RequiresCompatibilities: []ecsapi.Compatibility{"FARGATE"},
		ExecutionRoleArn: "arn:aws:iam::000000000000:role/exec", ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "app", Image: "busybox"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.TaskDefinition
}

func network() *ecsapi.NetworkConfiguration {
	return &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}}}
}

func (f *fixture) create(t *testing.T, desired int32) {
	t.Helper()
	f.register(t, "web")
	_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{ServiceName: "s", TaskDefinition: "web", DesiredCount: &desired, LaunchType: "FARGATE", NetworkConfiguration: network()})
	if err != nil {
		t.Fatal(err)
	}
}

const serviceKey = "000000000000/us-east-1/default/s"

// tick lets the scheduler look at the service once.
func (f *fixture) tick(t *testing.T) time.Duration {
	t.Helper()
	result, err := f.schedule(f.ctx, serviceKey)
	if err != nil {
		t.Fatal(err)
	}
	return result.After
}

func (f *fixture) service(t *testing.T) ecsapi.Service {
	t.Helper()
	out, err := f.DescribeServices(f.ctx, &ecsapi.DescribeServicesRequest{Services: []string{"s"}})
	if err != nil || len(out.Services) != 1 {
		t.Fatal(out, err)
	}
	return out.Services[0]
}

// tasks are the tasks that are not STOPPED.
func (f *fixture) tasks() []*state.Task {
	var out []*state.Task
	for task := range state.Tasks.By(f.DB.Read(), "alive", "yes") {
		out = append(out, task)
	}
	return out
}

// agent does to each task what an agent would: those to stop are stopped, the
// others become RUNNING, or fail when fail is set.
func (f *fixture) agent(t *testing.T, fail string) {
	t.Helper()
	err := f.DB.Write(f.ctx, func(tx *store.Tx) error {
		for _, task := range f.tasks() {
			if task.DesiredStatus == "RUNNING" && fail != "" && task.LastStatus != state.TaskRunning {
				state.StopTask(tx, task.Key(), "TaskFailedToStart", fail, f.now)
			}
			state.Tasks.Update(tx, task.Key(), func(r *state.Task) {
				switch {
				case r.DesiredStatus == "STOPPED":
					r.LastStatus, r.StoppedAt = state.TaskStopped, f.now
				case r.LastStatus != state.TaskRunning:
					r.LastStatus, r.StartedAt = state.TaskRunning, f.now
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// events are the messages of the service, oldest first, with ids left out.
func (f *fixture) events(t *testing.T) []string {
	var out []string
	for _, e := range f.service(t).Events {
		words := strings.Fields(e.Message)
		for i, w := range words {
			if i > 0 && words[i-1] == "(task" {
				words[i] = "T" + w[32:]
			}
			if strings.HasPrefix(w, "ecs-svc/") {
				words[i] = "D" + w[len("ecs-svc/")+19:]
			}
		}
		out = append([]string{strings.Join(words, " ")}, out...)
	}
	return out
}
