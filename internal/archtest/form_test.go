package archtest

import (
	"go/ast"
	"slices"
	"testing"
)

// maxLines is how long a hand-written file may be.
const maxLines = 600

func TestFilesAreShort(t *testing.T) {
	var lengths []int
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		if !s.test {
			lengths = append(lengths, s.lines)
		}
		if s.lines > maxLines {
			t.Errorf("%s has %d lines; the limit is %d", s.path, s.lines, maxLines)
		}
	}
	slices.Sort(lengths)
	if median := lengths[len(lengths)/2]; median > 150 {
		t.Errorf("the median of file lengths is %d lines; aim at 120", median)
	}
}

func TestPackagesExplainThemselves(t *testing.T) {
	doc := map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if _, ok := doc[s.dir]; !ok {
			doc[s.dir] = ""
		}
		if s.file.Doc != nil {
			doc[s.dir] += s.file.Doc.Text()
		}
	}
	for dir, text := range doc {
		if len(text) < 60 {
			t.Errorf("package %s has no comment that explains it", dir)
		}
	}
}

func TestNoBannedNames(t *testing.T) {
	banned := []string{"util", "utils", "helper", "helpers", "common", "base", "misc", "manager"}
	for _, s := range sources(t) {
		if slices.Contains(banned, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing", s.path, s.file.Name.Name)
		}
	}
}

// TestExitsOnlyFromMain keeps os.Exit and log.Fatal out of packages.
func TestExitsOnlyFromMain(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && isSelector(call, "os", "Exit") {
				if s.path == "internal/runtime/containerd/supervisor/shim.go" || s.path == "internal/runtime/containerd/supervisor/init.go" {
					return true // mains of processes in and around containers, reached by re-exec
				}
				t.Errorf("%s calls os.Exit", s.path)
			}
			return true
		})
	}
}

func usesClock(file *ast.File) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && (isSelector(sel, "time", "Now") || isSelector(sel, "time", "Since") || isSelector(sel, "time", "Until")) {
			found = true
		}
		return true
	})
	return found
}

func isSelector(sel *ast.SelectorExpr, pkg, name string) bool {
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg && sel.Sel.Name == name
}
