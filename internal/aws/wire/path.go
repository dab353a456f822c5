package wire

import (
	"net/url"
	"strings"
)

// pathTemplate is the path of a URI template: /{Bucket}/{Key+}.
type pathTemplate []segment

type segment struct {
	literal string
	label   string // without the "+" of a greedy label
	greedy  bool   // takes the rest of the path up to the literals behind it
}

// parsePath reads a template. A slash at its end is as good as none: SDKs of
// newer models leave it away.
func parsePath(path string) pathTemplate {
	var out pathTemplate
	for _, part := range splitPath(strings.TrimSuffix(path, "/")) {
		switch {
		case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "+}"):
			out = append(out, segment{label: part[1 : len(part)-2], greedy: true})
		case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}"):
			out = append(out, segment{label: part[1 : len(part)-1]})
		default:
			out = append(out, segment{literal: part})
		}
	}
	return out
}

// splitPath returns the segments of a path; "/" has none.
func splitPath(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match fits the segments of an escaped path to the template and hands each
// label's value, unescaped, to label (if not nil). It returns the number of literal segments.
// A path may end in a slash that the template does not have; a greedy label
// keeps it.
func (t pathTemplate) match(parts []string, label func(name, value string)) (literals int, ok bool) {
	for i, s := range t {
		if s.greedy {
			behind := len(t) - i - 1
			if len(parts) <= behind {
				return 0, false
			}
			rest := parts[:len(parts)-behind]
			if len(rest) == 1 && rest[0] == "" || label != nil && !give(label, s.label, strings.Join(rest, "/")) {
				return 0, false
			}
			parts = parts[len(parts)-behind:]
			continue
		}
		if len(parts) == 0 {
			return 0, false
		}
		switch {
		case s.label != "":
			if parts[0] == "" || label != nil && !give(label, s.label, parts[0]) {
				return 0, false
			}
		case parts[0] != s.literal && unescapePath(parts[0]) != s.literal:
			return 0, false
		default:
			literals++
		}
		parts = parts[1:]
	}
	return literals, len(parts) == 0 || len(parts) == 1 && parts[0] == ""
}

func give(label func(name, value string), name, escaped string) bool {
	value, err := url.PathUnescape(escaped)
	if err == nil {
		label(name, value)
	}
	return err == nil
}

func unescapePath(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}
