package expression

import (
	"fmt"
	"strings"
	"unicode"
)

// token is a name, number, string or operator; the zero value ends the text.
type token struct {
	kind rune // 'n'ame, '1' number, '"' string, 'o'perator, 0
	text string
	at   int
}

// operators, longer ones first.
var operators = []string{"==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ","}

func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := rune(text[i])
		switch {
		case unicode.IsSpace(c):
			i++
		case c == '"' || c == '\'':
			end := strings.IndexByte(text[i+1:], text[i])
			if end < 0 {
				return nil, fmt.Errorf("a string is not closed at position %d", i+1)
			}
			out = append(out, token{'"', text[i+1 : i+1+end], i})
			i += end + 2
		case digit(c) || c == '.':
			n := i
			for n < len(text) && (digit(rune(text[n])) || text[n] == '.' || (text[n] == 'e' || text[n] == 'E') && n+1 < len(text) && (digit(rune(text[n+1])) || text[n+1] == '-')) {
				if text[n] == 'e' || text[n] == 'E' {
					n++
				}
				n++
			}
			out = append(out, token{'1', text[i:n], i})
			i = n
		case letter(c):
			n := i
			for n < len(text) && (letter(rune(text[n])) || digit(rune(text[n]))) {
				n++
			}
			out = append(out, token{'n', text[i:n], i})
			i = n
		default:
			op := ""
			for _, o := range operators {
				if strings.HasPrefix(text[i:], o) {
					op = o
					break
				}
			}
			if op == "" {
				return nil, fmt.Errorf("unexpected character %q at position %d", text[i:i+1], i+1)
			}
			out = append(out, token{'o', op, i})
			i += len(op)
		}
	}
	return out, nil
}

func digit(c rune) bool  { return c >= '0' && c <= '9' }
func letter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
