package hostsfile

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestEdit(t *testing.T) {
	a, b := netip.MustParseAddr("127.64.0.1"), netip.MustParseAddr("127.64.0.2")
	two := map[string]netip.Addr{"b.example": b, "a.example": a}
	block := "# BEGIN neargate i1\n127.64.0.1\ta.example\n127.64.0.2\tb.example\n# END neargate i1\n"
	open := strings.Replace(block, "i1\n", "i1 (after a line without end)\n", 1)
	other := "# BEGIN neargate i2\n127.64.1.1\tc.example\n# END neargate i2\n"
	for name, c := range map[string]struct {
		text  string
		names map[string]netip.Addr
		want  string
	}{
		"empty file":              {"", two, block},
		"appended":                {"127.0.0.1 localhost\n", two, "127.0.0.1 localhost\n" + block},
		"no newline at the end":   {"127.0.0.1 localhost", two, "127.0.0.1 localhost\n" + open},
		"and taken out again":     {"127.0.0.1 localhost\n" + open, nil, "127.0.0.1 localhost"},
		"unless others followed":  {"127.0.0.1 localhost\n" + open + "y\n", nil, "127.0.0.1 localhost\ny\n"},
		"replaced":                {"x\n# BEGIN neargate i1\n127.64.0.9\told.example\n# END neargate i1\ny\n", two, "x\ny\n" + block},
		"removed":                 {"x\n" + block + "y", nil, "x\ny"},
		"nothing to remove":       {"x\r\ny", nil, "x\r\ny"},
		"other instance is kept":  {other + block, nil, other},
		"an end that was lost":    {"# BEGIN neargate i1\n127.64.0.9\told.example\n127.0.0.1 localhost\n", nil, "127.0.0.1 localhost\n"},
		"an end without a begin":  {"x\n# END neargate i1\n", nil, "x\n"},
		"windows' ends of lines":  {"x\r\n# BEGIN neargate i1\r\n# END neargate i1\r\n", two, "x\r\n" + block},
		"unchanged by repetition": {block, two, block},
	} {
		got := Edit(c.text, "i1", c.names)
		if got != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, c.want)
		}
		if again := Edit(got, "i1", c.names); again != got {
			t.Errorf("%s: not idempotent: %q", name, again)
		}
	}
}

func TestTwoInstancesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("127.0.0.1 localhost\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		file := New(path, "i"+strconv.Itoa(i))
		group.Go(func() {
			for k := range 10 {
				if err := file.Set(map[string]netip.Addr{"n" + strconv.Itoa(k) + ".example": netip.MustParseAddr("127.64.0.1")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	text, _ := os.ReadFile(path)
	if strings.Count(string(text), "n9.example") != 8 || strings.Count(string(text), "\n") != 1+8*3 {
		t.Fatalf("a block was lost:\n%s", text)
	}
	for i := range 8 {
		if err := New(path, "i"+strconv.Itoa(i)).Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if text, _ := os.ReadFile(path); string(text) != "127.0.0.1 localhost\n" {
		t.Errorf("left: %q", text)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 || !os.SameFile(info, before) {
		t.Errorf("mode became %v; it is still the same file: %v", info.Mode(), os.SameFile(info, before))
	}
	if err := New(path, "i").Set(map[string]netip.Addr{"a\n127.0.0.1 bank.example": {}}); err == nil {
		t.Error("a name with a line break was accepted")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("temporary files were left: %v", entries)
	}
}
