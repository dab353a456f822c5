package check

import (
	"go.yaml.in/yaml/v3"
)

// duplicate is a key that stands twice in a map.
type duplicate struct {
	Key          string
	Line, Column int // of the first
	Again        int // line of the last, which counts
}

// duplicates finds keys that stand twice in a map of a YAML or JSON text. What
// cannot be parsed has none: parsing it properly will say so.
func duplicates(text string) (out []duplicate) {
	defer func() {
		if recover() != nil { // the parser is not ours
			out = nil
		}
	}()
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return nil
	}
	var visit func(n *yaml.Node, depth int)
	visit = func(n *yaml.Node, depth int) {
		if depth > 100 || n.Kind == yaml.AliasNode {
			return
		}
		if n.Kind == yaml.MappingNode {
			seen := map[string]*yaml.Node{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if first, ok := seen[key.Value]; ok {
					out = append(out, duplicate{key.Value, first.Line, first.Column, key.Line})
				}
				seen[key.Value] = key
			}
		}
		for _, child := range n.Content {
			visit(child, depth+1)
		}
	}
	visit(&doc, 0)
	return out
}
