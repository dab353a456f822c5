package check

import (
	"cmp"
	"path/filepath"
	"slices"
)

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // a deployment, or its tasks, would fail
	Warning Severity = "warning" // may fail, or is not what it looks like
	Note    Severity = "note"    // works; worth knowing
)

// Position is a place in a source file. Line and Column count from 1; Column 0
// stands for the beginning of the text of the line, Line 0 for the whole file.
type Position struct {
	File   string
	Line   int
	Column int
}

// Finding is one thing that check has to say.
type Finding struct {
	Position
	Severity Severity
	Code     string // slug, as neargate why knows it where it knows one
	Resource string // logical id or address; "" when it concerns none
	Message  string
	AWSSays  string // what the AWS API would answer, where that is known
	Fix      Fix    // Text "" when there is none
}

// Fix is what to paste.
type Fix struct {
	Lang   string // cloudformation, terraform or cli
	Target string // into what; may be empty
	Text   string
}

// Report is the outcome of a check.
type Report struct {
	Findings  []Finding // by file, line, column
	Resources int       // that the source would make
	Tasks     int       // task definitions, each as often as it is used, that were followed
	Files     []string  // that were read

	lines map[string][]string // text of the files, for excerpts
}

// Count returns how many findings have a severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Relative names files relative to a directory of the same file system.
func (r *Report) Relative(base string) {
	name := func(file string) string {
		if rel, err := filepath.Rel("/"+base, "/"+file); err == nil {
			return filepath.ToSlash(rel)
		}
		return file
	}
	lines := map[string][]string{}
	for file, text := range r.lines {
		lines[name(file)] = text
	}
	r.lines = lines
	for i := range r.Findings {
		r.Findings[i].File = name(r.Findings[i].File)
	}
	for i := range r.Files {
		r.Files[i] = name(r.Files[i])
	}
}

// Show gives the report the text of its files, for excerpts: of a report that
// came from elsewhere.
func (r *Report) Show(text map[string]string) {
	r.lines = map[string][]string{}
	for name, t := range text {
		r.lines[name] = linesOf(t)
	}
}

// sort orders the findings by place and drops what is said twice.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool {
		return a.Position == b.Position && a.Code == b.Code && a.Message == b.Message
	})
}
