package decision_test

import (
	"context"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/store"
)

func TestDenialsOutliveTheProcessAndAllowancesDoNot(t *testing.T) {
	path := t.TempDir() + "/x.db"
	db, err := store.Open(path, decision.Table)
	if err != nil {
		t.Fatal(err)
	}
	l := decision.NewLog(db)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	l.Record(ctx, decision.Decision{Account: "1", Subjects: []string{"task/1"}, Verdict: decision.Allow, Phase: decision.IAM})
	l.Record(ctx, decision.Decision{Account: "1", Subjects: []string{"task/1", "eni-1"}, Verdict: decision.Deny, Code: "net.no-route"})
	l.Record(ctx, decision.Decision{Account: "1", Subjects: []string{"task/2"}, Verdict: decision.Deny, Code: "iam.trust"})
	watched := decision.Watch(ctx, "request-1")
	l.Record(watched, decision.Decision{Account: "1", Subjects: []string{"x"}, Verdict: decision.Allow})
	if decision.Refused(watched) {
		t.Error("an allowance counts as a refusal")
	}
	l.Record(watched, decision.Decision{Account: "1", Subjects: []string{"x"}, Verdict: decision.Deny})
	if got := l.About("request-1"); len(got) != 1 || !decision.Refused(watched) {
		t.Errorf("about a watched request: %+v", got)
	}
	got := l.About("task/1")
	if len(got) != 2 || got[0].Phase != decision.IAM || got[1].Code != "net.no-route" {
		t.Fatalf("about task/1: %+v", got)
	}
	for start := time.Now(); len(decision.NewLog(db).About("task/1", "task/2")) < 2; {
		if time.Since(start) > 5*time.Second {
			t.Fatal("denials did not reach the store")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db, err = store.Open(path, decision.Table); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := decision.NewLog(db).About("eni-1"); len(got) != 1 || got[0].Code != "net.no-route" {
		t.Errorf("after reopening: %+v", got)
	}
}
