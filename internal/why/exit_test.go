package why

import (
	"testing"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

type noLogs struct{}

func (noLogs) LastLines(string, string, string, string, int) []string { return nil }

// A program that ends in failure after it was refused what the task's other role
// may do was given the wrong role; one that ends well did not need it.
func TestExitForLackOfWhatTheOtherRoleMay(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	x := &Explainer{DB: db, Logs: noLogs{}}
	refusal := decision.Decision{Phase: decision.IAM, Verdict: decision.Deny, Code: "iam.wrong-role", Cause: "role a may not s3:PutObject on b; role c may", Where: "arn:aws:iam::1:role/a",
		Fix: []decision.Fix{{Lang: "cli", Text: "aws iam put-role-policy"}}}
	for code, want := range map[int32]string{1: "iam.wrong-role", 0: "run.exit"} {
		task := &state.Task{ID: "t", Containers: []state.Container{{Name: "upload", ExitCode: &code, FinishedAt: time.Now()}}}
		f := x.exit(db.Read(), task, []decision.Decision{refusal})
		if f.Code != want || (len(f.Fixes) == 1) != (code == 1) || f.Seen[0].Text != "denied: "+refusal.Cause || f.Seen[1].Text == f.Cause && code == 1 {
			t.Errorf("exit code %d: %+v", code, f)
		}
	}
}
