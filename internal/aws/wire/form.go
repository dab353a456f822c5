package wire

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// formNode is a node of the tree that the dotted keys of a form make:
// Filter.1.Value.2=x is Filter -> 1 -> Value -> 2.
type formNode struct {
	value    string
	set      bool // the key itself was given
	children map[string]*formNode
}

// formTree builds the tree of a form; the first value of a key counts.
func formTree(form url.Values) (*formNode, error) {
	root := &formNode{}
	count := 0
	for key, values := range form {
		if count += strings.Count(key, ".") + 1; count > maxElements {
			return nil, fmt.Errorf("The request has more than %d parameters", maxElements)
		}
		if strings.Count(key, ".") > 2*maxDepth {
			return nil, fmt.Errorf("The request is nested more than %d levels deep", maxDepth)
		}
		n := root
		for part := range strings.SplitSeq(key, ".") {
			n = n.child(part)
		}
		n.value, n.set = values[0], true
	}
	return root, nil
}

func (n *formNode) child(name string) *formNode {
	if n.children == nil {
		n.children = map[string]*formNode{}
	}
	c := n.children[name]
	if c == nil {
		c = &formNode{}
		n.children[name] = c
	}
	return c
}

// elements returns the children with numbers for names, in order; gaps are
// closed. A number that is none to count with is an error: taken for nothing, a
// filter would be lost.
func (n *formNode) elements(path string) ([]*formNode, error) {
	type numbered struct {
		n    int
		node *formNode
	}
	var found []numbered
	for name, c := range n.children {
		i, err := strconv.Atoi(name)
		switch {
		case err == nil && i >= 0:
			found = append(found, numbered{i, c})
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("the index %.40s of %s is out of range", name, path)
		}
	}
	slices.SortFunc(found, func(a, b numbered) int { return a.n - b.n })
	out := make([]*formNode, len(found))
	for i, f := range found {
		out[i] = f.node
	}
	return out, nil
}
