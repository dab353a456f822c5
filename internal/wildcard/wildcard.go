// Package wildcard matches texts against patterns as AWS's services write them: "*"
// is any run of characters, "?" is one character. What else they disagree on
// (escapes, upper and lower case, whether "?" counts) is decided when a pattern
// is compiled.
package wildcard

import "strings"

// In compiled patterns the wildcards are bytes that no text has, so that an
// escaped "*", or one that comes out of a variable, stays a character.
const (
	anyRun  = 0x00 // *
	anyChar = 0x01 // ?
)

// Reserved are the bytes that stand for wildcards in compiled patterns.
const Reserved = "\x00\x01"

var (
	both  = strings.NewReplacer("*", "\x00", "?", "\x01")
	stars = strings.NewReplacer("*", "\x00")
)

// Compile prepares a pattern with "*" and "?".
func Compile(text string) string { return both.Replace(text) }

// CompileStars prepares a pattern in which only "*" is special.
func CompileStars(text string) string { return stars.Replace(text) }

// CompileEscaped prepares a pattern with "*" and "?", in which a backslash makes
// the character behind it stand for itself. One at the end is a backslash.
func CompileEscaped(text string) string {
	if !strings.Contains(text, `\`) {
		return Compile(text)
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '*':
			b.WriteByte(anyRun)
		case c == '?':
			b.WriteByte(anyChar)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Match reports whether a compiled pattern is the whole of s. It takes time
// proportional to the product of the lengths at worst, without recursion: when
// stuck, it goes back to the last "*" alone.
func Match[P string | []byte](p P, s string) bool {
	pi, si := 0, 0
	star, mark := -1, 0
	for si < len(s) {
		switch {
		case pi < len(p) && p[pi] == anyRun:
			star, mark = pi, si
			pi++
		case pi < len(p) && p[pi] == anyChar:
			pi++
			si = min(si+runeLen(s[si]), len(s))
		case pi < len(p) && p[pi] == s[si]:
			pi++
			si++
		case star >= 0:
			mark++
			pi, si = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == anyRun {
		pi++
	}
	return pi == len(p)
}

// runeLen is the length of the UTF-8 character that starts with b.
func runeLen(b byte) int {
	switch {
	case b >= 0xF0:
		return 4
	case b >= 0xE0:
		return 3
	case b >= 0xC0:
		return 2
	}
	return 1
}
