package template

import (
	"slices"
	"strings"
)

// Dependencies returns, for each resource whose condition holds, the logical
// ids it waits for: those it refers to where the reference counts, and those of
// DependsOn that are part of the stack. It fails when they form a circle.
func (e *Evaluator) Dependencies() (map[string][]string, error) {
	resources := e.Resources()
	graph := make(map[string][]string, len(resources))
	for _, r := range resources {
		graph[r.LogicalID] = nil
	}
	for _, r := range resources {
		var waits []string
		for _, ref := range References(r.Properties, e.Holds) {
			waits = append(waits, ref.Name)
		}
		for _, name := range append(waits, r.DependsOn...) {
			if _, ok := graph[name]; ok && !slices.Contains(graph[r.LogicalID], name) {
				graph[r.LogicalID] = append(graph[r.LogicalID], name)
			}
		}
	}
	if circle := Circle(graph); circle != nil {
		return nil, errorf("Circular dependency between resources: [%s]", strings.Join(circle, ", "))
	}
	return graph, nil
}

// Circle returns the names of a graph that wait for one another (or for such),
// sorted; nil when there are none.
func Circle(graph map[string][]string) []string {
	waiting := map[string]int{}     // name -> how many it waits for
	needed := map[string][]string{} // name -> who waits for it
	var ready []string
	for name, waits := range graph {
		if waiting[name] = len(waits); len(waits) == 0 {
			ready = append(ready, name)
		}
		for _, w := range waits {
			needed[w] = append(needed[w], name)
		}
	}
	for len(ready) > 0 {
		name := ready[0]
		ready = ready[1:]
		delete(waiting, name)
		for _, next := range needed[name] {
			if waiting[next]--; waiting[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	var circle []string
	for name := range waiting {
		circle = append(circle, name)
	}
	slices.Sort(circle)
	return circle
}
