package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/examples"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/client"
	"github.com/neargate/neargate/internal/testenv"
)

// faultKills is how many times the process is killed; NEARGATE_FAULT_KILLS
// overrides it, NEARGATE_FAULT_SEED the seed.
const faultKills = 200

// TestKillsAtEveryEffect kills the process (as by kill -9) at seeded places
// before and after store commits and effects on the host, while a stack is
// deployed, updated (a rolling update) and deleted again and again. After each
// kill it is started again and must bring what it was doing to its end: no
// container dies from a kill, nothing is lost, nothing is there twice.
func TestKillsAtEveryEffect(t *testing.T) {
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	kills, seed := faultKills, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("NEARGATE_FAULT_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("NEARGATE_FAULT_SEED"), 10, 64); err == nil {
		seed = n
	}
	f := newFaulty(t, seed)
	for cycle := 0; f.kills < kills; cycle++ {
		f.t.Logf("cycle %d: %d kills so far", cycle, f.kills)
		f.deploy("512", "CREATE_COMPLETE")
		f.checkTasks()
		f.deploy("1024", "UPDATE_COMPLETE")
		f.checkTasks()
		f.remove()
	}
	f.t.Logf("%d kills", f.kills)
}

// faulty is an instance that is killed again and again.
type faulty struct {
	*instance
	t      *testing.T
	random *rand.Rand
	cfn    cloudformationapi.API
	ecs    ecsapi.API
	ec2    ec2api.API
	dir    string
	kills  int
	alive  []string // pids of containers that must not die
}

func newFaulty(t *testing.T, seed uint64) *faulty {
	n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.stop()
		if out, err := n.command("down", "--data").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	c := &client.Client{Endpoint: n.endpoint, Region: "us-east-1", Key: client.Operator}
	f := &faulty{instance: n, t: t, random: rand.New(rand.NewPCG(seed, 0)), cfn: cloudformationapi.NewClient(c), ecs: ecsapi.NewClient(c), ec2: ec2api.NewClient(c), dir: t.TempDir()}
	if err := os.CopyFS(f.dir, examples.IsolatedVPC); err != nil {
		t.Fatal(err)
	}
	// The image is pushed before the kills begin.
	if out, err := n.command("demo", "--image-only").CombinedOutput(); err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	f.restart()
	return f
}

// restart starts the instance with the next place at which it will be killed.
func (f *faulty) restart() {
	f.t.Helper()
	if f.cmd.ProcessState == nil {
		f.kill()
	}
	before := f.alive
	// A start itself may be killed, too.
	for {
		err := f.start("NEARGATE_FAULT=" + strconv.Itoa(1+f.random.IntN(60)))
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "signal: killed") {
			f.t.Fatalf("starting again: %v", err)
		}
		f.kills++
	}
	now := f.processes(f.t, "/neargate demo-app")
	for _, pid := range before {
		if !slices.Contains(now, pid) {
			f.t.Errorf("kill %d: container process %s died", f.kills, pid)
		}
	}
}

// until calls step until it reports that it is done; each time the instance has
// been killed it is started again.
func (f *faulty) until(what string, step func(ctx context.Context) (bool, error)) {
	f.t.Helper()
	var last error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		f.alive = nil
		if f.steady() {
			f.alive = f.processes(f.t, "/neargate demo-app")
		}
		ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
		done, err := step(ctx)
		cancel()
		if done {
			return
		}
		last = err
		if f.dead() {
			f.kills++
			f.restart()
		}
	}
	f.t.Fatalf("%s: not within two minutes; last: %v\n%s", what, last, f.logTail())
}

// dead reports whether the process has ended.
func (f *faulty) dead() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.cmd.Process.Pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

// steady reports whether the stack is at rest, so that no container should end.
func (f *faulty) steady() bool {
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Second)
	defer cancel()
	out, err := f.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: "faulty"})
	return err == nil && !strings.Contains(string(out.Stacks[0].StackStatus), "IN_PROGRESS")
}

// deploy runs `neargate deploy` until the stack has reached the status wanted.
func (f *faulty) deploy(memory, status string) {
	f.t.Helper()
	image := "000000000000.dkr.ecr.us-east-1.amazonaws.com/neargate-demo:1"
	app := filepath.Join(f.dir, "isolated-vpc", "app.yml")
	text, err := os.ReadFile(app)
	if err != nil {
		f.t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "  Memory: {") {
			lines[i] = "  Memory: { Type: Number, Default: " + memory + " }\n"
		}
	}
	if err := os.WriteFile(app, []byte(strings.Join(lines, "")), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.until("deploying with memory "+memory, func(ctx context.Context) (bool, error) {
		out, err := f.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: "faulty"})
		if err == nil {
			now := string(out.Stacks[0].StackStatus)
			if now == status && f.runs(ctx, memory) {
				return true, nil
			}
			if strings.Contains(now, "IN_PROGRESS") && now != "REVIEW_IN_PROGRESS" {
				return false, fmt.Errorf("the stack is %s", now)
			}
			if strings.Contains(now, "ROLLBACK") || strings.Contains(now, "FAILED") {
				f.t.Fatalf("the stack is %s: %s\n%s", now, out.Stacks[0].StackStatusReason, f.logTail())
			}
		} else if !strings.Contains(err.Error(), "does not exist") {
			return false, err
		}
		cmd := f.command("deploy", filepath.Join(f.dir, "isolated-vpc", "main.yml"), "--stack-name", "faulty", "--parameter", "Image="+image)
		text, err := runWithin(ctx, cmd)
		return false, fmt.Errorf("%v: %s", err, text)
	})
}

// runWithin runs a command that is killed when ctx ends.
func runWithin(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	return cmd.CombinedOutput()
}

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

// checkTasks compares what runs with what is said to run.
func (f *faulty) checkTasks() {
	f.t.Helper()
	for range 200 {
		if len(f.processes(f.t, "/neargate demo-app")) == 2 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Errorf("container processes: %v, want two\n%s", f.processes(f.t, "/neargate demo-app"), f.logTail())
}

// remove deletes the stack and checks that nothing is left.
func (f *faulty) remove() {
	f.t.Helper()
	f.until("deleting", func(ctx context.Context) (bool, error) {
		out, err := f.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: "faulty"})
		if err != nil {
			return strings.Contains(err.Error(), "does not exist"), err
		}
		if status := string(out.Stacks[0].StackStatus); strings.HasPrefix(status, "DELETE_IN_PROGRESS") {
			return false, fmt.Errorf("the stack is %s", status)
		}
		return false, f.cfn.DeleteStack(ctx, &cloudformationapi.DeleteStackInput{StackName: "faulty"})
	})
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
		if left := f.processes(f.t, "/neargate demo-app"); len(left) > 0 {
			return false, fmt.Errorf("processes are left: %v", left)
		}
		return true, nil
	})
}
