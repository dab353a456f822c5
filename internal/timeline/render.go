package timeline

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// width is how many cells the bars have.
const width = 40

// Write draws a span and those within it as a waterfall: name, bar on the scale of
// the whole, how long it took, and the status where it is not the ordinary one.
func Write(w io.Writer, s Span, now time.Time) {
	longest := nameWidth(s, 0)
	total := s.end(now).Sub(s.Start)
	fmt.Fprintf(w, "%s  %s  %s\n", s.Name, s.Status, length(total, s.End.IsZero()))
	for _, inner := range s.Spans {
		write(w, inner, s.Start, total, longest, 1, now)
	}
}

func write(w io.Writer, s Span, zero time.Time, total time.Duration, longest, depth int, now time.Time) {
	name := strings.Repeat("  ", depth) + s.Name
	took := s.end(now).Sub(s.Start)
	line := fmt.Sprintf("%s%s  %s  %9s", name, strings.Repeat(" ", longest-utf8.RuneCountInString(name)), bar(s.Start.Sub(zero), took, total), length(took, s.End.IsZero()))
	if strings.Contains(s.Status, "FAILED") || strings.Contains(s.Status, "ROLLBACK") || s.Status == "STOPPED" {
		line += "  " + s.Status
	}
	fmt.Fprintln(w, line)
	for _, inner := range s.Spans {
		write(w, inner, zero, total, longest, depth+1, now)
	}
}

// bar is at least one cell wide, wherever it begins.
func bar(from, took, total time.Duration) string {
	if total <= 0 {
		total = 1
	}
	cell := func(d time.Duration) int { return int(d * width / total) }
	start := max(0, min(cell(from), width-1))
	end := max(start+1, min(cell(from+took), width))
	return "│" + strings.Repeat(" ", start) + strings.Repeat("━", end-start) + strings.Repeat(" ", width-end) + "│"
}

func nameWidth(s Span, depth int) int {
	longest := utf8.RuneCountInString(s.Name) + 2*depth
	if depth == 0 {
		longest = 0
	}
	for _, inner := range s.Spans {
		longest = max(longest, nameWidth(inner, depth+1))
	}
	return longest
}

// length is a duration to read; + says that it goes on.
func length(d time.Duration, open bool) string {
	text := d.Round(time.Millisecond).String()
	if d >= time.Minute {
		text = d.Round(time.Second).String()
	}
	if open {
		text += "+"
	}
	return text
}
