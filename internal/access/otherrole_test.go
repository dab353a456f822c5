package access

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// A permission on the wrong one of a task's two roles is recognised.
func TestTheOtherRoleOfTheTask(t *testing.T) {
	w := newWorld(t)
	execution := &state.Role{Account: acct, Name: "execution", Path: "/", ID: "AROA2",
		PrincipalPolicies: state.PrincipalPolicies{Inline: []state.InlinePolicy{{Name: "p", Document: allow("s3:PutObject", "arn:aws:s3:::bucket/*")}}}}
	w.put(t, func(tx *store.Tx) {
		state.Roles.Put(tx, execution)
		state.Tasks.Put(tx, &state.Task{Account: acct, Region: "eu-west-1", Cluster: "c", ID: "task1", TaskRoleARN: roleARN, ExecutionRoleARN: execution.ARN(), LastStatus: state.TaskRunning})
		state.Tasks.Put(tx, &state.Task{Account: acct, Region: "eu-west-1", Cluster: "c", ID: "task2", TaskRoleARN: roleARN, LastStatus: state.TaskRunning})
	})
	denied := func(task, action string) (code, cause string) {
		t.Helper()
		id := w.lookup(t, w.session(t, func(s *Session) { s.Name = task }))
		if err := w.auth.Check(caller.With(t.Context(), id), action, "arn:aws:s3:::bucket/key", nil); err == nil {
			t.Fatalf("%s is allowed", action)
		}
		d := w.log.last(t)
		return d.Code, d.Cause
	}
	if code, cause := denied("task1", "s3:PutObject"); code != "iam.wrong-role" || !strings.HasSuffix(cause, "the execution role of the task, execution, has the permission") {
		t.Errorf("%s: %s", code, cause)
	}
	if code, _ := denied("task1", "s3:DeleteObject"); code != "iam.not-allowed" {
		t.Errorf("a permission that no role has: %s", code)
	}
	if code, _ := denied("task2", "s3:PutObject"); code != "iam.not-allowed" {
		t.Errorf("a task with one role: %s", code)
	}
	if code, _ := denied("somebody", "s3:PutObject"); code != "iam.not-allowed" {
		t.Errorf("a session that is no task's: %s", code)
	}
}
