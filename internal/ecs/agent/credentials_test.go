package agent

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// callers runs tasks with addresses of their own and returns who they are.
func (w *world) callers(tasks ...*state.Task) []metadata.Caller {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		state.Subnets.Put(tx, &state.Subnet{Account: "000000000000", Region: "us-east-1", ID: "subnet-a", VpcID: "vpc-1", CIDRBlock: "10.0.1.0/24"})
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []metadata.Caller
	for _, t := range tasks {
		running := w.wait(t, state.TaskRunning)
		ip, err := netip.ParseAddr(running.Interface.PrivateIP)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, metadata.Caller{VPC: "vpc-1", IP: ip})
	}
	return out
}

func withRole(role string) func(*state.TaskDefinition, *state.Task) {
	return func(_ *state.TaskDefinition, t *state.Task) { t.TaskRoleARN = role }
}

// TestTwoTasksCannotUseEachOthersCredentials, even though each knows the other's
// path: the address decides.
func TestTwoTasksCannotUseEachOthersCredentials(t *testing.T) {
	w := newWorld(t)
	w.apart = true
	defer w.run(w.agent)()
	one, two, poor := w.task(withRole("arn:aws:iam::000000000000:role/aaaa")), w.task(withRole("arn:aws:iam::000000000000:role/bbbb")), w.task(withRole(""))
	who := w.callers(one, two, poor)
	if who[0] == who[1] {
		t.Fatal("the tasks have one address")
	}
	for i, c := range []struct {
		task *state.Task
		key  string
	}{{one, "LSIAaaaa"}, {two, "LSIAbbbb"}} {
		got, err := w.agent.Credentials(t.Context(), who[i], c.task.CredentialsID)
		if err != nil || got.AccessKeyID != c.key || got.Token != c.task.ID {
			t.Errorf("%+v %v", got, err)
		}
		for _, other := range []metadata.Caller{who[(i+1)%2], who[2], {VPC: "vpc-2", IP: who[i].IP}} {
			if got, err := w.agent.Credentials(t.Context(), other, c.task.CredentialsID); !errors.Is(err, metadata.ErrNotFound) {
				t.Errorf("%v has the credentials of another task: %+v %v", other, got, err)
			}
		}
	}
	if got, err := w.agent.Credentials(t.Context(), who[2], poor.CredentialsID); !errors.Is(err, metadata.ErrNotFound) {
		t.Errorf("a task without a role has credentials: %+v %v", got, err)
	}
}

// TestCredentialsAreRenewedBeforeTheyEnd: a task that asks when its credentials
// end soon is given new ones, and the same ones before that.
func TestCredentialsAreRenewedBeforeTheyEnd(t *testing.T) {
	w := newWorld(t)
	w.apart = true
	defer w.run(w.agent)()
	task := w.task(withRole("arn:aws:iam::000000000000:role/aaaa"))
	me := w.callers(task)[0]
	ask := func(lasting time.Duration) (metadata.Credentials, int) {
		w.mu.Lock()
		w.lasting = lasting
		w.mu.Unlock()
		got, err := w.agent.Credentials(t.Context(), me, task.CredentialsID)
		if err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return got, w.sessions
	}
	first, made := ask(renewBefore + time.Hour)
	if again, n := ask(time.Hour); n != made || again != first {
		t.Errorf("new credentials though the old ones are good for long: %d sessions, then %d", made, n)
	}
	l := w.agent.of(task)
	l.mu.Lock()
	clear(l.sessions)
	l.mu.Unlock()
	short, made := ask(renewBefore - time.Second)
	next, n := ask(renewBefore + time.Hour)
	if n != made+1 || !next.Expiration.After(short.Expiration) {
		t.Errorf("credentials that end within %s were not renewed", renewBefore)
	}
	if !short.Expiration.After(time.Now()) {
		t.Error("they had ended already")
	}
}
