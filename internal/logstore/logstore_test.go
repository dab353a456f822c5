package logstore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, s *Store, id string, r Range) []Event {
	t.Helper()
	var out []Event
	for e, err := range s.Read(id, r) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func messages(events []Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Message)
	}
	return strings.Join(out, " ")
}

func TestEventsComeInOrderOfTimeThenArrival(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, batch := range [][]Event{
		{{Time: 10, Message: "b"}, {Time: 20, Message: "e"}},
		{{Time: 5, Message: "a"}, {Time: 15, Message: "d"}, {Time: 30, Message: "g"}},
		{{Time: 10, Message: "c"}, {Time: 20, Message: "f"}},
	} {
		if err := s.Append("abcd", batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*Store{s, open(t, dir)} { // and again from disk
		for want, r := range map[string]Range{
			"a b c d e f g": {},
			"g f e d c b a": {Backward: true},
			"b c d":         {From: 10, To: 15},
			"d c b":         {From: 10, To: 15, Backward: true},
			"d e f g":       {After: &Position{10, 6}},
			"b a":           {After: &Position{10, 6}, Backward: true},
			"":              {From: 31},
		} {
			if got := messages(read(t, s, "abcd", r)); got != want {
				t.Errorf("%+v: %q, want %q", r, got, want)
			}
		}
		info, err := s.Info("abcd")
		if err != nil || info.Events != 7 || info.First != 5 || info.Last != 30 {
			t.Errorf("info %+v (%v)", info, err)
		}
	}
}

func TestRandomBatchesReadAsSorted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := open(t, t.TempDir())
	var all []Event
	for range 60 {
		n := 1 + rng.IntN(20)
		batch := make([]Event, n)
		at := int64(rng.IntN(500))
		for i := range batch {
			at += int64(rng.IntN(10))
			batch[i] = Event{Time: at, Message: fmt.Sprint(len(all) + i)}
		}
		if err := s.Append("random", batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			batch[i].Seq = uint64(len(all) + i + 1)
		}
		all = append(all, batch...)
	}
	slices.SortFunc(all, func(a, b Event) int {
		if a.Position().Before(b.Position()) {
			return -1
		}
		return 1
	})
	if got := read(t, s, "random", Range{}); !slices.Equal(got, all) {
		t.Error("forward differs")
	}
	// Reading in pages gives the same as reading at once.
	var paged []Event
	for after := (*Position)(nil); ; {
		page := 0
		for e, err := range s.Read("random", Range{After: after}) {
			if err != nil {
				t.Fatal(err)
			}
			paged = append(paged, e)
			after = new(e.Position())
			if page++; page == 7 {
				break
			}
		}
		if page == 0 {
			break
		}
	}
	if !slices.Equal(paged, all) {
		t.Error("pages differ")
	}
	slices.Reverse(all)
	if got := read(t, s, "random", Range{Backward: true}); !slices.Equal(got, all) {
		t.Error("backward differs")
	}
}

func TestBlockCutShortByACrashIsCutOff(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 3 {
		if err := s.Append("crash", []Event{{Time: int64(i), Message: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "cr", "crash", "00000001.log")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole) - 1; cut >= 0; cut-- {
		for _, damage := range []string{"cut", "zeros"} {
			data := slices.Clone(whole[:cut])
			if damage == "zeros" { // the file had its new length, but not yet its content
				data = append(data, make([]byte, len(whole)-cut)...)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			events := read(t, s, "crash", Range{})
			if len(events) != cut*3/len(whole) {
				t.Fatalf("%s at %d of %d leaves %d events", damage, cut, len(whole), len(events))
			}
			if err := s.Append("crash", []Event{{Time: 9, Message: "new"}}); err != nil {
				t.Fatal(err)
			}
			if got := read(t, open(t, dir), "crash", Range{}); len(got) != len(events)+1 || got[len(events)].Message != "new" {
				t.Fatalf("%s at %d: after a new event there are %d", damage, cut, len(got))
			}
		}
	}
}

func TestTrimAndDelete(t *testing.T) {
	s := open(t, t.TempDir())
	big := strings.Repeat("x", 1<<20)
	for i := range 40 {
		if err := s.Append("trim", []Event{{Time: int64(i), Message: big}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Trim("trim", 38); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info("trim")
	if err != nil || info.Events == 0 || info.Events > 20 || info.Last != 39 {
		t.Errorf("after trimming: %+v (%v)", info, err)
	}
	if err := s.Delete("trim"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "trim", Range{}); len(got) != 0 {
		t.Errorf("%d events after deletion", len(got))
	}
	if ids, _ := s.IDs(); len(ids) != 0 {
		t.Errorf("left over: %v", ids)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Append("../x", []Event{{}}); err != ErrBadID {
		t.Error(err)
	}
	if err := s.Append("order", []Event{{Time: 2}, {Time: 1}}); err != ErrOrder {
		t.Error(err)
	}
}

func TestArrivalWakesReaders(t *testing.T) {
	s := open(t, t.TempDir())
	arrived, err := s.Arrival("wake")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-arrived:
		t.Fatal("nothing arrived yet")
	default:
	}
	if err := s.Append("wake", []Event{{Time: 1, Message: "x"}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-arrived:
	case <-time.After(time.Second):
		t.Fatal("not woken")
	}
}

// BenchmarkBurst appends 10 MB of 100-byte lines as the log driver does, in batches of 1 MB.
func BenchmarkBurst(b *testing.B) {
	line := strings.Repeat("x", 99)
	batch := make([]Event, 10_000)
	for i := range batch {
		batch[i] = Event{Time: int64(i), Message: line}
	}
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(10 * 1_000_000)
	for b.Loop() {
		for range 10 {
			if err := s.Append("burst", batch); err != nil {
				b.Fatal(err)
			}
		}
	}
}
