package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// Bounds of a source.
const (
	maxFile  = 1 << 20 // bytes of one file, as CloudFormation's of a template
	maxFiles = 200
)

// files reads source files, each once, and keeps their lines.
type files struct {
	fs    fs.FS
	order []string
	text  map[string]string
	lines map[string][]string
}

func newFiles(root fs.FS) *files {
	return &files{fs: root, text: map[string]string{}, lines: map[string][]string{}}
}

// read returns the text of a file.
func (f *files) read(name string) (string, error) {
	name = path.Clean(name)
	if text, ok := f.text[name]; ok {
		return text, nil
	}
	if len(f.order) >= maxFiles {
		return "", fmt.Errorf("more than %d files", maxFiles)
	}
	file, err := f.fs.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(content) > maxFile:
		return "", fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	case !utf8.Valid(content):
		return "", errors.New(name + " is not text")
	}
	text := string(content)
	f.order = append(f.order, name)
	f.text[name], f.lines[name] = text, linesOf(text)
	return text, nil
}

func linesOf(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// line returns the text of a line, counted from 1.
func (f *files) line(name string, n int) string {
	lines := f.lines[name]
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// column returns where a word stands in a line, or else where its text begins.
func (f *files) column(name string, n int, word string) int {
	line := f.line(name, n)
	if at := strings.Index(line, word); word != "" && at >= 0 {
		return at + 1
	}
	return len(line) - len(strings.TrimLeft(line, " \t")) + 1
}
