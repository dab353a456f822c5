package store

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

type benchRecord struct{ ID, Text string }

var benchTable = Define("bench", func(r *benchRecord) string { return r.ID })

// BenchmarkLoneWrite is one durable write of two records after another; it also
// reports the CPU time of the process.
func BenchmarkLoneWrite(b *testing.B) {
	db, err := Open(filepath.Join(b.TempDir(), "db"), benchTable)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	text := strings.Repeat("x", 1500)
	before := cpuTime(b)
	n := 0
	for b.Loop() {
		n++
		err := db.Write(b.Context(), func(tx *Tx) error {
			benchTable.Put(tx, &benchRecord{ID: "family", Text: "x"})
			benchTable.Put(tx, &benchRecord{ID: strconv.Itoa(n), Text: text})
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuTime(b)-before)*1e6/float64(b.N), "cpu-µs/op")
}

// cpuTime is the CPU time of the process in seconds.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// Records of one group are written in their order, by one statement or by many.
func TestGroupsOfAnySize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	for n := range 2*fewRecords + 1 {
		j, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		group := []batch{{}}
		for i := range n { // the same record again and again
			group = append(group, batch{rows: []row{{"t", "k", []byte(strconv.Itoa(i))}}})
		}
		if err := j.write(group); err != nil {
			t.Fatalf("%d records: %v", n, err)
		}
		got := ""
		if err := j.each(func(_, _ string, data []byte) error { got = string(data); return nil }); err != nil {
			t.Fatal(err)
		}
		if want := strconv.Itoa(n - 1); n > 0 && got != want {
			t.Errorf("of %d records %q is left, want %q", n, got, want)
		}
		if err := j.write([]batch{{rows: []row{{"t", "k", nil}}}}); err != nil {
			t.Fatal(err)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
}
