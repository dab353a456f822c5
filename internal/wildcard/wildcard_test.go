package wildcard

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"*", "abc", true}, {"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "acb", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"*a*b*", "xxaxxbxx", true}, {"*a*b", "xxaxxbxx", false},
		{`a\*c`, "a*c", true}, {`a\*c`, "abc", false}, {`a\?`, "a?", true}, {`a\\`, `a\`, true}, {"é?", "éé", true},
		{"**", "x", true}, {"abc", "abcd", false}, {"abcd", "abc", false}, {`\`, `\`, true}, {`\é*`, "é!", true}, {"?", "\xf0", true},
	} {
		if got := Match(CompileEscaped(test.pattern), test.text); got != test.want {
			t.Errorf("Match(%q, %q) is %v", test.pattern, test.text, got)
		}
	}
	if Match(CompileStars("a?*"), "abc") || !Match(CompileStars("a?*"), "a?bc") {
		t.Error(`CompileStars takes "?" for a wildcard`)
	}
	if !Match(Compile(`\*`), `\x`) {
		t.Error(`Compile takes "\" for an escape`)
	}
}

// TestMatchAgainstTrying compares with an evaluator that tries everything.
func TestMatchAgainstTrying(t *testing.T) {
	var naive func(p, s string) bool
	naive = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return naive(p[1:], s) || s != "" && naive(p, s[1:])
		}
		return s != "" && (p[0] == '?' || p[0] == s[0]) && naive(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		if got := Match([]byte(Compile(text)), s); got != naive(text, s) {
			t.Fatalf("%q with %q: %v", text, s, got)
		}
	})
}
