package ecs

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// spotCluster gives the default cluster both providers.
func (f *fixture) spotCluster(t *testing.T, strategy ...ecsapi.CapacityProviderStrategyItem) {
	t.Helper()
	_, err := f.PutClusterCapacityProviders(f.ctx, &ecsapi.PutClusterCapacityProvidersRequest{
		Cluster: "default", CapacityProviders: fargateProviders, DefaultCapacityProviderStrategy: strategy})
	if err != nil {
		t.Fatal(err)
	}
}

// providers counts the tasks that run by their capacity provider.
func (f *fixture) providers() map[string]int {
	out := map[string]int{}
	for _, task := range f.tasks() {
		if task.DesiredStatus == "RUNNING" {
			out[task.CapacityProvider]++
		}
	}
	return out
}

func TestSpotTasksAreDistributedInterruptedAndReplaced(t *testing.T) {
	f := newTest(t)
	f.spotCluster(t)
	f.register(t, "web")
	_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{ServiceName: "s", TaskDefinition: "web", DesiredCount: ptr(int32(5)), NetworkConfiguration: network(),
		CapacityProviderStrategy: []ecsapi.CapacityProviderStrategyItem{{CapacityProvider: "FARGATE", Base: 1, Weight: 1}, {CapacityProvider: "FARGATE_SPOT", Weight: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	f.tick(t)
	f.agent(t, "")
	f.tick(t)
	if got := f.providers(); got["FARGATE"] != 2 || got["FARGATE_SPOT"] != 3 {
		t.Fatalf("tasks by provider: %v", got)
	}
	stopped, err := f.Interrupt(f.ctx, "service/s")
	if err != nil || len(stopped) != 3 {
		t.Fatalf("%d interrupted, %v", len(stopped), err)
	}
	for _, task := range stopped {
		if task.StopCode != "SpotInterruption" || task.StoppedReason != "Your Spot Task was interrupted." || task.DesiredStatus != "STOPPED" || task.LastStatus != "RUNNING" ||
			task.CapacityProviderName != "FARGATE_SPOT" || task.LaunchType != "FARGATE" {
			t.Errorf("%+v", task)
		}
	}
	f.agent(t, "")
	f.tick(t)
	if got := f.providers(); got["FARGATE"] != 2 || got["FARGATE_SPOT"] != 3 {
		t.Errorf("after the interruption: %v", got)
	}
	if d := f.service(t).Deployments[0]; d.FailedTasks != 0 {
		t.Errorf("an interruption counts as %d failed tasks", d.FailedTasks)
	}
}

func TestOnlySpotTasksAreInterrupted(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	f.tick(t)
	task := f.tasks()[0]
	for target, want := range map[string]string{
		task.ID:        "does not run on FARGATE_SPOT",
		task.ID[:8]:    "does not run on FARGATE_SPOT",
		task.ARN():     "does not run on FARGATE_SPOT",
		"service/s":    "does not run on FARGATE_SPOT",
		"service/none": "No task that runs is service/none.",
		"":             "No task that runs",
	} {
		if _, err := f.Interrupt(f.ctx, target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", target, err, want)
		}
	}
}

func TestDefaultStrategyOfTheCluster(t *testing.T) {
	f := newTest(t)
	f.spotCluster(t, ecsapi.CapacityProviderStrategyItem{CapacityProvider: "FARGATE_SPOT", Weight: 1})
	f.register(t, "job")
	out, err := f.RunTask(f.ctx, &ecsapi.RunTaskRequest{TaskDefinition: "job", NetworkConfiguration: network()})
	if err != nil || out.Tasks[0].CapacityProviderName != "FARGATE_SPOT" {
		t.Fatal(out, err)
	}
	id := out.Tasks[0].TaskArn[strings.LastIndex(out.Tasks[0].TaskArn, "/")+1:]
	_, err = f.PutClusterCapacityProviders(f.ctx, &ecsapi.PutClusterCapacityProvidersRequest{Cluster: "default", CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: []ecsapi.CapacityProviderStrategyItem{}})
	if code(err) != "ResourceInUseException" {
		t.Errorf("removing a provider of running tasks: %v", err)
	}
	if _, err := f.Interrupt(f.ctx, id[:8]); err != nil {
		t.Fatal(err)
	}
	f.agent(t, "")
	if got, _ := state.Tasks.Get(f.DB.Read(), "000000000000/us-east-1/default/"+id); got.StopCode != "SpotInterruption" {
		t.Errorf("%+v", got)
	}
}

func TestDescribeCapacityProviders(t *testing.T) {
	f := newTest(t)
	names := func(in ecsapi.DescribeCapacityProvidersRequest) (out []string, next string) {
		got, err := f.DescribeCapacityProviders(f.ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got.CapacityProviders {
			out = append(out, p.Name)
		}
		for _, p := range got.Failures {
			out = append(out, p.Reason)
		}
		return out, got.NextToken
	}
	if got, _ := names(ecsapi.DescribeCapacityProvidersRequest{}); !slices.Equal(got, []string{"FARGATE", "FARGATE_SPOT"}) {
		t.Errorf("all: %v", got)
	}
	if got, _ := names(ecsapi.DescribeCapacityProvidersRequest{CapacityProviders: []string{"FARGATE_SPOT", "mine"}}); !slices.Equal(got, []string{"FARGATE_SPOT", "MISSING"}) {
		t.Errorf("named: %v", got)
	}
	first, next := names(ecsapi.DescribeCapacityProvidersRequest{MaxResults: ptr(int32(1))})
	second, end := names(ecsapi.DescribeCapacityProvidersRequest{MaxResults: ptr(int32(1)), NextToken: next})
	if !slices.Equal(append(first, second...), []string{"FARGATE", "FARGATE_SPOT"}) || next == "" || end != "" {
		t.Errorf("pages: %v %v %q", first, second, end)
	}
	if _, err := f.DescribeCapacityProviders(f.ctx, &ecsapi.DescribeCapacityProvidersRequest{Cluster: "default"}); code(err) != "UnsupportedFeatureException" {
		t.Errorf("providers of a cluster: %v", err)
	}
}

// code is the AWS error code of err.
func code(err error) string {
	var api wire.Error
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
