package suggest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// many is how many resources (or values of a condition key) that begin alike are
// named one by one; more get a wildcard.
const many = 10

// patterns are the resources that an action needs, each with the requests that
// it stands for.
func (p *Policy) patterns(action string, uses []state.ResourceUse) map[string][]state.ResourceUse {
	var names, wild []string
	for _, on := range uses {
		name := named(on)
		switch {
		case on.Rest:
			p.note("%s: there were more resources than are kept; %s is what the others begin with", action, name)
			wild = append(wild, name)
			continue
		case name != literal(on.Resource):
			p.note("%s: %s has a wildcard where each task or request has another id", action, name)
		}
		names = append(names, name)
	}
	fold(names, func(start string, n int) {
		p.note("%s: %s* stands for %d resources that begin so", action, start, n)
		wild = append(wild, start+"*")
	})
	all := map[string][]state.ResourceUse{}
	for _, on := range uses {
		name := named(on)
		// The shortest wildcard that covers it; its own name when there is none.
		for _, w := range slices.Sorted(slices.Values(wild)) {
			if strings.HasPrefix(name, w[:len(w)-1]) {
				name = w
				break
			}
		}
		all[name] = append(all[name], on)
	}
	return all
}

// named is a resource as a policy names it.
func named(on state.ResourceUse) string {
	name := literal(on.Resource)
	switch {
	case on.Rest:
		return name + "*"
	case strings.HasPrefix(name, "arn:aws:kms:"):
		return name // keys have such ids, and keep them
	}
	return made.ReplaceAllString(name, "*")
}

// made are ids that are made anew each time: of tasks, and UUIDs.
var made = regexp.MustCompile(`\b([0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b`)

// literal writes an ARN that was asked for so that it means itself in a policy.
// Keys of objects can have any character; in other ARNs a * is a wildcard of the
// request itself, such as all streams of a log group.
func literal(resource string) string {
	if bucket, key, ok := strings.Cut(resource, "/"); ok && strings.HasPrefix(resource, "arn:aws:s3:::") {
		return bucket + "/" + escapes.Replace(key)
	}
	return resource
}

var escapes = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// fold replaces many texts that begin alike by that start and a wildcard, from
// the ends to the starts: of a/b/1 ... a/b/11 remains a/b/*. It tells each start
// with the number of texts.
func fold(texts []string, told func(start string, n int)) []string {
	weight := map[string]int{}
	for _, t := range texts {
		weight[t] = 1
	}
	for {
		groups := map[string][]string{}
		for t := range weight {
			if start, ok := parent(t); ok {
				groups[start] = append(groups[start], t)
			}
		}
		deepest := ""
		for start, members := range groups {
			if len(members) > many && (len(start) > len(deepest) || len(start) == len(deepest) && start < deepest) {
				deepest = start
			}
		}
		if deepest == "" {
			break
		}
		n := 0
		for _, t := range groups[deepest] {
			n += weight[t]
			delete(weight, t)
		}
		weight[deepest+"*"] = n
	}
	kept := slices.Sorted(maps.Keys(weight))
	for _, t := range kept {
		if n := weight[t]; n > 1 {
			told(strings.TrimSuffix(t, "*"), n)
		}
	}
	return kept
}

// parent is what a text begins with, up to its last separator. Of an ARN it
// tells more than a type: nothing may stand for all buckets or all roles.
func parent(t string) (string, bool) {
	t = strings.TrimRight(strings.TrimSuffix(t, "*"), "/:")
	i := strings.LastIndexAny(t, "/:")
	if i < 0 {
		return "", false
	}
	start := t[:i+1]
	if !strings.HasPrefix(t, "arn:") {
		return start, true
	}
	parts := strings.SplitN(start, ":", 6)
	if len(parts) < 6 || parts[5] == "" {
		return "", false
	}
	separators := strings.Count(parts[5], "/") + strings.Count(parts[5], ":")
	return start, separators > 1 || parts[2] == "s3"
}
