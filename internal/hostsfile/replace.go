package hostsfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/internal/fault"
)

// change is a rewriting of the file. It is noted beside the file while it is
// made: writing in place can be cut off, and renaming would take away, without a
// word, what is mounted on the file in other mount namespaces: the names of
// `neargate run`, and those of other people's containers.
type change struct{ Old, New string }

// filled is the new text, as long as the old one: what the file holds between
// the write and the cut.
func (c change) filled() string {
	return c.New + strings.Repeat("\n", max(0, len(c.Old)-len(c.New)))
}

func notePath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".neargate")
}

// replace makes a change, in one write and one cut.
func replace(path string, c change) error {
	noteChange(path, c)
	fault.Point("hostsfile.noted")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(c.filled()), 0)
	fault.Point("hostsfile.written")
	if err == nil {
		err = f.Truncate(int64(len(c.New)))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fault.Point("hostsfile.replaced")
	return forget(path)
}

// noteChange writes a change down, whole or not at all. Where the folder cannot
// be written to, a kill at the wrong moment can leave empty lines at the end of the file.
func noteChange(path string, c change) {
	content, err := json.Marshal(c)
	if err != nil {
		return
	}
	f, err := os.OpenFile(notePath(path)+"~", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, err = f.Write(content)
	if errors.Join(err, f.Sync(), f.Close()) == nil {
		err = os.Rename(f.Name(), notePath(path))
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

func forget(path string) error {
	os.Remove(notePath(path) + "~")
	if err := os.Remove(notePath(path)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// repair completes a change that was cut off.
func repair(path string) error {
	note, err := os.ReadFile(notePath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var c change
	if json.Unmarshal(note, &c) != nil {
		return forget(path)
	}
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if text, cut := c.complete(string(have)); cut {
		return replace(path, change{Old: string(have), New: text})
	}
	return forget(path)
}

// complete says what the file would hold if the change had been completed, given
// what it holds; false when there is nothing to do. What others wrote behind it
// since is kept.
func (c change) complete(have string) (string, bool) {
	filled := c.filled()
	if have == c.Old || have == c.New {
		return "", false
	}
	if rest, ok := strings.CutPrefix(have, filled); ok && filled != c.New {
		return c.New + rest, true
	}
	// A power failure can leave the start of the new text in the old one.
	for n := range min(len(filled), len(have)) {
		if filled[n] == have[n] {
			continue
		}
		if n > 0 && len(have) == max(len(c.Old), n) && have[n:] == c.Old[min(n, len(c.Old)):] {
			return c.New, true
		}
		return "", false
	}
	return c.New, len(have) < len(c.New) && len(have) >= len(c.Old)
}
