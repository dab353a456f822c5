package logs

import (
	"strconv"
	"strings"
)

// pager cuts a list into pages. A token is the name of the last item of the
// page before.
type pager struct {
	after   string
	started bool
	left    int32
	last    string
	next    string // token of the next page, "" when there is none
}

const pageSize = 50

func newPager(token string, limit *int32) *pager {
	p := &pager{after: token, started: token == "", left: pageSize}
	if limit != nil {
		p.left = *limit
	}
	return p
}

// skip reports whether an item of a list that is sorted by name belongs to an
// earlier page.
func (p *pager) skip(name string) bool { return !p.started && name <= p.after }

// take reports whether the item still fits into the page.
func (p *pager) take(name string) bool {
	if p.left == 0 {
		p.next = p.last
		return false
	}
	p.left--
	p.last = name
	return true
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func retentionSet() string {
	out := make([]string, len(retentions))
	for i, n := range retentions {
		out[i] = itoa(int64(n))
	}
	return strings.Join(out, ", ")
}
