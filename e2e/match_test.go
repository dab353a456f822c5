package e2e

import "regexp"

// matches reports whether text has a match of a regular expression.
func matches(expression, text string) bool {
	return regexp.MustCompile(`(?s)` + expression).MatchString(text)
}
