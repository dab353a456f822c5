package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// decodeXMLBody reads a document whose root element has the given name ("" for any).
func decodeXMLBody(body []byte, root string, s *shape, v reflect.Value) error {
	n, err := readXML(body)
	switch {
	case err != nil:
		return err
	case root != "" && n.name != root:
		return fmt.Errorf("the root element is %s, not %s", n.name, root)
	}
	return xmlValue(n, s, v)
}

// decodeXML reads the members of a structure from an element. An element that
// is no member's is an error: AWS validates requests against its schema.
func decodeXML(n *xmlNode, p *structPlan, v reflect.Value) error {
	read := 0
	for i := range p.fields {
		f := &p.fields[i]
		if f.in != "" || f.payload {
			continue
		}
		target := v.Field(f.index)
		if f.attr {
			if text, ok := n.attr(f.wire); ok {
				if err := f.setText(target, text, iso8601); err != nil {
					return err
				}
			}
			continue
		}
		nodes := n.all(f.wire)
		if len(nodes) == 0 && f.elementName() != f.wire {
			nodes = n.all(f.elementName())
		}
		if len(nodes) == 0 {
			continue
		}
		if err := xmlMember(nodes, &f.shape, target); err != nil {
			return err
		}
		read += len(nodes)
	}
	if read < len(n.children) || len(bytes.TrimSpace(n.text)) > 0 {
		return fmt.Errorf("%s has content that is not known", n.name)
	}
	return nil
}

// xmlMember reads a member from its elements: one, or each of a flattened list or map.
func xmlMember(nodes []*xmlNode, s *shape, v reflect.Value) error {
	switch {
	case s.kind == kindList && s.flat:
		return xmlList(nodes, s, s.target(v))
	case s.kind == kindMap && s.flat:
		return xmlMap(nodes, s, s.target(v))
	}
	if len(nodes) > 1 {
		return fmt.Errorf("%s is there %d times", nodes[0].name, len(nodes))
	}
	return xmlValue(nodes[0], s, v)
}

func xmlValue(n *xmlNode, s *shape, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		return decodeXML(n, s.plan, s.target(v))
	case kindList:
		nodes, err := n.only(first(s.elem.loc, "member"))
		if err != nil {
			return err
		}
		return xmlList(nodes, s, s.target(v))
	case kindMap:
		nodes, err := n.only("entry")
		if err != nil {
			return err
		}
		return xmlMap(nodes, s, s.target(v))
	}
	if len(n.children) > 0 {
		return fmt.Errorf("%s is a value, and has elements", n.name)
	}
	text := string(n.text)
	if s.kind != kindString {
		text = strings.TrimSpace(text)
	}
	return s.setText(v, text, iso8601)
}

func xmlList(nodes []*xmlNode, s *shape, v reflect.Value) error {
	v.Set(reflect.MakeSlice(s.typ, len(nodes), len(nodes)))
	for i, n := range nodes {
		if err := xmlValue(n, s.elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func xmlMap(nodes []*xmlNode, s *shape, v reflect.Value) error {
	v.Set(reflect.MakeMapWithSize(s.typ, len(nodes)))
	for _, n := range nodes {
		k := n.all(first(s.key.loc, "key"))
		if len(k) != 1 {
			return fmt.Errorf("a map entry without a key")
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if values := n.all(first(s.elem.loc, "value")); len(values) > 0 {
			if err := xmlMember(values, s.elem, elem); err != nil {
				return err
			}
		}
		v.SetMapIndex(reflect.ValueOf(string(k[0].text)).Convert(s.typ.Key()), elem)
	}
	return nil
}
