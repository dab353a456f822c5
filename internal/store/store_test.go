package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/store"
)

type fruit struct {
	Name  string
	Color []string
}

var fruits = store.Define("fruit", func(f *fruit) string { return f.Name },
	store.By("color", func(f *fruit) []string { return f.Color }))

func put(t *testing.T, db *store.DB, recs ...*fruit) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		for _, r := range recs {
			fruits.Put(tx, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func names(seq func(func(*fruit) bool)) []string {
	out := []string{}
	for f := range seq {
		out = append(out, f.Name)
	}
	return out
}

func TestRecordsAreFoundByKeyPrefixAndIndexAndSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(path, fruits)
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, &fruit{"apple", []string{"red", "green"}}, &fruit{"apricot", []string{"orange"}}, &fruit{"plum", []string{"red"}}, &fruit{"pear", nil})
	if err := db.Write(context.Background(), func(tx *store.Tx) error { fruits.Delete(tx, "pear"); return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		tx := db.Read()
		if got := names(fruits.All(tx, "ap")); !slices.Equal(got, []string{"apple", "apricot"}) {
			t.Errorf("by prefix: %v", got)
		}
		if got := names(fruits.By(tx, "color", "red")); !slices.Equal(got, []string{"apple", "plum"}) {
			t.Errorf("by index: %v", got)
		}
		if _, ok := fruits.Get(tx, "pear"); ok {
			t.Error("a deleted record is there")
		}
		if _, ok := fruits.Get(tx, "appl"); ok {
			t.Error("a prefix is not a key")
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = store.Open(path, fruits); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
}

func TestAFailedWriteChangesNothingAndTellsNobody(t *testing.T) {
	db, _ := store.OpenMemory(fruits)
	told := 0
	db.OnCommit(func(c []store.Change) { told += len(c) })
	boom := errors.New("boom")
	err := db.Write(context.Background(), func(tx *store.Tx) error { fruits.Put(tx, &fruit{Name: "fig"}); return boom })
	if !errors.Is(err, boom) {
		t.Fatalf("error: %v", err)
	}
	if got := names(fruits.All(db.Read(), "")); len(got) != 0 || told != 0 {
		t.Errorf("left behind: %v, told %d", got, told)
	}
}

func TestASnapshotDoesNotMove(t *testing.T) {
	db, _ := store.OpenMemory(fruits)
	put(t, db, &fruit{"fig", []string{"green"}})
	before := db.Read()
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		fruits.Update(tx, "fig", func(f *fruit) { f.Color = []string{"blue"} })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	old, _ := fruits.Get(before, "fig")
	now, _ := fruits.Get(db.Read(), "fig")
	if old.Color[0] != "green" || now.Color[0] != "blue" {
		t.Errorf("before %v, after %v", old.Color, now.Color)
	}
	if got := names(fruits.By(db.Read(), "color", "green")); len(got) != 0 {
		t.Errorf("the index still has %v", got)
	}
}

func TestConcurrentWritersAllReachTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(path, fruits)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() { put(t, db, &fruit{Name: fmt.Sprintf("f%03d", i)}) })
	}
	group.Wait()
	db.Close()
	if db, err = store.Open(path, fruits); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := len(names(fruits.All(db.Read(), "f"))); n != 200 {
		t.Errorf("%d of 200 records", n)
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(path, fruits)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	setVersion(t, path, 99)
	if _, err := store.Open(path, fruits); err == nil {
		t.Fatal("opened a file of a newer format")
	}
}

func BenchmarkWrite(b *testing.B) {
	db, err := store.Open(filepath.Join(b.TempDir(), "x.db"), fruits)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for i := 0; b.Loop(); i++ {
		db.Write(context.Background(), func(tx *store.Tx) error { fruits.Put(tx, &fruit{Name: fmt.Sprint(i)}); return nil })
	}
}

func BenchmarkGet(b *testing.B) {
	db, _ := store.OpenMemory(fruits)
	db.Write(context.Background(), func(tx *store.Tx) error {
		for i := range 10000 {
			fruits.Put(tx, &fruit{Name: fmt.Sprint(i)})
		}
		return nil
	})
	for b.Loop() {
		fruits.Get(db.Read(), "5000")
	}
}
