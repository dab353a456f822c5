// Package spelling guesses which name a misspelt one was meant to be.
package spelling

import "strings"

// maxName is how long a name may be to be compared.
const maxName = 80

// Closest returns the name that differs least from a word, "" when none is near.
func Closest(word string, names []string) string {
	best, least := "", min(3, len(word)/3+1)
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters must be changed, added or removed.
func distance(a, b string) int {
	if len(a) > maxName || len(b) > maxName {
		return maxName
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
