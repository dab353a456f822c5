package ecs

import (
	"context"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// asking is the context of a request by the given client.
func (f *fixture) asking(ctx context.Context, userAgent string) context.Context {
	id := caller.From(f.ctx)
	id.UserAgent = userAgent
	return caller.With(ctx, id)
}

const (
	botoWaiter = "Boto3/1.43.11 m/B"
	cliStopped = "aws-cli/2.27.1 md/command#ecs.wait.tasks-stopped"
)

// answersAfter fails the test when ask returns before then has happened (nil for
// at once), or never.
func answersAfter(t *testing.T, ask func(), then func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { ask(); close(done) }()
	if then != nil {
		select {
		case <-done:
			t.Fatal("was not held")
		case <-time.After(20 * time.Millisecond):
		}
		then()
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("is held for ever")
	}
}

func TestWaitersOfServicesAreHeld(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	f.tick(t)
	ask := func(agent string) func() {
		return func() {
			f.DescribeServices(f.asking(t.Context(), agent), &ecsapi.DescribeServicesRequest{Services: []string{"s"}})
		}
	}
	answersAfter(t, ask("aws-cli/1.45.11 m/D"), nil) // a plain describe
	answersAfter(t, ask(botoWaiter), func() { f.agent(t, "") })
	answersAfter(t, ask(botoWaiter), nil) // stable
	if _, err := f.DeleteService(f.ctx, &ecsapi.DeleteServiceRequest{Service: "s", Force: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	answersAfter(t, ask(botoWaiter), func() { // draining: services-inactive waits on
		f.tick(t)
		f.agent(t, "")
		f.tick(t)
	})
	if got := f.service(t).Status; got != "INACTIVE" {
		t.Errorf("status %s", got)
	}
}

func TestWaitersOfTasksAreHeld(t *testing.T) {
	f := newTest(t)
	f.create(t, 1)
	f.tick(t)
	task := f.tasks()[0]
	ask := func(agent string) func() {
		return func() {
			f.DescribeTasks(f.asking(t.Context(), agent), &ecsapi.DescribeTasksRequest{Tasks: []string{task.ID}})
		}
	}
	answersAfter(t, ask("Boto3/1.43.11"), nil)
	answersAfter(t, ask(botoWaiter), func() { f.agent(t, "") })
	answersAfter(t, ask(botoWaiter), nil) // RUNNING is what tasks-running waits for
	stop := func() {
		err := f.DB.Write(f.ctx, func(tx *store.Tx) error {
			state.StopTask(tx, task.Key(), "UserInitiated", "", f.now)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	answersAfter(t, ask(cliStopped), func() { stop(); f.agent(t, "") })
	answersAfter(t, ask(botoWaiter), nil)
	answersAfter(t, func() {
		f.DescribeTasks(f.asking(t.Context(), botoWaiter), &ecsapi.DescribeTasksRequest{Tasks: []string{"none"}})
	}, nil)
}
