package pki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Apply makes the changes and adds them to the journal first, so that Undo
// finds them whatever happens in between. root is put before every path and is
// "/" outside of tests.
func Apply(ctx context.Context, root, journal string, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	made, err := readJournal(journal)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if !slices.ContainsFunc(made, func(m Change) bool { return m.Op == c.Op && m.Path == c.Path && slices.Equal(m.Command, c.Command) }) {
			made = append(made, c)
		}
	}
	if err := writeJournal(journal, made); err != nil {
		return err
	}
	for _, c := range changes {
		if err := apply(ctx, root, c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// Undo takes back everything in the journal and removes it. What is gone
// already is no error; a folder that others have put files into stays.
func Undo(ctx context.Context, root, journal string) error {
	made, err := readJournal(journal)
	if err != nil || made == nil {
		return err
	}
	var problems []error
	// Files first: the commands rebuild bundles from the files that are left.
	for _, c := range made {
		if c.Op == WriteFile {
			if err := os.Remove(filepath.Join(root, c.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
		}
	}
	for _, c := range made {
		if c.Op == Run {
			if err := run(ctx, c.UndoCommand); err != nil {
				problems = append(problems, err)
			}
		}
	}
	for _, c := range slices.Backward(made) {
		if c.Op == MakeDir {
			os.Remove(filepath.Join(root, c.Path)) // fails when others use it, rightly
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return os.Remove(journal)
}

func apply(ctx context.Context, root string, c Change) error {
	path := filepath.Join(root, c.Path)
	switch c.Op {
	case MakeDir:
		if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case WriteFile:
		temp, err := writeTemp(path, c.Data, 0o644)
		if err != nil {
			return err
		}
		if err := os.Rename(temp, path); err != nil {
			os.Remove(temp)
			return err
		}
		return nil
	default:
		return run(ctx, c.Command)
	}
}

func run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return nil
	}
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command[0], err, out)
	}
	return nil
}

func readJournal(path string) ([]Change, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	if err := json.Unmarshal(raw, &changes); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return changes, nil
}

func writeJournal(path string, changes []Change) error {
	raw, err := json.MarshalIndent(changes, "", "  ")
	if err != nil {
		return err
	}
	temp, err := writeTemp(path, append(raw, '\n'), 0o644)
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}
