// Package loglimit is how the reader of a container's log bounds it while it
// cannot carry away what the log holds. The supervisor, which writes the log,
// looks at the limit before it writes: so the limit holds, and can be lifted,
// whichever of the two was started anew. The limit is a small file beside the
// log; without it the log grows as the container writes.
package loglimit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Limit is how far a log may grow.
type Limit struct {
	Size int64 // of the file, in bytes
	// Drop says that lines which do not fit are dropped. Otherwise the writes of
	// the container wait.
	Drop bool
}

func limitPath(log string) string   { return log + ".limit" }
func droppedPath(log string) string { return log + ".dropped" }

// Set limits a log.
func Set(log string, l Limit) error {
	verb := "wait"
	if l.Drop {
		verb = "drop"
	}
	path := limitPath(log)
	if err := os.WriteFile(path+"~", []byte(verb+" "+strconv.FormatInt(l.Size, 10)), 0o600); err != nil {
		return err
	}
	return os.Rename(path+"~", path)
}

// Clear lifts the limit of a log.
func Clear(log string) error {
	if err := os.Remove(limitPath(log)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Get returns the limit of a log, if there is one.
func Get(log string) (Limit, bool) {
	content, err := os.ReadFile(limitPath(log))
	if err != nil {
		return Limit{}, false
	}
	verb, size, _ := strings.Cut(string(content), " ")
	n, err := strconv.ParseInt(size, 10, 64)
	return Limit{Size: n, Drop: verb == "drop"}, err == nil
}

// AddDropped counts lines that were dropped.
func AddDropped(log string, lines int64) error {
	f, err := os.OpenFile(droppedPath(log), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, lines)
	return errors.Join(err, f.Close())
}

// Dropped is how many lines were dropped so far.
func Dropped(log string) (lines int64) {
	content, _ := os.ReadFile(droppedPath(log)) // missing: none
	for _, word := range strings.Fields(string(content)) {
		n, _ := strconv.ParseInt(word, 10, 64)
		lines += n
	}
	return lines
}
