package access

import (
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// NotAssumable is why a service may not assume a role.
type NotAssumable struct {
	RoleARN string
	Service string
	Reason  TrustReason
	// Of the condition that does not hold:
	Key    string   // for example aws:SourceAccount
	Wanted []string // values of the trust policy
	Given  []string // values of the request; nil when it has no such key
	// Statement is the SID of the statement, or its number; "" when no statement is to blame.
	Statement string
}

// TrustReason classifies a NotAssumable.
type TrustReason string

// The reasons.
const (
	RoleMissing      TrustReason = "the role does not exist"
	PrincipalMissing TrustReason = "its trust policy does not name the service"
	ConditionFails   TrustReason = "a condition of its trust policy does not hold"
	TrustDenied      TrustReason = "its trust policy denies it"
	OtherAccount     TrustReason = "it belongs to another account"
)

// Error says it for people.
func (e *NotAssumable) Error() string {
	text := fmt.Sprintf("%s cannot assume %s: %s", e.Service, e.RoleARN, e.Reason)
	if e.Key == "" {
		return text
	}
	given := "the request does not have"
	if len(e.Given) > 0 {
		given = "is " + strings.Join(e.Given, ", ")
	}
	return text + ": " + e.Key + " must be " + strings.Join(e.Wanted, " or ") + " but " + given
}

// Assumption is a service that wants to assume a role for a resource.
type Assumption struct {
	RoleARN       string
	Service       string // ecs-tasks.amazonaws.com
	SourceARN     string // aws:SourceArn; "" leaves the key out
	SourceAccount string // aws:SourceAccount; the role must belong to it
	Region        string
}

// Trust checks a role's trust policy for a service. The error is a
// *NotAssumable when the role may not be assumed.
func (a *Authorizer) Trust(as Assumption) (*state.Role, error) {
	refuse := func(reason TrustReason) error {
		return &NotAssumable{RoleARN: as.RoleARN, Service: as.Service, Reason: reason}
	}
	parsed, err := arn.Parse(as.RoleARN)
	if err != nil {
		return nil, refuse(RoleMissing)
	}
	if as.SourceAccount != "" && parsed.Account != as.SourceAccount {
		return nil, refuse(OtherAccount)
	}
	role, ok := RoleOf(a.db.Read(), as.RoleARN)
	if !ok {
		return nil, refuse(RoleMissing)
	}
	document, err := a.policies.compiled(policy.Trust, role.TrustPolicy)
	if err != nil {
		return nil, err
	}
	id := caller.ForService(as.Service, role.Account, as.Region)
	conditions := map[string][]string{}
	if as.SourceARN != "" {
		conditions["aws:sourcearn"] = []string{as.SourceARN}
	}
	if as.SourceAccount != "" {
		conditions["aws:sourceaccount"] = []string{as.SourceAccount}
	}
	ctx := newContext(&id, conditions)
	ctx.action, ctx.owner, ctx.now = "sts:AssumeRole", role.Account, time.Now().UTC()
	req := policy.Request{Principal: policy.Principal{Service: as.Service}, Action: "sts:AssumeRole", Resource: as.RoleARN, ResourceAccount: role.Account, Context: ctx}
	set := policy.Set{Resource: &policy.Source{Name: as.RoleARN, Document: document}, ResourceRequired: true}
	r := policy.Evaluate(&req, &set)
	if r.Allowed {
		return role, nil
	}
	if r.Explicit {
		return nil, refuse(TrustDenied)
	}
	return nil, whyNotTrusted(as, policy.Explain(&req, &set))
}

// whyNotTrusted picks the statement that came closest.
func whyNotTrusted(as Assumption, lines []policy.Line) *NotAssumable {
	e := &NotAssumable{RoleARN: as.RoleARN, Service: as.Service, Reason: PrincipalMissing}
	for _, l := range lines {
		if l.Outcome == policy.ConditionFails || l.Outcome == policy.VariableUndefined {
			e.Reason, e.Key, e.Wanted, e.Given = ConditionFails, l.Key, l.Wanted, l.Given
			if e.Statement = l.SID; e.Statement == "" {
				e.Statement = fmt.Sprint(l.Statement + 1)
			}
			return e
		}
	}
	return e
}

// Fix is what to paste so that the service may assume the role: for a condition
// that does not hold, the condition with the value that the request has.
func (e *NotAssumable) Fix() []decision.Fix {
	fix := decision.Fix{Lang: "cloudformation", Target: e.RoleARN}
	switch {
	case e.Reason == PrincipalMissing:
		fix.Text = "AssumeRolePolicyDocument:\n  Version: '2012-10-17'\n  Statement:\n    - Effect: Allow\n      Principal: { Service: " + e.Service + " }\n      Action: sts:AssumeRole\n"
	case e.Reason == ConditionFails && len(e.Given) > 0:
		operator := "StringEquals"
		if strings.HasPrefix(e.Given[0], "arn:") {
			operator = "ArnLike"
		}
		fix.Text = "Condition: # of statement " + e.Statement + "\n  " + operator + ":\n    " + e.Key + ": " + "'" + e.Given[0] + "'\n"
	default:
		return nil
	}
	return []decision.Fix{fix}
}
