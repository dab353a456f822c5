package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

const module = "github.com/neargate/neargate/"

// source is one Go file of the project.
type source struct {
	path      string // relative to the root
	dir       string
	file      *ast.File
	lines     int
	test      bool
	generated bool
}

// imports returns the packages of ours that the file imports, without the module's name.
func (s source) imports() []string {
	var out []string
	for _, spec := range s.file.Imports {
		if path := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(path, module) {
			out = append(out, strings.TrimPrefix(path, module))
		}
	}
	return out
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	root := testenv.Root()
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "out") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out = append(out, source{
			path: rel, dir: filepath.Dir(rel), file: file, lines: strings.Count(string(text), "\n"),
			test: strings.HasSuffix(rel, "_test.go"), generated: ast.IsGenerated(file),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("found only %d source files below %s", len(out), root)
	}
	return out
}
