package policy

import "fmt"

// Kind says where a document is used, which decides what it may and must contain.
type Kind int

// The kinds of documents.
const (
	Managed  Kind = iota // identity policy in a policy of its own: Version 2012-10-17
	Inline               // identity policy embedded in a user or role, or a session policy
	Trust                // who may assume a role: Principal, no Resource
	Resource             // attached to a resource or a VPC endpoint: Principal and Resource
)

// Document is a compiled policy document. It is immutable.
type Document struct {
	Version    string // 2012-10-17 or 2008-10-17 (the default)
	ID         string
	Statements []Statement
}

// Statement is a compiled statement.
type Statement struct {
	SID   string
	Index int // position in the document, from 0
	Line  int // line of the document's text, from 1
	Start Position
	End   Position // behind it
	Deny  bool

	actions      actions
	notAction    bool
	resources    patterns // empty in trust policies: the role itself
	notResource  bool
	principals   []principal
	notPrincipal bool
	conditions   []condition
}

// Position is a place in a document's text: line and column count from 1, the
// column in bytes.
type Position struct{ Line, Column int }

// Error is why a document is malformed. Message is IAM's text; services that
// word it differently (S3) look at Reason.
type Error struct {
	Reason  Reason
	Message string
}

func (e *Error) Error() string { return e.Message }

// Reason classifies an Error.
type Reason int

// The reasons.
const (
	InvalidJSON Reason = iota + 1
	Syntax
	BadVersion
	BadAction
	BadResource
	BadPrincipal
	BadCondition
	MissingField
	ProhibitedField
	BadSID
	TooLarge
)

func malformed(r Reason, format string, args ...any) *Error {
	return &Error{r, fmt.Sprintf(format, args...)}
}

// MaxSize is the longest document that Parse reads, in bytes. Each kind's own
// limit is its service's business.
const MaxSize = 128 << 10

// Principals lists the principals that the document names, without duplicates
// in their order: kind ("AWS", "Service", "Federated", "CanonicalUser") and value.
func (d *Document) Principals() [][2]string {
	var out [][2]string
	seen := map[[2]string]bool{}
	for i := range d.Statements {
		for _, p := range d.Statements[i].principals {
			if k := [2]string{p.kind, p.value}; !seen[k] {
				seen[k] = true
				out = append(out, k)
			}
		}
	}
	return out
}
