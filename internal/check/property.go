package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/check/spelling"
	"github.com/neargate/neargate/internal/cloudformation/resource"
)

// belongs says where a key that stands in the wrong object belongs: elsewhere in
// its own type, or in one that has to do with it.
func belongs(schema *resource.Schema, problem resource.Problem) (home string, ok bool) {
	if path, ok := search(resource.Object(schema.Properties), problem.Key, "", 0); ok {
		return or(path, "Properties"), true
	}
	types := resource.Types()
	for _, other := range []string{"AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::EC2::VPCEndpoint", "AWS::EC2::Subnet"} {
		t, known := types[other]
		if !known || other == schema.Type {
			continue
		}
		if path, ok := search(resource.Object(t.Schema().Properties), problem.Key, "", 0); ok {
			return or(path, "Properties") + " of " + other, true
		}
	}
	return "", false
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// common are keys that so many objects have that one of them says nothing.
var common = []string{"name", "value", "type", "key", "tags", "description", "enabled", "port", "protocol"}

// search finds the shallowest object that has a key and returns its path.
func search(p resource.Property, key, path string, depth int) (string, bool) {
	if depth > 6 || slices.Contains(common, strings.ToLower(key)) {
		return "", false
	}
	for p.Of != nil {
		p = *p.Of
	}
	for name := range p.Fields {
		if strings.EqualFold(name, key) {
			return path, true
		}
	}
	best, found := "", false
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		below, ok := search(p.Fields[name], key, strings.TrimPrefix(path+"/"+name, "/"), depth+1)
		if ok && (!found || strings.Count(below, "/") < strings.Count(best, "/")) {
			best, found = below, true
		}
	}
	return best, found
}

// nearest returns the key of the same object that a key was probably meant to be.
func nearest(problem resource.Problem, schema *resource.Schema) string {
	p := resource.Object(schema.Properties)
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(problem.Path, "#"), "/"), "/") {
		if p.Of != nil {
			p = *p.Of // the part is an index
			continue
		}
		for name, f := range p.Fields {
			if strings.EqualFold(name, part) {
				p = f
				break
			}
		}
	}
	return spelling.Closest(problem.Key, slices.Sorted(maps.Keys(p.Fields)))
}
