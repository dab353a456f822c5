package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/neargate/neargate/bench/runtime"
	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// How much of each contender is measured.
const (
	taskRounds   = 15
	taskParallel = 8
	taskAtOnce   = 16
)

// benchTask measures from the request until the process runs: RunTask with all
// that belongs to a task, our runtime alone, containerd's own API with the
// host's daemon, and plain runc, taking turns.
func benchTask(ctx context.Context) (err error) {
	s, err := startNeargate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	dir := filepath.Dir(s.dataDir)
	layout := filepath.Join(dir, "layout")
	if err := runtime.Busybox(layout); err != nil {
		return err
	}
	runTask, err := openRunTask(ctx, s, layout)
	if err != nil {
		return err
	}
	contenders := []runtime.Contender{runTask}
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.Close())
		}
	}()
	for _, open := range []func(context.Context, string, string) (runtime.Contender, error){runtime.OpenOurs, runtime.OpenSecond, runtime.OpenPeer, runtime.OpenRunc} {
		c, err := open(ctx, dir, layout)
		if err != nil {
			return err
		}
		if c != nil {
			contenders = append(contenders, c)
		}
	}
	if err := oneByOne(ctx, contenders, taskRounds); err != nil {
		return err
	}
	return atOnce(ctx, contenders, taskAtOnce, taskParallel)
}

// runTask is RunTask on Fargate in a default VPC, with a public IP.
type runTask struct {
	*tasks
	mu    sync.Mutex
	marks int
	runs  map[string]run // by the bench's id
}

// run is a task that runs, and its process.
type run struct {
	arn string
	pid int
}

// benchImage is what the tasks run.
const benchImage = "public.ecr.aws/docker/library/busybox:latest"

// openRunTask loads the image and registers a task definition.
func openRunTask(ctx context.Context, s *server, layout string) (*runTask, error) {
	t, err := newTasks(s)
	if err != nil {
		return nil, err
	}
	if err := s.load(layout, benchImage); err != nil {
		return nil, err
	}
	if _, err := t.ecs.CreateCluster(ctx, &ecsapi.CreateClusterRequest{ClusterName: "bench"}); err != nil {
		return nil, err
	}
	_, err = t.ecs.RegisterTaskDefinition(ctx, &ecsapi.RegisterTaskDefinitionRequest{
		Family: "bench", RequiresCompatibilities: []ecsapi.Compatibility{ecsapi.CompatibilityFargate}, NetworkMode: ecsapi.NetworkModeAwsvpc, Cpu: "256", Memory: "512",
		ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "c", Image: benchImage}},
	})
	if err != nil {
		return nil, err
	}
	t.subnet, err = t.defaultSubnet(ctx)
	return &runTask{tasks: t, runs: map[string]run{}}, err
}

func (t *runTask) Name() string { return "RunTask, Fargate, awsvpc" }

func (t *runTask) Start(ctx context.Context, id string) error {
	t.mu.Lock()
	t.marks++
	marker := strconv.Itoa(1_000_000 + os.Getpid()*1000 + t.marks)
	t.mu.Unlock()
	after := newestProcess()
	out, err := t.ecs.RunTask(ctx, &ecsapi.RunTaskRequest{
		Cluster: "bench", TaskDefinition: "bench", LaunchType: ecsapi.LaunchTypeFargate,
		NetworkConfiguration: &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{t.subnet}, AssignPublicIp: ecsapi.AssignPublicIpEnabled}},
		Overrides:            &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{Name: "c", Command: []string{"/bin/busybox", "sleep", marker}}}},
	})
	if err != nil {
		return err
	}
	if len(out.Tasks) != 1 {
		return fmt.Errorf("RunTask: %+v", out.Failures)
	}
	arn := out.Tasks[0].TaskArn
	pid, err := awaitProcess(ctx, "/bin/busybox\x00sleep\x00"+marker+"\x00", after)
	if err != nil {
		return fmt.Errorf("%w: %s", err, t.why(arn))
	}
	t.mu.Lock()
	t.runs[id] = run{arn, pid}
	t.mu.Unlock()
	return nil
}

// remove ends the task's process, which ignores StopTask's SIGTERM, and waits
// until nothing is left of the task, or its end would slow down the next contender.
func (t *runTask) Remove(ctx context.Context, id string) error {
	t.mu.Lock()
	r := t.runs[id]
	t.mu.Unlock()
	if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil {
		return err
	}
	for {
		out, err := t.ecs.DescribeTasks(ctx, &ecsapi.DescribeTasksRequest{Cluster: "bench", Tasks: []string{r.arn}})
		if err != nil {
			return err
		}
		if len(out.Tasks) == 0 || out.Tasks[0].LastStatus == "STOPPED" {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (t *runTask) Close() error { return nil }

// awaitProcess returns when a process with that command line runs that is newer
// than the process after.
func awaitProcess(ctx context.Context, line string, after int) (pid int, err error) {
	for began := time.Now(); time.Since(began) < 20*time.Second && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for pid = newestProcess(); pid > after; pid-- {
			if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err == nil && string(b) == line {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("no process %q after 20 s", strings.ReplaceAll(line, "\x00", " "))
}

// newestProcess is the id that the kernel gave away last.
func newestProcess() int {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	pid, _ := strconv.Atoi(fields[len(fields)-1])
	return pid
}
