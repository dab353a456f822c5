package supervisor

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRecords(t *testing.T) {
	r := Records{t.TempDir()}
	if _, ok := r.Ended("c"); ok {
		t.Error("an end out of nothing")
	}
	at := time.Now().UTC()
	for code := range 2 { // the first one counts
		if err := r.PutEnded("c", End{At: at, ExitCode: code + 3, OOM: true}); err != nil {
			t.Fatal(err)
		}
	}
	if e, ok := r.Ended("c"); !ok || e.ExitCode != 3 || !e.OOM || !e.At.Equal(at) {
		t.Errorf("%+v, %v", e, ok)
	}
	if err := r.PutStarted("c", Start{At: at}); err != nil {
		t.Fatal(err)
	}
	if err := r.PutOOM("c.d"); err != nil || !r.OOM("c.d") || r.OOM("c") {
		t.Errorf("oom: %v", err)
	}
	if err := r.Remove("c"); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Started("c"); ok || !r.OOM("c.d") {
		t.Error("remove of c left it, or took c.d")
	}
	for _, name := range []string{".tmp-now", ".tmp-old", "gone.exit", "torn.exit"} {
		if err := os.WriteFile(filepath.Join(r.Dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := r.Ended("torn"); ok {
		t.Error("a torn record is believed")
	}
	if err := os.Chtimes(filepath.Join(r.Dir, ".tmp-old"), at.Add(-time.Hour), at.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := r.Sweep(map[string]bool{"c.d": true}); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(r.Dir); len(left) != 2 || left[0].Name() != ".tmp-now" || left[1].Name() != "c.d.oom" {
		t.Errorf("left after sweep: %v", left)
	}
}
