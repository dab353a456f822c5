package policy

import (
	"slices"
	"strings"
)

const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"

	syntaxText = "Syntax errors in policy."
	legacyText = "The policy failed legacy parsing"
)

var errSyntax = &Error{Syntax, syntaxText}

// Parse reads and compiles a document. Errors are of type *Error.
func Parse(text string, kind Kind) (*Document, error) {
	if len(text) > MaxSize {
		return nil, malformed(TooLarge, "The policy is too large")
	}
	tree, err := decode(text)
	if err != nil {
		return nil, invalidJSON(err, kind)
	}
	top, ok := tree.(*object)
	if !ok {
		return nil, errSyntax
	}
	doc := &Document{Version: version2008}
	statements, err := readTop(doc, top)
	if err != nil {
		return nil, err
	}
	for i, s := range statements {
		if err := doc.add(i, s, kind); err != nil {
			return nil, err
		}
	}
	return doc, checkSIDs(doc, kind)
}

func invalidJSON(err error, kind Kind) error {
	if kind == Managed || kind == Inline || err == errDuplicate || err == errDepth {
		return &Error{InvalidJSON, syntaxText}
	}
	return &Error{InvalidJSON, "This policy contains invalid Json"}
}

// readTop reads the elements around the statements.
func readTop(doc *Document, top *object) ([]any, error) {
	for i, k := range top.keys {
		v := top.values[i]
		switch k {
		case "Version":
			if doc.Version, _ = v.(string); doc.Version != version2012 && doc.Version != version2008 {
				return nil, &Error{BadVersion, syntaxText}
			}
		case "Id":
			var ok bool
			if doc.ID, ok = v.(string); !ok {
				return nil, errSyntax
			}
		case "Statement":
		default:
			return nil, errSyntax
		}
	}
	statement, _ := top.get("Statement")
	switch s := statement.(type) {
	case *object:
		return []any{s}, nil
	case []any:
		if len(s) > 0 {
			return s, nil
		}
	}
	return nil, errSyntax
}

// add compiles one statement.
func (d *Document) add(index int, v any, kind Kind) error {
	o, ok := v.(*object)
	if !ok {
		return errSyntax
	}
	s := Statement{Index: index, Line: o.start.Line, Start: o.start, End: o.end}
	r := reader{o: o, s: &s, kind: kind, variables: d.Version == version2012}
	for _, step := range []func() error{r.elements, r.effect, r.principal, r.version(d), r.action, r.resource, r.condition} {
		if err := step(); err != nil {
			return err
		}
	}
	d.Statements = append(d.Statements, s)
	return nil
}

// reader compiles the elements of one statement.
type reader struct {
	o         *object
	s         *Statement
	kind      Kind
	variables bool
}

var elements = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

func (r *reader) elements() error {
	for _, k := range r.o.keys {
		if !slices.Contains(elements, k) {
			return errSyntax
		}
	}
	for _, k := range []string{"Principal", "Action", "Resource"} {
		_, a := r.o.get(k)
		_, b := r.o.get("Not" + k)
		if a && b {
			return errSyntax
		}
	}
	if v, ok := r.o.get("Sid"); ok {
		if r.s.SID, ok = v.(string); !ok {
			return errSyntax
		}
	}
	return nil
}

func (r *reader) effect() error {
	v, ok := r.o.get("Effect")
	if !ok && r.kind == Trust {
		return malformed(MissingField, "Missing required field Effect")
	}
	switch v {
	case "Allow":
	case "Deny":
		r.s.Deny = true
	default:
		if s, _ := v.(string); strings.EqualFold(s, "Allow") || strings.EqualFold(s, "Deny") {
			return &Error{Syntax, legacyText}
		}
		return errSyntax
	}
	return nil
}

func (r *reader) version(d *Document) func() error {
	return func() error {
		if r.kind == Managed && d.Version != version2012 {
			return malformed(BadVersion, "Policy document must be version 2012-10-17 or greater.")
		}
		return nil
	}
}

// list reads an element or its Not form.
func (r *reader) list(name string) (values []string, not, ok bool, err error) {
	v, ok := r.o.get(name)
	if !ok {
		if v, ok = r.o.get("Not" + name); !ok {
			return nil, false, false, nil
		}
		not = true
	}
	values, ok = stringsOf(v)
	if !ok {
		return nil, false, false, errSyntax
	}
	return values, not, true, nil
}

func checkSIDs(d *Document, kind Kind) error {
	seen := map[string]bool{}
	for i := range d.Statements {
		sid := d.Statements[i].SID
		if sid == "" {
			continue
		}
		if kind != Resource && strings.ContainsFunc(sid, notAlphanumeric) {
			return malformed(BadSID, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
		if seen[sid] {
			return malformed(BadSID, "Statement IDs (SID) in a single policy must be unique.")
		}
		seen[sid] = true
	}
	return nil
}

func notAlphanumeric(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
}
