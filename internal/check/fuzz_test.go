package check

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// fuzz checks whatever text there is: it must end, with findings or without.
func fuzz(f *testing.F, name, path string, seeds ...string) {
	for _, seed := range seeds {
		text, err := os.ReadFile(filepath.Join("testdata", seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Check(t.Context(), Options{Files: fstest.MapFS{name: &fstest.MapFile{Data: []byte(text)}}, Path: path})
		if err != nil {
			return // not text
		}
		for _, finding := range r.Findings {
			if finding.Line < 1 || finding.Column < 1 || finding.Code == "" || finding.Message == "" {
				t.Errorf("a finding is incomplete: %+v", finding)
			}
		}
	})
}

func FuzzTemplate(f *testing.F) { fuzz(f, "t.yml", "t.yml", "clean.yml", "seven.yml") }

func FuzzTerraform(f *testing.F) {
	fuzz(f, "dir/main.tf", "dir", "clean/main.tf", "clean/network/main.tf", "typos/main.tf")
}

// Damaged sources are findings, never a crash. The seed is in the log.
func TestDamaged(t *testing.T) {
	n, seed := 15, rand.Int64()
	if more, err := strconv.Atoi(os.Getenv("NEARGATE_DAMAGED")); err == nil {
		n = more
	}
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	for _, source := range []struct{ file, name, path string }{{"clean.yml", "t.yml", "t.yml"}, {"seven.yml", "t.yml", "t.yml"}, {"clean/network/main.tf", "d/main.tf", "d"}, {"typos/main.tf", "d/main.tf", "d"}} {
		text, err := os.ReadFile(filepath.Join("testdata", source.file))
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			damaged := damage(r, string(text))
			if _, err := Check(t.Context(), Options{Files: fstest.MapFS{source.name: &fstest.MapFile{Data: []byte(damaged)}}, Path: source.path}); err != nil {
				t.Fatalf("%v, of\n%s", err, damaged)
			}
		}
	}
}

// damage takes words away, doubles them and moves them about.
func damage(r *rand.Rand, text string) string {
	words := strings.SplitAfter(text, " ")
	for range 1 + r.IntN(4) {
		a, b := r.IntN(len(words)), r.IntN(len(words))
		switch r.IntN(4) {
		case 0:
			words[a] = ""
		case 1:
			words[a] = words[b]
		case 2:
			words[a], words[b] = words[b], words[a]
		case 3:
			words[a] = strings.ToUpper(words[a]) + "{[\"${"[r.IntN(5):]
		}
	}
	return strings.Join(words, "")
}
