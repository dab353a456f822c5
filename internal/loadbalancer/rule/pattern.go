package rule

import "strings"

// pattern is a text in which * stands for any characters and ? for one.
type pattern struct {
	text    string
	literal []bool // of escaped characters; nil: none is
	fold    bool
}

// newPattern prepares text. In query strings a backslash makes the next
// character stand for itself.
func newPattern(text string, fold, escapes bool) pattern {
	p := pattern{fold: fold}
	if escapes && strings.ContainsRune(text, '\\') {
		var b []byte
		for i := 0; i < len(text); i++ {
			escaped := text[i] == '\\' && i+1 < len(text)
			if escaped {
				i++
			}
			b = append(b, text[i])
			p.literal = append(p.literal, escaped)
		}
		text = string(b)
	}
	if fold {
		text = strings.ToLower(text)
	}
	p.text = text
	if len(p.literal) != len(text) {
		p.literal = nil
	}
	return p
}

func (p *pattern) special(i int, c byte) bool {
	return p.text[i] == c && (p.literal == nil || !p.literal[i])
}

// match walks both texts once, and goes back to the last * when stuck.
func (p *pattern) match(s string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p.text) && p.special(i, '*'):
			star, mark = i, j
			i++
		case i < len(p.text) && (p.special(i, '?') || p.text[i] == p.lower(s[j])):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p.text) && p.special(i, '*') {
		i++
	}
	return i == len(p.text)
}

func (p *pattern) lower(c byte) byte {
	if p.fold && 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
