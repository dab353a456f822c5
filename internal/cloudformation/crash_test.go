package cloudformation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/wire"
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

// crashIn arms a crash after the n-th effect from now on.
func (w *world) crashIn(n int) {
	w.mu.Lock()
	w.effects, w.crashAt = 0, n
	w.mu.Unlock()
}

// settle waits for the end of what a stack does, over a crash and a restart if
// one comes.
func (w *world) settle(id string) cloudformationapi.Stack {
	w.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		w.mu.Lock()
		crashed := w.crashAt > 0 && w.effects >= w.crashAt
		w.mu.Unlock()
		if crashed {
			<-w.stopped
			w.crashIn(0)
			w.start()
			return w.ended(id)
		}
		if s := w.describe(id); !strings.HasSuffix(string(s.StackStatus), "IN_PROGRESS") {
			return s
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("no end:\n%s", w.history())
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) describe(id string) cloudformationapi.Stack {
	w.t.Helper()
	out, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: id})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Stacks[0]
}

// An update that replaces, one that is rolled back, and the deletion: each ended
// by a crash after one of its effects, and taken up again.
func TestCrashInUpdateRollbackAndDeletion(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs")
	}
	for n := 1; n <= 8; n++ {
		w := newWorld(t)
		files := w.files()
		w.sam("env", files, "ImageUri", "busybox")
		s := w.ended("env")
		w.expect(s, "CREATE_COMPLETE")

		files["private-service.yml"] = strings.Replace(files["private-service.yml"], "Default: 512", "Default: 1024", 1)
		files["isolated-vpc.yml"] = strings.Replace(files["isolated-vpc.yml"], "Default: false", "Default: true", 1)
		w.crashIn(n)
		w.sam("env", files, "ImageUri", "busybox")
		w.expect(w.settle(s.StackId), "UPDATE_COMPLETE")
		if got := w.things(); got["endpoint"] != 10 || got["task definition ACTIVE"] != 1 || got["service"] != 1 {
			t.Errorf("update, crash %d: %v", n, got)
		}

		w.refuse["ECS UpdateService"] = func() error {
			if w.fine {
				return nil
			}
			w.fine = true
			return wire.NewError("ClientException", 400, "not now")
		}
		w.fine = false
		files["private-service.yml"] = strings.Replace(files["private-service.yml"], "Default: 1024", "Default: 2048", 1)
		files["isolated-vpc.yml"] = strings.Replace(files["isolated-vpc.yml"], "Default: true", "Default: false", 1)
		before := w.service().TaskDefinition
		w.crashIn(n)
		w.sam("env", files, "ImageUri", "busybox")
		w.expect(w.settle(s.StackId), "UPDATE_ROLLBACK_COMPLETE")
		if got := w.things(); got["endpoint"] != 10 || got["task definition ACTIVE"] != 1 || w.service().TaskDefinition != before {
			t.Errorf("rollback, crash %d: %v", n, got)
		}

		w.crashIn(3 * n)
		if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "env"}); err != nil {
			t.Fatal(err)
		}
		w.expect(w.settle(s.StackId), "DELETE_COMPLETE")
		w.nothingLeft()
	}
}

// The process ends after an update was recorded and before it was carried out:
// the next start carries it out.
func TestCrashBeforeAnUpdateIsCarriedOut(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("s", two), "CREATE_COMPLETE")
	w.refuse["CloudWatch Logs PutRetentionPolicy"] = func() error { w.stop(); return context.Canceled }
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "s", TemplateBody: strings.Replace(two, "RetentionInDays: 5", "RetentionInDays: 30", 1)})
	if err != nil {
		t.Fatal(err)
	}
	<-w.stopped
	w.mu.Lock()
	delete(w.refuse, "CloudWatch Logs PutRetentionPolicy")
	w.mu.Unlock()
	w.start()
	w.expect(w.ended("s"), "UPDATE_COMPLETE")
	for g := range state.LogGroups.All(w.db.Read(), "") {
		if g.Name == "second" && g.RetentionInDays != 30 {
			t.Errorf("%+v", g)
		}
	}
}
