package rule

import "strings"

// Total is the sum of weights; a single target group needs none.
func (f *ForwardTo) Total() int {
	if len(f.Groups) == 1 {
		return 1
	}
	total := 0
	for _, g := range f.Groups {
		total += g.Weight
	}
	return total
}

// Pick returns the target group in whose share n lies; n is at least 0 and less
// than Total. No group has a share when all weights are zero: "".
func (f *ForwardTo) Pick(n int) string {
	for _, g := range f.Groups {
		if n < g.Weight || len(f.Groups) == 1 {
			return g.Group
		}
		n -= g.Weight
	}
	return ""
}

// Origin is what placeholders of redirects stand for.
type Origin struct {
	Protocol string // http, https
	Host     string // without port
	Port     string // of the listener
	Path     string // with its leading slash
	Query    string
}

// Location returns the value of the Location header of a redirect.
func (r *RedirectTo) Location(o Origin) string {
	replace := strings.NewReplacer("#{protocol}", o.Protocol, "#{host}", o.Host, "#{port}", o.Port,
		"#{path}", strings.TrimPrefix(o.Path, "/"), "#{query}", o.Query).Replace
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return replace(s)
	}
	location := strings.ToLower(or(r.Protocol, o.Protocol)) + "://" + or(r.Host, o.Host) + ":" + or(r.Port, o.Port) + or(r.Path, o.Path)
	if query := or(r.Query, o.Query); query != "" {
		location += "?" + query
	}
	return location
}
