package wire

import (
	"fmt"
	"net/url"
	"reflect"
)

// formDecoder reads the forms of the query protocol and of its EC2 dialect,
// which has names of its own and never wraps lists.
type formDecoder struct{ ec2 bool }

func (d formDecoder) decode(form url.Values, p *structPlan, v reflect.Value) error {
	root, err := formTree(form)
	if err != nil {
		return err
	}
	return d.structure(root, p, v, "")
}

func (d formDecoder) structure(n *formNode, p *structPlan, v reflect.Value, path string) error {
	for i := range p.fields {
		f := &p.fields[i]
		node := d.member(n, f)
		if node == nil {
			continue
		}
		if err := d.value(node, &f.shape, v.Field(f.index), join(path, f.member)); err != nil {
			return err
		}
	}
	return nil
}

// member finds the node of a member. Clients differ about the name of some:
// older models let a flattened list take the name of its elements.
func (d formDecoder) member(n *formNode, f *field) *formNode {
	if d.ec2 {
		if c := n.children[f.form]; c != nil {
			return c
		}
		return n.children[upperFirst(f.form)]
	}
	if c := n.children[f.wire]; c != nil {
		return c
	}
	if f.flat && f.kind == kindList && f.elem.loc != "" {
		return n.children[f.elem.loc]
	}
	return nil
}

func (d formDecoder) value(n *formNode, s *shape, v reflect.Value, path string) error {
	switch s.kind {
	case kindStruct:
		return d.structure(n, s.plan, s.target(v), path)
	case kindList:
		return d.list(n, s, s.target(v), path)
	case kindMap:
		return d.mapping(n, s, s.target(v), path)
	}
	if !n.set {
		return nil
	}
	if err := s.setText(v, n.value, iso8601); err != nil {
		return &badValue{path: path, value: n.value, cause: err}
	}
	return nil
}

func (d formDecoder) list(n *formNode, s *shape, v reflect.Value, path string) error {
	if !s.flat && !d.ec2 {
		if wrapped := n.children[first(s.elem.loc, "member")]; wrapped != nil {
			n = wrapped
		} else if wrapped := n.children["member"]; wrapped != nil {
			n = wrapped
		}
	}
	nodes, err := n.elements(path)
	if err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(s.typ, len(nodes), len(nodes)))
	for i, node := range nodes {
		if err := d.value(node, s.elem, v.Index(i), path+"."+itoa(i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (d formDecoder) mapping(n *formNode, s *shape, v reflect.Value, path string) error {
	if !s.flat {
		if wrapped := n.children["entry"]; wrapped != nil {
			n = wrapped
		}
	}
	nodes, err := n.elements(path)
	if err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(s.typ, len(nodes)))
	for _, node := range nodes {
		k := node.children[first(s.key.loc, "key")]
		if k == nil {
			return fmt.Errorf("a map entry of %s has no key", path)
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		if value := node.children[first(s.elem.loc, "value")]; value != nil {
			if err := d.value(value, s.elem, elem, join(path, k.value)); err != nil {
				return err
			}
		}
		v.SetMapIndex(reflect.ValueOf(k.value).Convert(s.typ.Key()), elem)
	}
	return nil
}

// badValue is a value that does not fit its type.
type badValue struct {
	path, value string
	cause       error
}

func (e *badValue) Error() string { return e.path + ": " + e.cause.Error() }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
