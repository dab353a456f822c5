package ecs

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func TestServiceReachesSteadyStateAndReplaces(t *testing.T) {
	f := newTest(t)
	f.create(t, 2)
	f.tick(t)
	if s := f.service(t); s.PendingCount != 2 || s.RunningCount != 0 {
		t.Fatalf("pending %d running %d", s.PendingCount, s.RunningCount)
	}
	zones := map[string]bool{}
	for _, task := range f.tasks() {
		zones[task.Zone] = true
		if task.Group != "service:s" || !strings.HasPrefix(task.StartedBy, "ecs-svc/") || !slices.Equal(task.SecurityGroups, []string{"sg-default"}) {
			t.Errorf("task %+v", task)
		}
	}
	if len(zones) != 2 {
		t.Errorf("zones %v", zones)
	}
	f.agent(t, "")
	if after := f.tick(t); after != 40*time.Second {
		t.Errorf("looks again after %v", after)
	}
	f.now = f.now.Add(40 * time.Second)
	f.tick(t)
	s := f.service(t)
	if len(s.Deployments) != 1 || s.Deployments[0].RolloutState != "COMPLETED" || s.RunningCount != 2 {
		t.Fatalf("%+v", s.Deployments)
	}
	want := []string{
		"(service s) has started 2 tasks: (task T) (task T).",
		"(service s) (deployment D) deployment completed.",
		"(service s) has reached a steady state.",
	}
	if got := f.events(t); !reflect.DeepEqual(got, want) {
		t.Errorf("events %q", got)
	}
	// A task dies.
	victim := f.tasks()[0]
	f.DB.Write(f.ctx, func(tx *store.Tx) error {
		state.StopTask(tx, victim.Key(), "EssentialContainerExited", "Essential container in task exited", f.now)
		return nil
	})
	f.tick(t)
	if s := f.service(t); s.PendingCount != 1 {
		t.Errorf("not replaced: %+v", s)
	}
}

func TestRollingUpdate(t *testing.T) {
	f := newTest(t)
	f.create(t, 2)
	settle := func() {
		for range 20 {
			f.tick(t)
			f.agent(t, "")
			f.now = f.now.Add(41 * time.Second)
		}
	}
	settle()
	f.register(t, "web")
	out, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", TaskDefinition: "web"})
	if err != nil || len(out.Service.Deployments) != 2 {
		t.Fatal(out, err)
	}
	f.tick(t)
	if n := len(f.tasks()); n != 4 {
		t.Errorf("%d tasks at 100/200", n)
	}
	settle()
	s := f.service(t)
	if len(s.Deployments) != 1 || !strings.HasSuffix(s.TaskDefinition, "web:2") || s.RunningCount != 2 || len(f.tasks()) != 2 {
		t.Fatalf("%+v", s)
	}
	for _, task := range f.tasks() {
		if !strings.HasSuffix(task.TaskDefinition, "web:2") {
			t.Errorf("old task left: %s", task.TaskDefinition)
		}
	}
	// Scaling alone makes no deployment.
	out, _ = f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", DesiredCount: ptr[int32](3)})
	if len(out.Service.Deployments) != 1 || out.Service.Deployments[0].Id != s.Deployments[0].Id {
		t.Errorf("scaling made a deployment")
	}
	settle()
	list, err := f.ListServiceDeployments(f.ctx, &ecsapi.ListServiceDeploymentsRequest{Service: "s"})
	if err != nil || len(list.ServiceDeployments) != 2 || list.ServiceDeployments[0].Status != "SUCCESSFUL" {
		t.Errorf("%+v %v", list, err)
	}
	// Deleting drains.
	if _, err := f.DeleteService(f.ctx, &ecsapi.DeleteServiceRequest{Service: "s"}); err == nil || !strings.Contains(err.Error(), "The service cannot be stopped while it is scaled above 0.") {
		t.Error(err)
	}
	del, err := f.DeleteService(f.ctx, &ecsapi.DeleteServiceRequest{Service: "s", Force: ptr(true)})
	if err != nil || del.Service.Status != "DRAINING" {
		t.Fatal(del, err)
	}
	settle()
	if s := f.service(t); s.Status != "INACTIVE" || len(f.tasks()) != 0 {
		t.Errorf("status %s", s.Status)
	}
	if s := f.service(t); len(s.Deployments) != 0 {
		t.Errorf("deployments %+v", s.Deployments)
	}
	if list, _ := f.ListServices(f.ctx, &ecsapi.ListServicesRequest{}); len(list.ServiceArns) != 0 {
		t.Errorf("listed: %v", list.ServiceArns)
	}
}

