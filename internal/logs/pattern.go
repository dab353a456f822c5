package logs

import (
	"regexp"
	"strings"
)

// compilePattern makes a function of a filter pattern for unstructured text:
//
//	ERROR 404        both terms
//	"disk full"      the phrase
//	?warn ?error     one of them
//	-debug           not this one
//	%ab[0-9]+c%      a regular expression
//
// Terms are case-sensitive and match anywhere in the message. Patterns in braces
// are for JSON messages (jsonpattern.go); space-delimited ones ([a, b]) are
// refused by name.
func compilePattern(text string) (func(message string) bool, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return func(string) bool { return true }, nil
	case strings.HasPrefix(text, "{"):
		return compileJSONPattern(text)
	case strings.HasPrefix(text, "["):
		return nil, invalid("Invalid filter pattern: space-delimited patterns ([ ... ]) are not carried out by Neargate yet.")
	}
	var p pattern
	for text != "" {
		var err error
		if text, err = p.term(text); err != nil {
			return nil, err
		}
	}
	return p.matches, nil
}

// test is one term of a pattern.
type test func(message string) bool

// pattern is a filter pattern, taken apart.
type pattern struct {
	all, any, none []test
}

// term reads the first term of the text and returns the rest.
func (p *pattern) term(text string) (rest string, err error) {
	list := &p.all
	switch text[0] {
	case '?':
		list, text = &p.any, text[1:]
	case '-':
		list, text = &p.none, text[1:]
	}
	if text == "" {
		return "", invalid("Invalid filter pattern: a term is missing behind ? or -.")
	}
	t, rest, err := readTest(text)
	if err != nil {
		return "", err
	}
	*list = append(*list, t)
	return strings.TrimSpace(rest), nil
}

func readTest(text string) (t test, rest string, err error) {
	switch text[0] {
	case '"':
		var phrase strings.Builder
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == '\\' && i+1 < len(text):
				i++
				phrase.WriteByte(text[i])
			case text[i] == '"':
				return contains(phrase.String()), text[i+1:], nil
			default:
				phrase.WriteByte(text[i])
			}
		}
		return nil, "", invalid("Invalid filter pattern: a quoted phrase does not end.")
	case '%':
		end := strings.IndexByte(text[1:], '%')
		if end < 0 {
			return nil, "", invalid("Invalid filter pattern: a regular expression does not end.")
		}
		re, err := regexp.Compile(text[1 : 1+end])
		if err != nil {
			return nil, "", invalid("Invalid filter pattern: the regular expression is not valid.")
		}
		return re.MatchString, text[end+2:], nil
	}
	word, rest, _ := strings.Cut(text, " ")
	for _, r := range word {
		if !(r == '_' || r == '-' || r == '.' || r == '/' || r == ':' || r == '#' || r == '@' || r == '*' || r == '=' || r == '+' || r == ',' ||
			r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0x7f) {
			return nil, "", invalid("Invalid character(s) in term '" + word + "'")
		}
	}
	return contains(word), rest, nil
}

func contains(part string) test {
	return func(message string) bool { return strings.Contains(message, part) }
}

func (p *pattern) matches(message string) bool {
	for _, t := range p.none {
		if t(message) {
			return false
		}
	}
	for _, t := range p.all {
		if !t(message) {
			return false
		}
	}
	if len(p.any) == 0 {
		return true
	}
	for _, t := range p.any {
		if t(message) {
			return true
		}
	}
	return false
}
