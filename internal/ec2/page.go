package ec2

import (
	"cmp"
	"encoding/base64"
	"iter"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The bounds of MaxResults.
const (
	minPage = 5
	maxPage = 1000
)

// query is what the Describe operations have in common.
type query struct {
	ids     []string
	idsName string // name of the ids' parameter in messages
	filters []ec2api.Filter
	max     *int32
	token   string
}

// resource says how a kind of record is listed.
type resource[T any] struct {
	table  *store.Table[T]
	kind   kind
	id     func(*T) string
	tags   func(*T) []state.Tag
	fields fields[T]
	least  int // smallest MaxResults; 0 for minPage
}

// list returns the page of records that a query asks for, in the order of their
// ids, and the token of the next page.
func list[T any](q *scope, r resource[T], ask query) ([]*T, string, error) {
	all := r.table.All(q.tx, q.prefix())
	if len(ask.ids) > 0 {
		named, err := find(q, r, ask.ids)
		if err != nil {
			return nil, "", err
		}
		all = slices.Values(named)
	}
	return page(q, all, r, ask)
}

// find returns the records with the given ids, each once.
func find[T any](q *scope, r resource[T], ids []string) ([]*T, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var named []*T
	for _, id := range slices.Compact(ids) {
		rec, ok := r.table.Get(q.tx, q.key(id))
		if !ok {
			return nil, r.kind.notFound(id)
		}
		named = append(named, rec)
	}
	return named, nil
}

// page filters records, which come in the order of their ids, and cuts a page.
func page[T any](q *scope, all iter.Seq[*T], r resource[T], ask query) ([]*T, string, error) {
	match, err := newMatcher(q, r.fields, r.tags, ask.filters)
	if err != nil {
		return nil, "", err
	}
	size, after, err := ask.bounds(cmp.Or(r.least, minPage))
	if err != nil {
		return nil, "", err
	}
	var found []*T
	for rec := range all {
		if r.id(rec) <= after || !match.matches(rec) {
			continue
		}
		if len(found) == size {
			return found, encodeToken(r.id(found[size-1])), nil
		}
		found = append(found, rec)
	}
	return found, "", nil
}

// bounds are the size of the page and the id that it begins behind.
func (ask query) bounds(least int) (size int, after string, err error) {
	size = maxPage
	if ask.max != nil {
		n := int(*ask.max)
		if len(ask.ids) > 0 {
			return 0, "", errorf("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", ask.idsName)
		}
		if n < least {
			return 0, "", errorf("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", n, least)
		}
		size = min(n, maxPage)
	}
	if ask.token == "" {
		return size, "", nil
	}
	after, ok := decodeToken(ask.token)
	if !ok {
		return 0, "", errorf("InvalidNextToken", "The token '%s' is invalid.", ask.token)
	}
	return size, after, nil
}

const tokenPrefix = "ec2:"

func encodeToken(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + after))
}

func decodeToken(token string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(b), tokenPrefix)
}

// get returns the record with the given id, or the error that AWS answers.
func get[T any](q *scope, table *store.Table[T], k kind, id string) (*T, error) {
	rec, ok := table.Get(q.tx, q.key(id))
	if !ok {
		return nil, k.notFound(id)
	}
	return rec, nil
}

// each converts a list.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}
