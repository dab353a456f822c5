package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
)

// maxDepth bounds how deep a document nests; maxNodes how many values it has.
// Real templates stay below 30 and some ten thousand.
const (
	maxDepth = 100
	maxNodes = 400_000
)

// parseJSON reads a JSON document.
func parseJSON(text []byte) (*Value, error) {
	p := jsonParser{dec: json.NewDecoder(bytes.NewReader(text)), text: text}
	p.dec.UseNumber()
	for i, c := range text {
		if c == '\n' {
			p.newlines = append(p.newlines, i)
		}
	}
	v, err := p.value(0)
	if err == nil {
		if _, more := p.dec.Token(); more != io.EOF {
			err = p.malformed(p.dec.InputOffset())
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

type jsonParser struct {
	dec      *json.Decoder
	text     []byte
	newlines []int
	nodes    int
}

func (p *jsonParser) value(depth int) (*Value, error) {
	if p.nodes++; depth > maxDepth || p.nodes > maxNodes {
		return nil, formatError("unsupported structure.")
	}
	start := p.skipSpace(p.dec.InputOffset())
	tok, err := p.dec.Token()
	if err != nil {
		return nil, p.broken(err)
	}
	v := &Value{}
	v.Line, v.Column = p.position(start)
	switch tok := tok.(type) {
	case string:
		v.Kind, v.Text = String, tok
	case json.Number:
		v.Kind, v.Text = Number, tok.String()
	case bool:
		v.Kind, v.Text = Bool, "false"
		if tok {
			v.Text = "true"
		}
	case json.Delim:
		if tok == '[' {
			return p.list(v, depth)
		}
		return p.object(v, depth)
	}
	return v, nil
}

func (p *jsonParser) list(v *Value, depth int) (*Value, error) {
	v.Kind, v.Items = List, []*Value{}
	for p.dec.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, item)
	}
	if _, err := p.dec.Token(); err != nil {
		return nil, p.broken(err)
	}
	return v, nil
}

func (p *jsonParser) object(v *Value, depth int) (*Value, error) {
	v.Kind = Map
	keys := map[string]int{}
	for p.dec.More() {
		line, _ := p.position(p.skipSpace(p.dec.InputOffset()))
		tok, err := p.dec.Token()
		if err != nil {
			return nil, p.broken(err)
		}
		key, ok := tok.(string)
		if !ok {
			return nil, p.malformed(p.dec.InputOffset())
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.put(keys, Entry{Key: key, Line: line, Value: item})
	}
	if _, err := p.dec.Token(); err != nil {
		return nil, p.broken(err)
	}
	return v, nil
}

// put adds an entry; one of the same key that came before it is replaced.
func (v *Value) put(keys map[string]int, e Entry) {
	if at, ok := keys[e.Key]; ok {
		v.Entries[at] = e
		return
	}
	keys[e.Key] = len(v.Entries)
	v.Entries = append(v.Entries, e)
}

// skipSpace returns the offset of the next token: past white space and the
// comma or colon that stands before it.
func (p *jsonParser) skipSpace(at int64) int64 {
	for at < int64(len(p.text)) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[at]) >= 0 {
		at++
	}
	return at
}

func (p *jsonParser) position(at int64) (line, column int) {
	line = sort.SearchInts(p.newlines, int(at))
	column = int(at) + 1
	if line > 0 {
		column = int(at) - p.newlines[line-1]
	}
	return line + 1, column
}

func (p *jsonParser) broken(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return p.malformed(syntax.Offset)
	}
	return p.malformed(int64(len(p.text)))
}

func (p *jsonParser) malformed(at int64) error {
	line, column := p.position(max(at-1, 0))
	return formatError("JSON not well-formed. (line %d, column %d)", line, column)
}
