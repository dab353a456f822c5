package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/image"
)

// benchImage is what the tasks run.
const benchImage = "public.ecr.aws/docker/library/busybox:latest"

// taskRounds is how many tasks are run one after the other.
const taskRounds = 30

// benchTask measures from the RunTask request until the process runs, beside
// plain runc with a prepared bundle in the same run, interleaved.
func benchTask(ctx context.Context) error {
	s, err := startNeargate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	t, err := newTasks(s)
	if err != nil {
		return err
	}
	if err := t.prepare(ctx); err != nil {
		return err
	}
	bundle, err := newBundle(filepath.Dir(s.dataDir))
	if err != nil {
		return err
	}
	var ours, floor []time.Duration
	for i := range taskRounds {
		d, err := t.run(ctx, i)
		if err != nil {
			return err
		}
		ours = append(ours, d)
		if d, err = bundle.run(i); err != nil {
			return err
		}
		floor = append(floor, d)
	}
	slices.Sort(ours)
	slices.Sort(floor)
	half := taskRounds / 2
	fmt.Printf("\nRunTask until the process runs: p50 %s, p95 %s (goal 90 ms)\n", ours[half].Round(time.Millisecond), ours[taskRounds*95/100].Round(time.Millisecond))
	fmt.Printf("plain runc, prepared bundle:    p50 %s, p95 %s; ratio %.2f\n", floor[half].Round(time.Millisecond), floor[taskRounds*95/100].Round(time.Millisecond), float64(ours[half])/float64(floor[half]))
	return nil
}

// prepare loads an image and registers a task definition.
func (t *tasks) prepare(ctx context.Context) error {
	layout := filepath.Join(t.dir, "layout")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	if _, err := image.Build(layout, image.Spec{Layers: [][]image.File{{{Path: "/bin/busybox", Source: busybox, Mode: 0o755}}}, Cmd: []string{"/bin/busybox", "sleep", "1"}}); err != nil {
		return err
	}
	path := filepath.Join(t.dir, "busybox.tar")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := image.Pack(layout, f); err != nil {
		return err
	}
	load := exec.Command("bin/neargate", "image", "load", path, "--name", benchImage, "--data-dir", t.dataDir)
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("image load: %v: %s", err, out)
	}
	if _, err := t.ecs.CreateCluster(ctx, &ecsapi.CreateClusterRequest{ClusterName: "bench"}); err != nil {
		return err
	}
	_, err = t.ecs.RegisterTaskDefinition(ctx, &ecsapi.RegisterTaskDefinitionRequest{
		Family: "bench", RequiresCompatibilities: []ecsapi.Compatibility{ecsapi.CompatibilityFargate}, NetworkMode: ecsapi.NetworkModeAwsvpc, Cpu: "256", Memory: "512",
		ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "c", Image: benchImage}},
	})
	if err != nil {
		return err
	}
	t.subnet, err = t.defaultSubnet(ctx)
	return err
}

// run runs one task and returns how long it took until its process ran.
func (t *tasks) run(ctx context.Context, i int) (time.Duration, error) {
	marker := strconv.Itoa(1_000_000 + os.Getpid()*1000 + i)
	started := time.Now()
	out, err := t.ecs.RunTask(ctx, &ecsapi.RunTaskRequest{
		Cluster: "bench", TaskDefinition: "bench", LaunchType: ecsapi.LaunchTypeFargate,
		NetworkConfiguration: &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{t.subnet}, AssignPublicIp: ecsapi.AssignPublicIpEnabled}},
		Overrides:            &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{Name: "c", Command: []string{"/bin/busybox", "sleep", marker}}}},
	})
	if err != nil {
		return 0, err
	}
	if len(out.Tasks) != 1 {
		return 0, fmt.Errorf("RunTask: %+v", out.Failures)
	}
	arn := out.Tasks[0].TaskArn
	took, err := awaitProcess("sleep "+marker, started)
	if err != nil {
		why, _ := exec.Command("bin/neargate", "why", arn, "--data-dir", t.dataDir).CombinedOutput()
		return 0, fmt.Errorf("%w: %s", err, why)
	}
	_, err = t.ecs.StopTask(ctx, &ecsapi.StopTaskRequest{Cluster: "bench", Task: arn})
	return took, err
}

// awaitProcess returns when a process whose command line ends with text runs.
func awaitProcess(text string, started time.Time) (time.Duration, error) {
	for time.Since(started) < 20*time.Second {
		dirs, err := os.ReadDir("/proc")
		if err != nil {
			return 0, err
		}
		for i := len(dirs) - 1; i >= 0; i-- {
			b, err := os.ReadFile("/proc/" + dirs[i].Name() + "/cmdline")
			line := strings.TrimRight(strings.ReplaceAll(string(b), "\x00", " "), " ")
			if err == nil && strings.HasSuffix(line, text) && strings.HasPrefix(line, "/bin/busybox") {
				return time.Since(started), nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("no process %q after 20 s", text)
}
