package containerd

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRecords(t *testing.T) {
	r := records{t.TempDir()}
	if _, ok := r.ended("c"); ok {
		t.Error("an end out of nothing")
	}
	at := time.Now().UTC()
	for code := range 2 { // the first one counts
		if err := r.putEnded("c", ended{At: at, ExitCode: code + 3, OOM: true}); err != nil {
			t.Fatal(err)
		}
	}
	if e, ok := r.ended("c"); !ok || e.ExitCode != 3 || !e.OOM || !e.At.Equal(at) {
		t.Errorf("%+v, %v", e, ok)
	}
	if err := r.putStarted("c", started{At: at}); err != nil {
		t.Fatal(err)
	}
	if err := r.putOOM("c.d"); err != nil || !r.oom("c.d") || r.oom("c") {
		t.Errorf("oom: %v", err)
	}
	if err := r.remove("c"); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.started("c"); ok || !r.oom("c.d") {
		t.Error("remove of c left it, or took c.d")
	}
	for _, name := range []string{".tmp-1", "gone.exit", "torn.exit"} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := r.ended("torn"); ok {
		t.Error("a torn record is believed")
	}
	if err := r.sweep(map[string]bool{"c.d": true}); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(r.dir); len(left) != 1 || left[0].Name() != "c.d.oom" {
		t.Errorf("left after sweep: %v", left)
	}
}
