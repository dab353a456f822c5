package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func sameJSON(got, want string) error {
	var a, b any
	json.Unmarshal([]byte(got), &a)
	json.Unmarshal([]byte(want), &b)
	for _, v := range []any{a, b} { // clients look behind the "#" and before the ":"
		if m, ok := v.(map[string]any); ok && m["__type"] != nil {
			_, name, _ := cutLast(m["__type"].(string), '#')
			m["__type"], _, _ = strings.Cut(name, ":")
		}
	}
	if !reflect.DeepEqual(instants(a), instants(b)) {
		return fmt.Errorf("JSON differs")
	}
	return nil
}

func sameCBOR(got, want string) error {
	raw, err := base64.StdEncoding.DecodeString(want)
	if err != nil {
		return err
	}
	a, err := genericCBOR([]byte(got))
	if err != nil {
		return fmt.Errorf("our CBOR: %w", err)
	}
	b, err := genericCBOR(raw)
	if err != nil {
		return fmt.Errorf("the vector's CBOR: %w", err)
	}
	if a != b {
		return fmt.Errorf("CBOR differs:\n%s\n%s", a, b)
	}
	return nil
}

// genericCBOR prints a CBOR item so that equal items print alike.
func genericCBOR(b []byte) (string, error) {
	if len(b) == 0 {
		return "", nil
	}
	mode, err := cbor.DecOptions{TimeTag: cbor.DecTagIgnored}.DecMode()
	if err != nil {
		return "", err
	}
	var v any
	if err := mode.Unmarshal(b, &v); err != nil {
		return "", err
	}
	return printed(v), nil
}

func printed(v any) string {
	switch v := v.(type) {
	case map[any]any:
		var parts []string
		for k, e := range v {
			if k == "__type" { // clients look behind the "#"
				_, name, _ := cutLast(e.(string), '#')
				e = name
			}
			parts = append(parts, printed(k)+":"+printed(e))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, printed(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case cbor.Tag:
		return fmt.Sprintf("%d(%s)", v.Number, printed(v.Content))
	case float64:
		if math.IsNaN(v) {
			return "NaN"
		}
		return fmt.Sprintf("%v", v)
	case float32:
		return printed(float64(v))
	case uint64, int64:
		return printed(toFloat(v))
	case []byte:
		return fmt.Sprintf("h'%x'", v)
	}
	return fmt.Sprintf("%#v", v)
}

func toFloat(v any) float64 {
	if n, ok := v.(uint64); ok {
		return float64(n)
	}
	return float64(v.(int64))
}

// mapLike reports whether the children of a name look like entries of a flattened map.
func mapLike(n *xmlNode, name string) bool {
	for _, c := range n.all(name) {
		if len(c.children) != 2 {
			return false
		}
	}
	return true
}

// sameInstant spells equal timestamps alike.
func sameInstant(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return string(appendTime(nil, t, iso8601))
	}
	return s
}

func instants(v any) any {
	switch v := v.(type) {
	case string:
		return sameInstant(v)
	case map[string]any:
		for k := range v {
			v[k] = instants(v[k])
		}
	case []any:
		for i := range v {
			v[i] = instants(v[i])
		}
	}
	return v
}

func sameXML(got, want string) error {
	a, err := readXML([]byte(got))
	if err != nil {
		return fmt.Errorf("our XML: %w", err)
	}
	b, err := readXML([]byte(want))
	if err != nil {
		return fmt.Errorf("the vector's XML: %w", err)
	}
	if x, y := treeText(a), treeText(b); x != y {
		return fmt.Errorf("XML differs:\n%s\n%s", x, y)
	}
	return nil
}

// treeText prints an element so that equal elements print alike: the order of
// different names does not count, nor does white space, nor the request id.
func treeText(n *xmlNode) string {
	var attrs, children []string
	for _, a := range n.attrs {
		attrs = append(attrs, a.Name.Space+":"+a.Name.Local+"="+a.Value)
	}
	sort.Strings(attrs)
	byName := map[string][]string{}
	for _, c := range n.children {
		if strings.EqualFold(c.name, "RequestId") || c.name == "ResponseMetadata" {
			continue
		}
		byName[c.name] = append(byName[c.name], treeText(c))
	}
	for name, list := range byName {
		if name == "entry" || mapLike(n, name) {
			sort.Strings(list) // maps have no order
		}
		children = append(children, strings.Join(list, ""))
	}
	sort.Strings(children)
	text := sameInstant(strings.TrimSpace(string(n.text)))
	return "<" + n.name + "|" + strings.Join(attrs, ";") + "|" + text + strings.Join(children, "") + ">"
}
