package cloudformation_test

import (
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/state"
)

// restarted waits for a stack's end; when the process has ended it is started again.
func (w *world) restarted(name string) cloudformationapi.Stack {
	w.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		w.mu.Lock()
		crashed := w.crashAt > 0 && w.effects >= w.crashAt
		w.mu.Unlock()
		if crashed {
			<-w.stopped
			w.start()
			return w.ended(name)
		}
		out, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: name})
		if err != nil {
			w.t.Fatal(err)
		}
		if out.Stacks[0].StackStatus == "CREATE_COMPLETE" || time.Now().After(deadline) {
			return out.Stacks[0]
		}
		time.Sleep(time.Millisecond)
	}
}

// things counts what a stack makes, by kind.
func (w *world) things() map[string]int {
	tx, n := w.db.Read(), map[string]int{}
	for v := range state.Vpcs.All(tx, "") {
		if !v.IsDefault {
			n["vpc"]++
		}
	}
	for s := range state.Subnets.All(tx, "") {
		if !s.DefaultForAZ {
			n["subnet"]++
		}
	}
	for range state.VpcEndpoints.All(tx, "") {
		n["endpoint"]++
	}
	for range state.RouteTables.All(tx, "") {
		n["route table"]++
	}
	for range state.SecurityGroups.All(tx, "") {
		n["security group"]++
	}
	for d := range state.TaskDefinitions.All(tx, "") {
		n["task definition "+d.Status]++
	}
	for range state.Services.All(tx, "") {
		n["service"]++
	}
	for range state.LogGroups.All(tx, "") {
		n["log group"]++
	}
	for range state.Roles.All(tx, "") {
		n["role"]++
	}
	return n
}

// The process ends after each call that changed something, once; afterwards the
// stack is what it is without a crash, and nothing is there twice.
func TestCrashAfterEachEffect(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs")
	}
	plain := newWorld(t)
	body := plain.example("isolated-vpc.yml")
	plain.expect(plain.create("vpc", body), "CREATE_COMPLETE")
	want, effects := plain.things(), plain.effects
	if effects < 15 {
		t.Fatalf("only %d effects", effects)
	}
	for n := 1; n <= effects; n++ {
		w := newWorld(t)
		w.crashAt = n
		if _, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "vpc", TemplateBody: body}); err != nil {
			t.Fatal(err)
		}
		w.expect(w.restarted("vpc"), "CREATE_COMPLETE")
		for kind, count := range w.things() {
			if count != want[kind] {
				t.Errorf("crash after effect %d (%s): %d of %s, want %d", n, w.calls[n-1], count, kind, want[kind])
			}
		}
	}
}

func TestCrashOfTheWholeEnvironment(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs")
	}
	plain := newWorld(t)
	plain.sam("env", plain.files(), "ImageUri", "busybox")
	plain.expect(plain.ended("env"), "CREATE_COMPLETE")
	want := plain.things()
	for n := 3; n <= plain.effects; n += 5 {
		w := newWorld(t)
		w.crashAt = n
		w.sam("env", w.files(), "ImageUri", "busybox")
		w.expect(w.restarted("env"), "CREATE_COMPLETE")
		for kind, count := range w.things() {
			if count != want[kind] {
				t.Errorf("crash after effect %d: %d of %s, want %d", n, count, kind, want[kind])
			}
		}
	}
}