func TestFailingLaunchesBackOff(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	waits := []time.Duration{}
	for range 4 {
		f.tick(t)
		f.agent(t, "CannotPullContainerError: nope")
		after := f.tick(t)
		waits = append(waits, after)
		f.now = f.now.Add(after)
	}
	if want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second}; !reflect.DeepEqual(waits, want) {
		t.Errorf("waits %v", waits)
	}
	events := f.events(t)
	for _, want := range []string{"(service s) was unable to place a task. Reason: CannotPullContainerError: nope.", "(service s) is unable to consistently start tasks successfully."} {
		if !slices.Contains(events, want) {
			t.Errorf("no event %q in %q", want, events)
		}
	}
	if n := f.service(t).Deployments[0].FailedTasks; n != 4 {
		t.Errorf("failedTasks %d", n)
	}
}

func TestCrashingTasksSlowDown(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	for want := 10 * time.Second; want <= 40*time.Second; want *= 2 {
		f.tick(t)
		f.agent(t, "")
		f.now = f.now.Add(time.Second)
		f.DB.Write(f.ctx, func(tx *store.Tx) error {
			state.StopTask(tx, f.tasks()[0].Key(), "EssentialContainerExited", "Essential container in task exited", f.now)
			return nil
		})
		f.agent(t, "")
		after := f.tick(t)
		if after != want || len(f.tasks()) != 0 {
			t.Errorf("waits %v, not %v", after, want)
		}
		f.now = f.now.Add(after)
	}
	if n := f.service(t).Deployments[0].FailedTasks; n != 0 {
		t.Errorf("failedTasks %d: tasks that were RUNNING do not count", n)
	}
}

func TestCircuitBreakerRollsBack(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	for range 3 {
		f.tick(t)
		f.agent(t, "")
		f.now = f.now.Add(41 * time.Second)
	}
	f.register(t, "web")
	_, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", TaskDefinition: "web:2", DeploymentConfiguration: &ecsapi.DeploymentConfiguration{
		DeploymentCircuitBreaker: &ecsapi.DeploymentCircuitBreaker{Enable: true, Rollback: true}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		f.tick(t)
		f.agent(t, "CannotPullContainerError: nope")
		f.now = f.now.Add(10 * time.Minute)
	}
	s := f.service(t)
	if len(s.Deployments) != 1 || !strings.HasSuffix(s.TaskDefinition, "web:1") || s.RunningCount != 1 || s.Deployments[0].RolloutState != "COMPLETED" {
		t.Fatalf("%+v", s.Deployments)
	}
	events := f.events(t)
	for _, want := range []string{"(service s) (deployment D) deployment failed: tasks failed to start.", "(service s) rolling back to deployment D."} {
		if !slices.Contains(events, want) {
			t.Errorf("no event %q in %q", want, events)
		}
	}
}

func TestRoleThatCannotBeAssumed(t *testing.T) {
	f := newTest(t)
	role := "arn:aws:iam::000000000000:role/exec"
	f.denied[role] = true
	f.create(t, 1)
	f.tick(t)
	want := "(service s) failed to launch a task with (error ECS was unable to assume the role '" + role + "' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.)."
	if got := f.events(t); len(got) != 1 || got[0] != want {
		t.Errorf("events %q", got)
	}
	if len(f.tasks()) != 0 {
		t.Error("a task was made")
	}
	_, err := f.RunTask(f.ctx, &ecsapi.RunTaskRequest{TaskDefinition: "web", LaunchType: "FARGATE", NetworkConfiguration: network()})
	if err == nil || !strings.Contains(err.Error(), "ECS was unable to assume the role '"+role+"'") {
		t.Error(err)
	}
	delete(f.denied, role)
	f.now = f.now.Add(time.Hour)
	f.tick(t)
	if len(f.tasks()) != 1 {
		t.Error("does not recover")
	}
}

