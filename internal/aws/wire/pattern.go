package wire

import "regexp"

// pattern is a model's pattern: the text for messages, compiled for matching.
type pattern struct {
	text string
	re   *regexp.Regexp
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// compilePattern compiles a (Java) pattern that must match the whole value.
// awsgen leaves out patterns that RE2 cannot express.
func compilePattern(text string) *pattern {
	return &pattern{text: text, re: regexp.MustCompile(`^(?:` + unicodeEscape.ReplaceAllString(text, `\x{$1}`) + `)$`)}
}
