package hostsfile

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// Wherever a change is cut off, the next one leaves the user's lines as they were.
func TestAChangeThatWasCutOff(t *testing.T) {
	names := map[string]netip.Addr{"a.example": netip.MustParseAddr("127.64.0.1"), "b.example": netip.MustParseAddr("127.64.0.2")}
	for _, user := range []string{"127.0.0.1 localhost\n", "127.0.0.1 localhost", "127.0.0.1 localhost\n\n\n", ""} {
		with := Edit(user, "i1", names)
		for what, c := range map[string]change{"adding": {user, with}, "removing": {with, user}} {
			states := []string{c.Old, c.filled(), c.New}
			for n := 1; n < len(c.filled()); n += 11 { // a write that tore
				torn := c.filled()[:n]
				if n < len(c.Old) {
					torn += c.Old[n:]
				}
				states = append(states, torn)
			}
			for _, state := range states {
				path := filepath.Join(t.TempDir(), "hosts")
				if err := os.WriteFile(path, []byte(state), 0o644); err != nil {
					t.Fatal(err)
				}
				noteChange(path, c)
				if err := New(path, "i1").Remove(); err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(path)
				if err != nil || string(got) != user {
					t.Fatalf("%s %q, cut off at %q: the file is %q (%v)", what, user, state, got, err)
				}
				if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
					t.Fatalf("left behind: %v", left)
				}
			}
		}
	}
}

func TestWhatTheUserWroteSinceIsKept(t *testing.T) {
	c := change{Old: "a\n# BEGIN neargate i1\n127.64.0.1\tx.example\n# END neargate i1\n", New: "a\n"}
	for have, want := range map[string]string{
		c.filled() + "mine\n": "a\nmine\n",
		"mine\n" + c.filled(): "mine\n" + c.filled(),
		"mine\n":              "mine\n",
		"":                    "",
	} {
		path := filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		noteChange(path, c)
		if err := New(path, "i1").Remove(); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("%q became %q, want %q", have, got, want)
		}
	}
}
