package state

import "slices"

// Tag is a key and a value that a user put on a resource.
type Tag struct {
	Key   string
	Value string
}

// WithTags returns a new list: the tags with more put over them, those that are
// new behind the others.
func WithTags(tags, more []Tag) []Tag {
	out := slices.Clone(tags)
	for _, t := range more {
		if i := slices.IndexFunc(out, func(have Tag) bool { return have.Key == t.Key }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

// WithoutTags returns a new list: the tags but for those with the keys.
func WithoutTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}

// TagMap is the tags by key.
func TagMap(tags []Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}
