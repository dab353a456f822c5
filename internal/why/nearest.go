package why

import (
	"cmp"
	"slices"
)

// nearest sorts names by how much they are like the one that was meant, and
// leaves those out that are not like it at all.
func nearest(name string, all []string) []string {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(name, a), distance(name, b)), cmp.Compare(a, b))
	})
	return out
}

// alike reports whether one name may be a slip of the other.
func alike(a, b string) bool { return distance(a, b) <= max(2, len(a)/3) }

// distance is how many letters must be put in, taken out or changed to make one
// name of the other (Levenshtein). Names are short: registries bound them.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
