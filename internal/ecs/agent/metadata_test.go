package agent

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	w.db.Write(t.Context(), func(tx *store.Tx) error {
		state.Subnets.Put(tx, &state.Subnet{Account: "000000000000", Region: "us-east-1", ID: "subnet-a", VpcID: "vpc-1", CIDRBlock: "10.0.1.0/24"})
		return nil
	})
	task := w.wait(w.task(func(_ *state.TaskDefinition, t *state.Task) { t.TaskRoleARN = "arn:aws:iam::000000000000:role/task" }), state.TaskRunning)
	me := metadata.Caller{VPC: "vpc-1", IP: netip.MustParseAddr("10.0.1.5")}
	got, err := w.agent.Task(t.Context(), me)
	if err != nil || got.TaskARN != task.ARN() || got.Limits.CPU != 0.25 || got.Containers[0].KnownStatus != "RUNNING" || got.Containers[0].DockerID != task.Containers[0].RuntimeID {
		t.Errorf("%+v %v", got, err)
	}
	creds, err := w.agent.Credentials(t.Context(), me, task.CredentialsID)
	if err != nil || creds.AccessKeyID != "LSIAtask" || creds.RoleARN != task.TaskRoleARN || creds.Token != task.ID {
		t.Errorf("%+v %v", creds, err)
	}
	if _, err := w.agent.Credentials(t.Context(), me, "another"); !errors.Is(err, metadata.ErrNotFound) {
		t.Error(err)
	}
	stats, err := w.agent.Stats(t.Context(), me)
	if err != nil || stats[task.Containers[0].RuntimeID] == nil {
		t.Errorf("%+v %v", stats, err)
	}
	for _, stranger := range []metadata.Caller{{VPC: "vpc-2", IP: me.IP}, {VPC: "vpc-1", IP: netip.MustParseAddr("10.0.1.6")}} {
		if _, err := w.agent.Task(t.Context(), stranger); !errors.Is(err, metadata.ErrNotFound) {
			t.Errorf("%v sees %v", stranger, err)
		}
	}
}
