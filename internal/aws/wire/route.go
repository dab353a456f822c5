package wire

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Detect returns the family of protocols that a request speaks by its outer
// signs; RESTJSON stands for "none of the others": a REST request, of which
// only the service knows the body's format.
func Detect(r *http.Request) Protocol {
	contentType := mediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return RPCv2
	case r.Header.Get("X-Amz-Target") != "" && contentType == "application/x-amz-json-1.0":
		return JSON10
	case r.Header.Get("X-Amz-Target") != "":
		return JSON11
	case contentType == "application/x-www-form-urlencoded" && r.Method == http.MethodPost,
		r.URL.RawQuery != "" && r.URL.Query().Has("Action"):
		return Query
	}
	return RESTJSON
}

// mediaType is the content type without parameters, in lower case.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// Route finds the operation that a request calls. form holds the parameters of
// a query request (body and query string together). Errors are AWS's, ready to
// be encoded in the returned protocol: an operation that we do not carry out is
// refused by its name.
func (s *Service) Route(r *http.Request, form url.Values) (*Operation, Protocol, error) {
	protocol := Detect(r)
	switch {
	case protocol == RPCv2 && s.speaks(RPCv2):
		return s.named(RPCv2, rpcOperation(r.URL.Path))
	case protocol == JSON10 || protocol == JSON11:
		prefix, name, _ := cutLast(r.Header.Get("X-Amz-Target"), '.')
		if prefix != s.TargetPrefix {
			return nil, protocol, NewError("UnknownOperationException", 400, "The target %s is not one of %s", r.Header.Get("X-Amz-Target"), s.FullName)
		}
		return s.named(protocol, name)
	case s.speaks(Query):
		return s.action(Query, form)
	case s.speaks(EC2Query):
		return s.action(EC2Query, form)
	case s.speaks(RESTXML):
		return s.rest(RESTXML, r)
	case s.speaks(RESTJSON):
		return s.rest(RESTJSON, r)
	}
	return nil, s.Protocols[0], NewError("UnknownOperationException", 400, "The request names no operation of %s", s.FullName)
}

func (s *Service) speaks(p Protocol) bool { return slices.Contains(s.Protocols, p) }

// named looks up an operation of the json and rpcv2 protocols.
func (s *Service) named(p Protocol, name string) (*Operation, Protocol, error) {
	if op := s.Operations[name]; op != nil {
		return op, p, nil
	}
	if s.knows(name) {
		return nil, p, NewError("UnknownOperationException", 400, "%s %s is not carried out by Neargate yet", s.ID, name)
	}
	return nil, p, NewError("UnknownOperationException", 400, "%s has no operation %q", s.ID, name)
}

func (s *Service) knows(name string) bool {
	_, ok := slices.BinarySearch(s.Known, name)
	return ok
}

func (s *Service) action(p Protocol, form url.Values) (*Operation, Protocol, error) {
	name, version := form.Get("Action"), form.Get("Version")
	switch {
	case name == "":
		return nil, p, NewError("MissingAction", 400, "The request must contain the parameter Action")
	case s.Operations[name] != nil:
		return s.Operations[name], p, nil
	case s.knows(name):
		return nil, p, NewError("InvalidAction", 400, "The action %s is not carried out by Neargate yet.", name)
	case p == EC2Query:
		return nil, p, NewError("InvalidAction", 400, "The action %s is not valid for this web service.", name)
	}
	return nil, p, NewError("InvalidAction", 400, "Could not find operation %s for version %s", name, first(version, "NO_VERSION_SPECIFIED"))
}

// rpcOperation takes the operation out of /service/NAME/operation/OPERATION.
func rpcOperation(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if n := len(parts); n >= 4 && parts[n-4] == "service" && parts[n-2] == "operation" {
		return parts[n-1]
	}
	return ""
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// routeTable is the REST routing table of a service, built on first use.
type routeTable struct {
	once sync.Once
	list []route
}

type route struct {
	name            string
	op              *Operation // nil: refused by name
	method          string
	path            pathTemplate
	query           []queryLiteral
	required, heads []string
}

type queryLiteral struct{ key, value string }

func (s *Service) rest(p Protocol, r *http.Request) (*Operation, Protocol, error) {
	s.routes.once.Do(s.buildRoutes)
	query := r.URL.Query()
	parts := splitPath(r.URL.EscapedPath())
	var best *route
	score := -1
	for i := range s.routes.list {
		c := &s.routes.list[i]
		if c.method != r.Method {
			continue
		}
		// Of refused twins the later name is the newer (GetBucketLifecycleConfiguration).
		if n := c.score(r, parts, query); n > score || n == score && n >= 0 && best.op == nil {
			best, score = c, n
		}
	}
	switch {
	case best == nil && p == RESTXML:
		return nil, p, NewError("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
	case best == nil:
		return nil, p, NewError("UnknownOperationException", 404, "%s has no operation at %s %s", s.ID, r.Method, r.URL.Path)
	case best.op == nil && p == RESTXML:
		return nil, p, NewError("NotImplemented", 501, "A header you provided implies functionality that is not implemented: %s %s is not carried out by Neargate yet", s.ID, best.name)
	case best.op == nil:
		return nil, p, NewError("UnknownOperationException", 404, "%s %s is not carried out by Neargate yet", s.ID, best.name)
	}
	return best.op, p, nil
}

// score is -1 when the route does not fit, else higher the more it asks for.
func (c *route) score(r *http.Request, parts []string, query url.Values) int {
	score := 0
	for _, q := range c.query {
		if values, ok := query[q.key]; !ok || q.value != "" && !slices.Contains(values, q.value) {
			return -1
		}
		score += 10
	}
	for _, q := range c.required {
		if !query.Has(q) {
			return -1
		}
		score += 10
	}
	for _, h := range c.heads {
		if r.Header.Get(h) == "" {
			return -1
		}
		score++
	}
	literals, ok := c.path.match(parts, nil)
	if !ok {
		return -1
	}
	return score + 100*literals
}

func (s *Service) buildRoutes() {
	for name, op := range s.Operations {
		query, headers := op.required()
		s.routes.list = append(s.routes.list, newRoute(Binding{name, op.Method, op.URI, query, headers}, op))
	}
	for _, b := range s.Refused {
		s.routes.list = append(s.routes.list, newRoute(b, nil))
	}
	slices.SortFunc(s.routes.list, func(a, b route) int { return strings.Compare(a.name, b.name) })
}

func newRoute(b Binding, op *Operation) route {
	path, query, _ := strings.Cut(b.URI, "?")
	c := route{name: b.Name, op: op, method: b.Method, path: parsePath(path), required: b.Query, heads: b.Headers}
	for part := range strings.SplitSeq(query, "&") {
		if part != "" {
			key, value, _ := strings.Cut(part, "=")
			c.query = append(c.query, queryLiteral{key, value})
		}
	}
	return c
}

// required lists the query parameters and headers that a request must have to be this operation.
func (op *Operation) required() (query, headers []string) {
	for _, f := range op.inputPlan().fields {
		switch {
		case !f.required:
		case f.in == "querystring":
			query = append(query, f.wire)
		case f.in == "header":
			headers = append(headers, f.wire)
		}
	}
	return query, headers
}

func (op *Operation) inputPlan() *structPlan {
	return planOf(reflect.TypeOf(op.NewInput()).Elem())
}
