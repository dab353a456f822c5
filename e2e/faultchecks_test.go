package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
)

// runs reports whether two tasks with the memory run, and no others.
func (f *faulty) runs(ctx context.Context, memory string) bool {
	clusters, err := f.ecs.ListClusters(ctx, &ecsapi.ListClustersRequest{})
	if err != nil || len(clusters.ClusterArns) != 1 {
		return false
	}
	list, err := f.ecs.ListTasks(ctx, &ecsapi.ListTasksRequest{Cluster: clusters.ClusterArns[0]})
	if err != nil || len(list.TaskArns) != 2 {
		return false
	}
	out, err := f.ecs.DescribeTasks(ctx, &ecsapi.DescribeTasksRequest{Cluster: clusters.ClusterArns[0], Tasks: list.TaskArns})
	if err != nil {
		return false
	}
	for _, t := range out.Tasks {
		if t.LastStatus != "RUNNING" || t.Memory != memory {
			return false
		}
	}
	return true
}

// checkTasks compares what runs with what is said to run, kills once more, and
// looks at the tasks that have stopped so far: none ended by itself, none was
// started in vain, and the logs hold what each wrote, once.
func (f *faulty) checkTasks(stopped int) {
	f.t.Helper()
	f.until("two processes, two shims", func(context.Context) (bool, error) {
		apps, shims := f.apps(), f.shims(f.t)
		return len(apps) == 2 && len(shims) == 2, fmt.Errorf("processes %v, shims %v", apps, shims)
	})
	f.until("the stopped tasks", func(ctx context.Context) (bool, error) {
		err := f.stoppedTasks(ctx, stopped)
		return err == nil, err
	})
	f.until("the logs", func(ctx context.Context) (bool, error) {
		err := f.logLines(ctx, 2+stopped)
		return err == nil, err
	})
	f.alive = f.apps()
	f.kill()
	f.kills++
	f.restart()
	f.alive = nil
}

// stoppedTasks checks the tasks that have stopped.
func (f *faulty) stoppedTasks(ctx context.Context, want int) error {
	clusters, err := f.ecs.ListClusters(ctx, &ecsapi.ListClustersRequest{})
	if err != nil {
		return err
	}
	cluster := clusters.ClusterArns[0]
	list, err := f.ecs.ListTasks(ctx, &ecsapi.ListTasksRequest{Cluster: cluster, DesiredStatus: ecsapi.DesiredStatusStopped})
	if err != nil {
		return err
	}
	if len(list.TaskArns) != want {
		return fmt.Errorf("%d tasks are to stop or have stopped, want %d", len(list.TaskArns), want)
	}
	if want == 0 {
		return nil
	}
	out, err := f.ecs.DescribeTasks(ctx, &ecsapi.DescribeTasksRequest{Cluster: cluster, Tasks: list.TaskArns})
	if err != nil {
		return err
	}
	for _, t := range out.Tasks {
		c := t.Containers[0]
		if t.LastStatus != "STOPPED" || t.StopCode != ecsapi.TaskStopCodeServiceSchedulerInitiated || c.ExitCode == nil || *c.ExitCode != 0 {
			exit := "no exit code"
			if c.ExitCode != nil {
				exit = fmt.Sprint("exit code ", *c.ExitCode)
			}
			return fmt.Errorf("task %s is %s by %s (%s), %s (%s)", t.TaskArn, t.LastStatus, t.StopCode, t.StoppedReason, exit, c.Reason)
		}
	}
	return nil
}

// logLines checks that each task that there was has greeted once, and that those
// which were asked to stop have said so last.
func (f *faulty) logLines(ctx context.Context, tasks int) error {
	groups, err := f.logs.DescribeLogGroups(ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: "faulty-"})
	if err != nil {
		return err
	}
	for _, g := range groups.LogGroups {
		out, err := f.logs.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{LogGroupName: g.LogGroupName})
		if err != nil {
			return err
		}
		greetings, byes := map[string]int{}, 0
		for _, e := range out.Events {
			if strings.HasPrefix(e.Message, "hello") {
				greetings[e.LogStreamName]++
			}
			if strings.Contains(e.Message, ": bye") {
				byes++
			}
		}
		for stream, n := range greetings {
			if n != 1 {
				return fmt.Errorf("%d greetings in %s", n, stream)
			}
		}
		if len(greetings) != tasks || byes != tasks-2 {
			return fmt.Errorf("%d streams with a greeting, %d with a bye, want %d and %d: %v", len(greetings), byes, tasks, tasks-2, out.Events)
		}
	}
	if len(groups.LogGroups) != 1 {
		return fmt.Errorf("log groups: %v", groups.LogGroups)
	}
	return nil
}

// checkHost waits until what the deleted stack was made of is gone.
func (f *faulty) checkHost() {
	f.t.Helper()
	f.until("nothing left", func(ctx context.Context) (bool, error) {
		vpcs, err := f.ec2.DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{})
		if err != nil {
			return false, err
		}
		for _, v := range vpcs.Vpcs {
			if v.IsDefault == nil || !*v.IsDefault {
				return false, fmt.Errorf("VPC %s is left", v.VpcId)
			}
		}
		interfaces, err := f.ec2.DescribeNetworkInterfaces(ctx, &ec2api.DescribeNetworkInterfacesRequest{})
		if err != nil {
			return false, err
		}
		if len(interfaces.NetworkInterfaces) > 0 {
			return false, fmt.Errorf("interface %s is left", interfaces.NetworkInterfaces[0].NetworkInterfaceId)
		}
		if left := f.leftovers(); len(left) > 0 {
			return false, fmt.Errorf("left: %s", strings.Join(left, ", "))
		}
		return true, nil
	})
}

// leftovers are the files, groups and processes of tasks and VPCs that were not
// there when the test began.
func (f *faulty) leftovers() []string {
	id := f.id(f.t)
	out := f.shims(f.t)
	for _, pattern := range []string{
		"/run/netns/ng-" + id + "-*", "/run/neargate/" + id + "/io.containerd.runtime.v2.task/neargate/*",
		"/run/neargate/" + id + "/runc/neargate/*", "/run/neargate/" + id + "/s/*",
		"/sys/fs/cgroup/neargate-" + id + "/*/", "/sys/fs/cgroup/*/neargate-" + id + "/*/",
		filepath.Join(f.dataDir, "tasks", "*"), filepath.Join(f.dataDir, "containerd", "tasks", "*"), filepath.Join(f.dataDir, "containerd", "records", "*"),
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well formed
		out = append(out, found...)
	}
	return slices.DeleteFunc(out, func(path string) bool {
		return slices.Contains(f.first, path) || filepath.Base(path) == "trust" // certificates that all tasks share
	})
}
