package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// xmlNode is an element of a request body.
type xmlNode struct {
	name     string
	text     []byte
	attrs    []xml.Attr
	children []*xmlNode
}

// readXML reads a document; depth and number of elements are bounded, entities
// other than XML's own five are errors.
func readXML(body []byte) (*xmlNode, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	stack := []*xmlNode{{}}
	count := 0
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(stack) > 2*maxDepth {
				return nil, fmt.Errorf("the document is too large or too deep")
			}
			n := &xmlNode{name: t.Name.Local, attrs: t.Attr}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text = append(top.text, t...)
		case xml.Directive:
			return nil, fmt.Errorf("document type declarations are not accepted")
		}
	}
	if len(stack[0].children) != 1 {
		return nil, fmt.Errorf("the document has no single root element")
	}
	return stack[0].children[0], nil
}

// attr returns an attribute by its name, with or without a namespace prefix.
func (n *xmlNode) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Local == name || a.Name.Space+":"+a.Name.Local == name || suffix(name) == a.Name.Local {
			return a.Value, true
		}
	}
	return "", false
}

func suffix(name string) string {
	for i := range len(name) {
		if name[i] == ':' {
			return name[i+1:]
		}
	}
	return ""
}

// all returns the children of a name.
func (n *xmlNode) all(name string) []*xmlNode {
	var out []*xmlNode
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// only returns the children, which must all have the name.
func (n *xmlNode) only(name string) ([]*xmlNode, error) {
	for _, c := range n.children {
		if c.name != name {
			return nil, fmt.Errorf("%s has an element %s, not %s", n.name, c.name, name)
		}
	}
	return n.children, nil
}
