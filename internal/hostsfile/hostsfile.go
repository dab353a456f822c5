// Package hostsfile keeps a marked block of names in a hosts file such as
// /etc/hosts. The block carries the id of the instance that wrote it, so
// several instances live side by side and each removes only its own lines.
// Everything outside of the block is kept byte for byte.
//
// Only exact names that Neargate made go in (registries, load balancers,
// distributions); the caller sees to that. The file is written in place, with
// one write: what is mounted on it elsewhere stays. What is being written is
// noted beside it before, so that whatever a kill leaves is put right by the next
// Set or Remove of any instance (see change).
package hostsfile

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// File is a hosts file as one instance sees it. Its methods may be called from
// several goroutines.
type File struct {
	path, instance string
	mu             sync.Mutex // held while the file is read and replaced
}

// New returns the hosts file at path, for blocks of the given instance (an id
// of letters, digits and hyphens).
func New(path, instance string) *File { return &File{path: path, instance: instance} }

// Set makes the block hold exactly these names; an empty map removes it. The
// file is left alone when it says so already.
func (f *File) Set(names map[string]netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range names {
		if !validName(name) {
			return fmt.Errorf("%q cannot stand in a hosts file", name)
		}
	}
	lock, err := lockFile(f.path)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := repair(f.path); err != nil {
		return err
	}
	old, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := Edit(string(old), f.instance, names)
	if text == string(old) {
		return nil
	}
	return replace(f.path, change{Old: string(old), New: text})
}

// Remove takes the instance's block out of the file.
func (f *File) Remove() error { return f.Set(nil) }

// Edit returns the text of a hosts file with the instance's block replaced, or
// removed when there are no names. It is a pure function; applying it twice
// gives the same text as applying it once.
func Edit(text, instance string, names map[string]netip.Addr) string {
	begin, end := markers(instance)
	kept := make([]string, 0, strings.Count(text, "\n")+1)
	inside, added := false, -1
	for line := range strings.Lines(text) {
		switch bare := strings.TrimRight(line, "\r\n"); {
		case bare == begin:
			inside = true
		case bare == begin+newlineAdded:
			inside, added = true, len(kept)
		case bare == end:
			inside = false
		case inside && isOurs(bare):
		default:
			// A block whose end was lost stops at the first line that we did not write.
			inside = false
			kept = append(kept, line)
		}
	}
	out := strings.Join(kept, "")
	if added == len(kept) { // nobody has written behind it
		out = strings.TrimSuffix(out, "\n")
	}
	if len(names) == 0 {
		return out
	}
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
		begin += newlineAdded
	}
	var block strings.Builder
	block.WriteString(begin + "\n")
	for _, name := range sorted(names) {
		block.WriteString(names[name].String() + "\t" + name + "\n")
	}
	block.WriteString(end + "\n")
	return out + block.String()
}

// newlineAdded marks a block before which the last line had no end.
const newlineAdded = " (after a line without end)"

func markers(instance string) (begin, end string) {
	return "# BEGIN neargate " + instance, "# END neargate " + instance
}

// isOurs says whether a line has the form that Edit writes.
func isOurs(line string) bool {
	address, name, ok := strings.Cut(line, "\t")
	if !ok || !validName(name) {
		return false
	}
	_, err := netip.ParseAddr(address)
	return err == nil
}

func sorted(names map[string]netip.Addr) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// lockFile keeps two instances from overwriting each other's blocks. The lock
// is on the folder, as the file may not be there yet.
func lockFile(path string) (*os.File, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}
