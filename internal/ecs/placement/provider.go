package placement

// Provider is a line of a capacity provider strategy.
type Provider struct {
	Name         string
	Weight, Base int
}

// Providers returns the capacity provider for each of n new tasks; placed are
// the providers of the tasks that run already. The base is filled first, the rest
// goes by the ratio of weights. Without a strategy it returns nil.
func Providers(strategy []Provider, placed []string, n int) []string {
	if len(strategy) == 0 {
		return nil
	}
	have := map[string]int{}
	for _, name := range placed {
		have[name]++
	}
	out := make([]string, 0, n)
	for range n {
		name := next(strategy, have)
		have[name]++
		out = append(out, name)
	}
	return out
}

func next(strategy []Provider, have map[string]int) string {
	best := -1
	for i, p := range strategy {
		if have[p.Name] < p.Base {
			return p.Name
		}
		// Compare tasks above the base per weight, without division.
		if p.Weight > 0 && (best < 0 || (have[p.Name]-p.Base)*strategy[best].Weight < (have[strategy[best].Name]-strategy[best].Base)*p.Weight) {
			best = i
		}
	}
	if best < 0 {
		return strategy[0].Name
	}
	return strategy[best].Name
}
