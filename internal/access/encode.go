package access

import (
	"encoding/base64"
	"encoding/json"

	"github.com/neargate/neargate/internal/iam/policy"
)

const messagePurpose = "authorization message"

// failure is the content of an encoded authorization failure message, in the
// form that sts:DecodeAuthorizationMessage documents.
type failure struct {
	Allowed           bool           `json:"allowed"`
	ExplicitDeny      bool           `json:"explicitDeny"`
	MatchedStatements items          `json:"matchedStatements"`
	Failures          items          `json:"failures"`
	Context           failureContext `json:"context"`
}

type items struct {
	Items []any `json:"items"`
}

type failureContext struct {
	Principal struct {
		ID  string `json:"id"`
		ARN string `json:"arn"`
	} `json:"principal"`
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	Conditions items  `json:"conditions"`
}

// encode seals why a request was denied.
func (a *Authorizer) encode(q *question, r policy.Result) string {
	f := failure{ExplicitDeny: r.Explicit, MatchedStatements: items{[]any{}}, Failures: items{[]any{}}}
	f.Context.Principal.ID, f.Context.Principal.ARN = q.id.UserID, q.id.ARN
	f.Context.Action, f.Context.Resource = q.req.Action, q.req.Resource
	f.Context.Conditions.Items = []any{}
	for key, values := range q.ctx.given {
		f.Context.Conditions.Items = append(f.Context.Conditions.Items, map[string]any{"key": key, "values": values})
	}
	if r.Match.Found() {
		f.MatchedStatements.Items = append(f.MatchedStatements.Items, map[string]any{
			"statementId": r.Match.Statement.SID, "effect": "DENY", "sourcePolicyId": r.Match.Policy,
		})
	}
	b, err := json.Marshal(f)
	if err != nil {
		return "" // strings only: cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(a.seal.Seal(b, messagePurpose))
}

// DecodeMessage opens an encoded authorization failure message. ok is false
// when it is not one of ours.
func (a *Authorizer) DecodeMessage(encoded string) (message string, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	b, err := a.seal.Open(sealed, messagePurpose)
	return string(b), err == nil
}
