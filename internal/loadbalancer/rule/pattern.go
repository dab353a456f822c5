package rule

import (
	"strings"

	"github.com/neargate/neargate/internal/wildcard"
)

// pattern is a text in which * stands for any characters and ? for one.
type pattern struct {
	compiled string
	fold     bool // upper and lower case are one
}

func newPattern(text string, fold bool) pattern {
	return folding(wildcard.Compile(text), fold)
}

// newQueryPattern is a pattern of query strings: a backslash makes the next
// character stand for itself, and upper and lower case are one.
func newQueryPattern(text string) pattern {
	return folding(wildcard.CompileEscaped(text), true)
}

func folding(compiled string, fold bool) pattern {
	if fold {
		compiled = strings.ToLower(compiled)
	}
	return pattern{compiled, fold}
}

func (p pattern) match(s string) bool {
	if p.fold {
		s = strings.ToLower(s)
	}
	return wildcard.Match(p.compiled, s)
}
