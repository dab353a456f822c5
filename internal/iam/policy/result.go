package policy

// By is the kind of policy that decided.
type By int

// The kinds of policies.
const (
	ByIdentity By = iota
	ByResource
	ByBoundary
	BySession
	ByEndpoint
)

// String is AWS's name of the kind in denial messages, without article.
func (b By) String() string {
	return [...]string{"identity-based policy", "resource-based policy", "permissions boundary", "session policy", "VPC endpoint policy"}[b]
}

// Match is a statement that decided.
type Match struct {
	Policy    string // Source.Name
	Statement *Statement
}

// Found reports whether there is a statement.
func (m Match) Found() bool { return m.Statement != nil }

// Result is the verdict on a request.
type Result struct {
	Allowed  bool
	Explicit bool  // denied by a Deny statement
	By       By    // what decided: what allowed, what denied, or what should have allowed
	Match    Match // the deciding statement; not found for an implicit deny
}

// Because is the reason in AWS's words, as it ends a denial message: "with an
// explicit deny in an identity-based policy" or "because no identity-based
// policy allows the s3:GetObject action".
func (r Result) Because(action string) string {
	if r.Explicit {
		article := "a "
		if r.By == ByIdentity {
			article = "an "
		}
		return "with an explicit deny in " + article + r.By.String()
	}
	return "because no " + r.By.String() + " allows the " + action + " action"
}
