package policy

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// object is a JSON object with its keys in order and where it stands in the text.
type object struct {
	start  Position // of its brace
	end    Position // behind its closing brace
	keys   []string
	values []any
}

func (o *object) get(key string) (any, bool) {
	for i, k := range o.keys {
		if k == key {
			return o.values[i], true
		}
	}
	return nil, false
}

// maxDepth bounds nesting; a policy needs five levels.
const maxDepth = 8

var (
	errDuplicate = errors.New("duplicate key")
	errDepth     = errors.New("nested too deeply")
)

// decode reads JSON into strings, bools, json.Numbers, nil, []any and *object.
// Unlike encoding/json it refuses duplicate keys and remembers lines.
func decode(text string) (any, error) {
	d := &decoder{text: text, json: json.NewDecoder(strings.NewReader(text)), line: 1}
	d.json.UseNumber()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.json.Token(); err != io.EOF {
		return nil, errors.New("data follows the document")
	}
	return v, nil
}

type decoder struct {
	text string
	json *json.Decoder
	line int
	last int // offset behind the last line break
	seen int // offset up to which lines are counted
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	t, err := d.json.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return d.object(depth)
	case json.Delim('['):
		return d.list(depth)
	}
	return t, nil
}

func (d *decoder) object(depth int) (any, error) {
	o := &object{start: d.position()}
	o.start.Column--
	for d.json.More() {
		k, err := d.json.Token()
		if err != nil {
			return nil, err
		}
		key, _ := k.(string)
		if _, ok := o.get(key); ok {
			return nil, errDuplicate
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.keys, o.values = append(o.keys, key), append(o.values, v)
	}
	_, err := d.json.Token()
	o.end = d.position()
	return o, err
}

func (d *decoder) list(depth int) (any, error) {
	list := []any{}
	for d.json.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.json.Token()
	return list, err
}

// position is where the decoder stands.
func (d *decoder) position() Position {
	end := int(d.json.InputOffset())
	read := d.text[d.seen:end]
	if n := strings.Count(read, "\n"); n > 0 {
		d.line += n
		d.last = d.seen + strings.LastIndexByte(read, '\n') + 1
	}
	d.seen = end
	return Position{Line: d.line, Column: end - d.last + 1}
}

// stringsOf reads a string or a list of strings.
func stringsOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	return nil, false
}

// scalarsOf reads condition values: strings, numbers, booleans, or a list of them.
func scalarsOf(v any) ([]string, bool) {
	if list, ok := v.([]any); ok {
		out := make([]string, 0, len(list))
		for _, e := range list {
			s, ok := scalar(e)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	s, ok := scalar(v)
	return []string{s}, ok
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	case json.Number:
		return v.String(), true
	}
	return "", false
}
