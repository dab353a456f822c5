package runtimetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime"
)

func TestFakeConformance(t *testing.T) {
	source := ProbeImage(t)
	Test(t, func(*testing.T) Subject {
		fake := NewFake(1)
		fake.Delay(2 * time.Millisecond)
		return Subject{Runtime: fake, Image: source, Restart: func(*testing.T) runtime.Runtime { return fake }}
	})
}

func TestFakeToOrder(t *testing.T) {
	ctx, fake := context.Background(), NewFake(1)
	fake.AddImage(runtime.Image{Digest: "sha256:1", Manifest: "sha256:1", Config: runtime.ImageConfig{Command: []string{"sleep"}}})
	must(t, fake.EnsureTask(ctx, runtime.TaskSpec{ID: "t"}))
	broken := errors.New("broken")
	fake.Fail("Create", broken)
	spec := runtime.ContainerSpec{ID: "c", TaskID: "t", Image: "sha256:1"}
	wantError(t, "first Create", fake.Create(ctx, spec), broken)
	must(t, fake.Create(ctx, spec))
	must(t, fake.Start(ctx, "c"))
	fake.OnExec("c", func(runtime.ExecSpec) runtime.ExecResult { return runtime.ExecResult{ExitCode: 4} })
	if r, err := fake.Exec(ctx, "c", runtime.ExecSpec{Args: []string{"check"}}); err != nil || r.ExitCode != 4 {
		t.Errorf("Exec: %+v, %v", r, err)
	}
	fake.OOM("c")
	if c, err := fake.Inspect(ctx, "c"); err != nil || !c.OOMKilled || c.ExitCode != 137 || c.State != runtime.Stopped {
		t.Errorf("after OOM: %+v, %v", c, err)
	}
	want := []string{"EnsureTask t", "Create c", "Create c", "Start c", "Exec c", "Inspect c"}
	if got := fake.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}
