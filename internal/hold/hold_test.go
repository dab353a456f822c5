package hold

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

const waiter = "Boto3/1.43.11 m/B,D cfg/retry-mode#legacy"

func TestIsWaiter(t *testing.T) {
	for agent, want := range map[string]bool{
		"aws-cli/1.45.11 md/Botocore#1.43.11 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11 m/D,B,b cfg/retry-mode#legacy botocore/1.43.11": true,
		"aws-cli/1.45.11 md/Botocore#1.43.11 m/b,D cfg/retry-mode#legacy":                                                                    false,
		"aws-cli/2.27.1 md/awscrt#0.26 ua/2.1 md/prompt#off md/command#ecs.wait.tasks-stopped":                                               true,
		"aws-cli/2.13.0 Python/3.11.4 exe/x86_64 prompt/off command/ecs.wait.services-stable":                                                true,
		"aws-cli/2.27.1 md/prompt#off md/command#ecs.describe-services":                                                                      false,
		waiter:                true,
		"Boto3/1.43.11 m/BB":  false,
		"":                    false,
		"curl/7.88.1 B m/ m/": false,
	} {
		if got := IsWaiter(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}

func TestOnlyWaitersAreHeld(t *testing.T) {
	var n Notice
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	settled := func() bool { asked++; return asked > 1 }
	n.Waiter(caller.With(ctx, caller.Identity{UserAgent: "curl"}), settled)
	if asked != 0 {
		t.Error("a question that is no waiter's was held")
	}
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				n.Signal()
			}
		}
	}()
	n.Waiter(caller.With(ctx, caller.Identity{UserAgent: waiter}), settled)
	close(stop)
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	cancel()
	n.Waiter(caller.With(ctx, caller.Identity{UserAgent: waiter}), func() bool { return false }) // returns: nobody waits any more
}

func TestWaitStops(t *testing.T) {
	var n Notice
	stop := make(chan struct{})
	close(stop)
	if err := n.Wait(t.Context(), stop, func(context.Context) (bool, error) { return false, nil }); !errors.Is(err, ErrStopped) {
		t.Errorf("%v", err)
	}
}
