package wire

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// bindRequest reads the members that live in the path, the query string and the headers.
func (op *Operation) bindRequest(r *http.Request, p *structPlan, v reflect.Value) error {
	if !p.bound {
		return nil
	}
	labels := map[string]string{}
	path, _, _ := strings.Cut(op.URI, "?")
	parsePath(path).match(splitPath(r.URL.EscapedPath()), func(name, value string) { labels[name] = value })
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("the query string is not well-formed")
	}
	for i := range p.fields {
		f := &p.fields[i]
		target := v.Field(f.index)
		var err error
		switch f.in {
		case "uri":
			if text, ok := labels[f.wire]; ok {
				err = f.setText(target, text, iso8601)
			}
		case "querystring":
			err = bindQuery(f, target, query)
		case "header":
			err = bindHeader(f, target, r)
		case "headers":
			bindPrefix(f, target, r.Header)
		}
		if err != nil {
			return &badValue{path: f.member, cause: err}
		}
	}
	return nil
}

func bindQuery(f *field, v reflect.Value, query url.Values) error {
	if f.kind == kindMap {
		return bindQueryMap(f, v, query)
	}
	values, ok := query[f.wire]
	if !ok {
		return nil
	}
	if f.kind != kindList {
		return f.setText(v, values[0], iso8601)
	}
	v.Set(reflect.MakeSlice(f.typ, len(values), len(values)))
	for i, text := range values {
		if err := f.elem.setText(v.Index(i), text, iso8601); err != nil {
			return err
		}
	}
	return nil
}

// bindQueryMap gives all parameters to a map member.
func bindQueryMap(f *field, v reflect.Value, query url.Values) error {
	if len(query) == 0 {
		return nil
	}
	m := reflect.MakeMap(f.typ)
	for key, values := range query {
		elem := reflect.New(f.typ.Elem()).Elem()
		if f.elem.kind == kindList {
			elem.Set(reflect.ValueOf(values).Convert(f.elem.typ))
		} else if err := f.elem.setText(elem, values[0], iso8601); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(f.typ.Key()), elem)
	}
	v.Set(m)
	return nil
}

func bindHeader(f *field, v reflect.Value, r *http.Request) error {
	name := textproto.CanonicalMIMEHeaderKey(f.wire)
	values, ok := r.Header[name]
	if !ok {
		// net/http moves these out of the header.
		switch {
		case name == "Content-Length" && r.ContentLength >= 0 && r.Method != http.MethodGet && r.Method != http.MethodHead:
			values = []string{fmt.Sprint(r.ContentLength)}
		case name == "Host":
			values = []string{r.Host}
		default:
			return nil
		}
	}
	switch {
	case f.kind == kindList:
		return bindHeaderList(f, v, values)
	case f.json:
		raw, err := base64.StdEncoding.DecodeString(values[0])
		if err != nil {
			return fmt.Errorf("header %s is not valid base64", f.wire)
		}
		return f.setText(v, string(raw), rfc822)
	}
	return f.setText(v, values[0], rfc822)
}

func bindHeaderList(f *field, v reflect.Value, values []string) error {
	var items []string
	for _, value := range values {
		parts, err := splitHeader(value, f.elem.kind == kindTime && first(f.elem.timestamp, rfc822) == rfc822)
		if err != nil {
			return err
		}
		items = append(items, parts...)
	}
	v.Set(reflect.MakeSlice(f.typ, len(items), len(items)))
	for i, text := range items {
		if err := f.elem.setText(v.Index(i), text, rfc822); err != nil {
			return err
		}
	}
	return nil
}

// splitHeader splits a header's list at commas; items may be quoted, and HTTP
// dates have one comma each.
func splitHeader(s string, dates bool) ([]string, error) {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			item, rest, ok := unquote(s)
			if !ok {
				return nil, fmt.Errorf("a quoted item of a header does not end")
			}
			out = append(out, item)
			s = strings.TrimPrefix(strings.TrimSpace(rest), ",")
			continue
		}
		end := strings.IndexByte(s, ',')
		if dates && end >= 0 {
			if next := strings.IndexByte(s[end+1:], ','); next >= 0 {
				end += 1 + next
			} else {
				end = -1
			}
		}
		if end < 0 {
			return append(out, strings.TrimSpace(s)), nil
		}
		out = append(out, strings.TrimSpace(s[:end]))
		s = s[end+1:]
	}
	return out, nil
}

// unquote reads a quoted string at the start of s.
func unquote(s string) (item, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// bindPrefix collects the headers that start with the member's prefix into a map.
func bindPrefix(f *field, v reflect.Value, header http.Header) {
	prefix := strings.ToLower(f.wire)
	m := reflect.MakeMap(f.typ)
	for name, values := range header {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), prefix); ok {
			m.SetMapIndex(reflect.ValueOf(rest), reflect.ValueOf(values[0]).Convert(f.typ.Elem()))
		}
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}

// bindResponse writes the members that live in headers, and returns the status.
func bindResponse(p *structPlan, v reflect.Value, header http.Header, status int) int {
	for i := range p.fields {
		f := &p.fields[i]
		switch f.in {
		case "header", "headers", "statusCode":
		default:
			continue
		}
		value, ok := f.value(v.Field(f.index))
		if !ok {
			continue
		}
		switch f.in {
		case "statusCode":
			if value.Int() != 0 {
				status = int(value.Int())
			}
		case "headers":
			for _, k := range sortedKeys(value) {
				header[f.wire+k.String()] = []string{cleanHeader(value.MapIndex(k).String())}
			}
		default:
			if text := f.headerText(value); text != "" || f.kind == kindString {
				header.Set(f.wire, cleanHeader(text))
			}
		}
	}
	return status
}

func (f *field) headerText(v reflect.Value) string {
	switch {
	case f.kind == kindList:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = string(f.elem.appendText(nil, v.Index(i), rfc822))
			if f.elem.kind == kindString && strings.ContainsAny(items[i], `",`) {
				items[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(items[i]) + `"`
			}
		}
		return strings.Join(items, ", ")
	case f.json:
		return base64.StdEncoding.EncodeToString([]byte(v.String()))
	case f.kind == kindTime && first(f.timestamp, rfc822) == rfc822:
		// HTTP dates have whole seconds.
		return string(appendTime(nil, v.Interface().(time.Time).Truncate(time.Second), rfc822))
	}
	return string(f.appendText(nil, v, rfc822))
}

// cleanHeader keeps line breaks out of headers.
func cleanHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}

// payloadBytes returns the raw body of a blob or string payload, or its stream.
func payloadBytes(f *field, v reflect.Value) (body []byte, stream io.ReadCloser) {
	switch f.kind {
	case kindStream:
		return nil, v.Interface().(io.ReadCloser)
	case kindBlob:
		return v.Bytes(), nil
	}
	return []byte(v.String()), nil
}
