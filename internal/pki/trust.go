package pki

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Op is what a Change does.
type Op string

// The kinds of changes.
const (
	MakeDir   Op = "mkdir" // make the folder Path
	WriteFile Op = "write" // write Data to the new file Path
	Run       Op = "run"   // run Command; UndoCommand takes it back
)

// Change is one step that makes the host trust an authority. Paths are
// absolute. Every change can be taken back: files and folders are only ever
// new ones with the authority's id in their names.
type Change struct {
	Op          Op
	Path        string   `json:",omitempty"`
	Data        []byte   `json:"-"`
	Command     []string `json:",omitempty"`
	UndoCommand []string `json:",omitempty"`
	Why         string   // for people: who will trust us by this
}

func (c Change) String() string {
	switch c.Op {
	case Run:
		return "run " + strings.Join(c.Command, " ") + "  # " + c.Why
	default:
		return string(c.Op) + " " + c.Path + "  # " + c.Why
	}
}

// Anchor is the certificate that is to be trusted.
type Anchor struct {
	ID   string // Authority.ID
	PEM  []byte // Authority.PEM
	Name string // certificate's nickname in a browser's database
}

// Anchor is what PlanTrust needs of the authority.
func (a *Authority) Anchor() Anchor {
	return Anchor{ID: a.ID(), PEM: a.PEM(), Name: a.cert.Subject.CommonName}
}

// distributions are the ways in which Linux distributions keep trust anchors;
// the first whose tool is installed is the one in use.
var distributions = []struct {
	tool, dir     string
	rebuild, undo []string
}{
	{"usr/sbin/update-ca-certificates", "usr/local/share/ca-certificates", []string{"update-ca-certificates"}, []string{"update-ca-certificates", "--fresh"}},
	{"usr/bin/update-ca-trust", "etc/pki/ca-trust/source/anchors", []string{"update-ca-trust", "extract"}, nil},
	{"usr/sbin/update-ca-trust", "etc/pki/ca-trust/source/anchors", []string{"update-ca-trust", "extract"}, nil},
	{"usr/bin/trust", "etc/ca-certificates/trust-source/anchors", []string{"trust", "extract-compat"}, nil},
}

// PlanTrust lists what makes the host trust the anchor: the system's bundle,
// Docker's and the container tools' folders for the given registries, and the
// NSS databases (browsers) found under the home folders. host is the root of
// the file system, and is only read. What already holds is not listed, so the
// plan of a host that trusts the anchor is empty.
func PlanTrust(host fs.FS, anchor Anchor, registries, homes []string) []Change {
	p := plan{host: host}
	file := "neargate-" + anchor.ID + ".crt"
	for _, d := range distributions {
		if !p.exists(d.tool) {
			continue
		}
		undo := d.undo
		if undo == nil {
			undo = d.rebuild
		}
		if p.write(path.Join(d.dir, file), anchor.PEM, "programs that use the system's certificates") {
			p.changes = append(p.changes, Change{Op: Run, Command: d.rebuild, UndoCommand: undo, Why: "rebuilds the system's bundle"})
		}
		break
	}
	registries = slices.Clone(registries)
	slices.Sort(registries)
	for _, tool := range []struct{ dir, why string }{{"etc/docker", "docker"}, {"etc/containers", "podman, skopeo and buildah"}} {
		if !p.exists(tool.dir) {
			continue
		}
		for _, registry := range slices.Compact(registries) {
			if validRegistry(registry) {
				p.write(path.Join(tool.dir, "certs.d", registry, file), anchor.PEM, tool.why)
			}
		}
	}
	p.browsers(anchor, file, homes)
	return p.changes
}

type plan struct {
	host    fs.FS
	changes []Change
	made    []string // folders that the plan makes
}

func (p *plan) exists(name string) bool {
	_, err := fs.Stat(p.host, name)
	return err == nil
}

// write plans a file and the folders above it; false when it is there already.
func (p *plan) write(name string, data []byte, why string) bool {
	if seen, err := fs.ReadFile(p.host, name); err == nil && bytes.Equal(seen, data) {
		return false
	}
	p.folders(path.Dir(name), why)
	p.changes = append(p.changes, Change{Op: WriteFile, Path: "/" + name, Data: data, Why: why})
	return true
}

func (p *plan) folders(dir, why string) {
	if dir == "." || p.exists(dir) || slices.Contains(p.made, dir) {
		return
	}
	p.folders(path.Dir(dir), why)
	p.made = append(p.made, dir)
	p.changes = append(p.changes, Change{Op: MakeDir, Path: "/" + dir, Why: why})
}

// browsers plans the NSS databases: Chromium keeps one for each user, Firefox
// one for each profile. Without certutil they are left alone.
func (p *plan) browsers(anchor Anchor, file string, homes []string) {
	if !p.exists("usr/bin/certutil") {
		return
	}
	for _, home := range homes {
		home = strings.TrimPrefix(path.Clean("/"+home), "/")
		var databases []string
		for _, pattern := range []string{".pki/nssdb", ".mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*"} {
			found, _ := fs.Glob(p.host, path.Join(home, pattern, "cert9.db"))
			databases = append(databases, found...)
		}
		for _, database := range databases {
			dir := path.Dir(database)
			// The copy beside the database is certutil's input, and the mark
			// by which the next plan sees that it was done.
			if !p.write(path.Join(dir, file), anchor.PEM, "browser") {
				continue
			}
			p.changes = append(p.changes, Change{
				Op: Run, Why: "browser",
				Command:     []string{"certutil", "-A", "-d", "sql:/" + dir, "-t", "C,,", "-n", anchor.Name, "-i", "/" + path.Join(dir, file)},
				UndoCommand: []string{"certutil", "-D", "-d", "sql:/" + dir, "-n", anchor.Name},
			})
		}
	}
}

// validRegistry accepts host names with an optional port: they become folders.
func validRegistry(name string) bool {
	host, port, hasPort := strings.Cut(name, ":")
	if hasPort && (port == "" || strings.Trim(port, "0123456789") != "") {
		return false
	}
	return validName(host) && !strings.HasPrefix(host, "*")
}

// Describe prints a plan, one change a line.
func Describe(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}
