package check

import (
	"fmt"
	"io"
	"strings"

	"github.com/neargate/neargate/internal/cli"
)

// Text writes the report as a compiler would: place, severity, code and message,
// the line with a caret under the place, the fix, and one line to sum up.
func (r *Report) Text(w io.Writer, s cli.Style) {
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s %s\n", s.Bold(fmt.Sprintf("%s:%d:%d:", f.File, f.Line, f.Column)), severity(s, f.Severity), s.Bold(f.Code+":")+" "+f.Message)
		r.excerpt(w, s, f.Position)
		if f.AWSSays != "" && f.AWSSays != f.Message {
			fmt.Fprintf(w, "  %s %s\n", s.Dim("AWS says"), f.AWSSays)
		}
		if f.Fix.Text != "" {
			label := "fix"
			if f.Fix.Target != "" {
				label += " (" + f.Fix.Target + ")"
			}
			fmt.Fprintf(w, "  %s\n", s.Dim(label))
			for l := range strings.SplitSeq(f.Fix.Text, "\n") {
				fmt.Fprintf(w, "      %s\n", l)
			}
		}
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	mark := s.Green("✓")
	if r.Count(Error) > 0 {
		mark = s.Red("✗")
	}
	fmt.Fprintf(w, "%s %s, %s, %s in %s; %s followed\n", mark, plural(r.Count(Error), "error"), plural(r.Count(Warning), "warning"), plural(r.Count(Note), "note"),
		plural(r.Resources, "resource"), plural(r.Tasks, "task definition"))
}

func severity(s cli.Style, v Severity) string {
	switch v {
	case Error:
		return s.Red("error")
	case Warning:
		return s.Yellow("warning")
	}
	return s.Dim("note")
}

// excerpt writes the line of a place, and a caret under it.
func (r *Report) excerpt(w io.Writer, s cli.Style, at Position) {
	lines := r.lines[at.File]
	if at.Line < 1 || at.Line > len(lines) {
		return
	}
	line := lines[at.Line-1]
	before := line[:min(max(at.Column-1, 0), len(line))]
	pad := strings.Map(func(c rune) rune {
		if c == '\t' {
			return c
		}
		return ' '
	}, before)
	number := fmt.Sprintf("%5d", at.Line)
	fmt.Fprintf(w, "%s %s %s\n%s %s %s%s\n", s.Dim(number), s.Dim("|"), line, strings.Repeat(" ", len(number)), s.Dim("|"), pad, s.Red("^"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