func TestCreateServiceIsIdempotent(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	in := &ecsapi.CreateServiceRequest{ServiceName: "s", TaskDefinition: "web", DesiredCount: ptr[int32](1), LaunchType: "FARGATE", NetworkConfiguration: network()}
	if _, err := f.CreateService(f.ctx, in); err != nil {
		t.Error(err)
	}
	in.DesiredCount = ptr[int32](2)
	if _, err := f.CreateService(f.ctx, in); err == nil || !strings.Contains(err.Error(), "Creation of service was not idempotent.") {
		t.Error(err)
	}
}

func TestServiceRefused(t *testing.T) {
	f := newTest(t)
	f.register(t, "web")
	for want, change := range map[string]func(*ecsapi.CreateServiceRequest){
		"loadBalancerName": func(r *ecsapi.CreateServiceRequest) {
			r.LoadBalancers = []ecsapi.LoadBalancer{{LoadBalancerName: "classic"}}
		},
		"registryArn can not be blank.": func(r *ecsapi.CreateServiceRequest) { r.ServiceRegistries = []ecsapi.ServiceRegistry{{}} },
		"CODE_DEPLOY": func(r *ecsapi.CreateServiceRequest) {
			r.DeploymentController = &ecsapi.DeploymentController{Type: "CODE_DEPLOY"}
		},
		"daemon scheduling strategy":                         func(r *ecsapi.CreateServiceRequest) { r.SchedulingStrategy = "DAEMON" },
		"enableExecuteCommand":                               func(r *ecsapi.CreateServiceRequest) { r.EnableExecuteCommand = true },
		"No Container Instances were found in your cluster.": func(r *ecsapi.CreateServiceRequest) { r.LaunchType = "EC2" },
		"launch type EXTERNAL":                               func(r *ecsapi.CreateServiceRequest) { r.LaunchType = "EXTERNAL" },
		"subnets can not be empty.":                          func(r *ecsapi.CreateServiceRequest) { r.NetworkConfiguration.AwsvpcConfiguration.Subnets = nil },
		"(ErrorCode: InvalidSubnetID.NotFound)": func(r *ecsapi.CreateServiceRequest) {
			r.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-x"}
		},
		"(ErrorCode: InvalidGroup.NotFound)": func(r *ecsapi.CreateServiceRequest) {
			r.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-x"}
		},
		"Network Configuration must be provided":       func(r *ecsapi.CreateServiceRequest) { r.NetworkConfiguration = nil },
		"ClusterNotFoundException: Cluster not found.": func(r *ecsapi.CreateServiceRequest) { r.Cluster = "x" },
		"TaskDefinition not found.":                    func(r *ecsapi.CreateServiceRequest) { r.TaskDefinition = "x" },
		"that is not associated with the cluster": func(r *ecsapi.CreateServiceRequest) {
			r.LaunchType = ""
			r.CapacityProviderStrategy = []ecsapi.CapacityProviderStrategyItem{{CapacityProvider: "FARGATE"}}
		},
		"Specifying both a launch type and capacity provider": func(r *ecsapi.CreateServiceRequest) {
			r.CapacityProviderStrategy = []ecsapi.CapacityProviderStrategyItem{{CapacityProvider: "FARGATE"}}
		},
		"the deployment strategy BLUE_GREEN": func(r *ecsapi.CreateServiceRequest) {
			r.DeploymentConfiguration = &ecsapi.DeploymentConfiguration{Strategy: "BLUE_GREEN"}
		},
		"The number of alarm names must not exceed 10.": func(r *ecsapi.CreateServiceRequest) {
			r.DeploymentConfiguration = &ecsapi.DeploymentConfiguration{Alarms: &ecsapi.DeploymentAlarms{Enable: true, AlarmNames: make([]string, 11)}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			in := &ecsapi.CreateServiceRequest{ServiceName: "s", TaskDefinition: "web", DesiredCount: ptr[int32](1), LaunchType: "FARGATE", NetworkConfiguration: network()}
			change(in)
			if _, err := f.CreateService(f.ctx, in); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
