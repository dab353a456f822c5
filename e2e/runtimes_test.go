package e2e

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/testenv"
)

// pythonArchive builds an image of this machine's Python with boto3 as
// scripts/test-deps.sh installed it, a script, and more files.
func pythonArchive(t *testing.T, dir, script string, more ...image.File) string {
	t.Helper()
	python := filepath.Join(testenv.Root(), "out/clients/aws/bin/python")
	if _, err := os.Stat(python); err != nil {
		testenv.Missing(t, "boto3: "+err.Error())
	}
	out, err := exec.Command(python, "-c", `import os, sys, sysconfig, boto3
print(os.path.realpath(sys.executable), sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}), os.path.dirname(os.path.dirname(boto3.__file__)), sep="\n")`).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Fields(string(out))
	binary, stdlib, packages := found[0], found[1], found[2]
	files := layerOf(t, binary)
	files.tree(stdlib, stdlib, func(path string) bool {
		return slices.Contains([]string{"__pycache__", "site-packages", "dist-packages", "test", "idlelib", "ensurepip", "tkinter"}, filepath.Base(path)) || strings.HasPrefix(filepath.Base(path), "config-")
	})
	services := []string{"s3", "ecr", "logs", "secretsmanager", "sts"}
	for _, name := range []string{"boto3", "botocore", "urllib3", "dateutil", "jmespath", "s3transfer", "six.py"} {
		files.tree(filepath.Join(packages, name), "/packages/"+name, func(path string) bool {
			data := filepath.Base(filepath.Dir(path)) == "data" && filepath.Ext(path) == ""
			return filepath.Base(path) == "__pycache__" || data && !slices.Contains(services, filepath.Base(path))
		})
	}
	files.add("/calls.py", script)
	return archive(t, dir, image.Spec{Layers: [][]image.File{append(files.list(), more...)}, Env: []string{"PYTHONPATH=/packages", "PYTHONDONTWRITEBYTECODE=1"}, Cmd: []string{binary, "/calls.py"}})
}

// nodeArchive builds an image of this machine's Node and a script.
func nodeArchive(t *testing.T, dir, script string) string {
	t.Helper()
	binary, err := exec.LookPath("node")
	if err != nil {
		testenv.Missing(t, "node")
	}
	files := layerOf(t, binary)
	if _, err := os.Stat("/usr/share/nodejs"); err == nil { // where Debian keeps parts of Node itself
		files.tree("/usr/share/nodejs", "/usr/share/nodejs", func(path string) bool { return filepath.Base(path) == "npm" })
	}
	files.add("/calls.js", script)
	return archive(t, dir, image.Spec{Layers: [][]image.File{files.list()}, Cmd: []string{binary, "/calls.js"}})
}

// layer collects the files of an image by their path in it.
type layer struct {
	t     *testing.T
	files map[string]image.File
}

// layerOf is a layer with a program of this machine and its shared libraries.
func layerOf(t *testing.T, binary string) *layer {
	t.Helper()
	l := &layer{t, map[string]image.File{}}
	l.add(binary, binary)
	l.libraries(binary)
	return l
}

// add copies a file of this machine into the image.
func (l *layer) add(path, source string) {
	info, err := os.Stat(source)
	if err != nil {
		l.t.Fatal(err)
	}
	l.files[path] = image.File{Path: path, Source: source, Mode: info.Mode().Perm()}
}

// libraries adds what a program or library is linked with.
func (l *layer) libraries(binary string) {
	out, err := exec.Command("ldd", binary).Output()
	if err != nil {
		l.t.Fatalf("ldd %s: %v", binary, err)
	}
	for line := range strings.Lines(string(out)) {
		_, after, found := strings.Cut(line, "=>")
		if !found {
			after = line
		}
		fields := strings.Fields(after)
		if len(fields) > 0 && filepath.IsAbs(fields[0]) {
			l.add(fields[0], fields[0])
		}
	}
}

// tree copies a file or a folder of this machine, with the libraries of the
// shared objects in it.
func (l *layer) tree(from, to string, skip func(path string) bool) {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if skip(path) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		l.add(to+strings.TrimPrefix(path, from), path)
		if strings.HasSuffix(path, ".so") {
			l.libraries(path)
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *layer) list() []image.File {
	return slices.Collect(maps.Values(l.files))
}
