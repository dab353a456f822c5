package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// remedy is the change of a policy that would let the request pass: the statement
// that is missing, or the policy without the one that denies.
func (a *Authorizer) remedy(q *question, r policy.Result) []decision.Fix {
	switch {
	case r.Explicit:
		return a.without(q, r)
	case r.By == policy.ByIdentity:
		return a.grant(q)
	case r.By == policy.ByBoundary, r.By == policy.ByEndpoint, r.By == policy.ByResource && !assumes(q.req.Action):
		name := where(q, r)
		document := a.text(q, r.By, name)
		if document == "" && r.By != policy.ByResource {
			return nil // AWS's own, which nobody changes
		}
		s := statement(q)
		if r.By != policy.ByBoundary {
			s["Principal"] = principal(q, r.By)
		}
		return a.put(q, r.By, name, append(statements(document), s))
	}
	return nil
}

// statement is the one that is missing.
func statement(q *question) map[string]any {
	return map[string]any{"Effect": "Allow", "Action": q.req.Action, "Resource": lasting(q.req.Resource)}
}

// lasting is a resource without what is another one in the next task: each has a
// log stream of its own.
func lasting(resource string) string {
	if group, _, ok := strings.Cut(resource, ":log-stream:"); ok {
		return group + ":log-stream:*"
	}
	if bucket, _, ok := strings.Cut(resource, "-starport-layer-bucket/"); ok { // each image has layers of its own
		return bucket + "-starport-layer-bucket/*"
	}
	return resource
}

func principal(q *question, by policy.By) any {
	if by == policy.ByEndpoint {
		return "*" // an endpoint is the VPC's own; who may what is for the caller's policies to say
	}
	return map[string]any{"AWS": identityOf(q.id)}
}

// identityOf is the ARN of the role or user behind the caller.
func identityOf(id *caller.Identity) string {
	if id.RoleARN != "" {
		return id.RoleARN
	}
	return id.ARN
}

// grant gives the caller the statement that is missing, beside what it has under
// the same policy name from an earlier grant.
func (a *Authorizer) grant(q *question) []decision.Fix {
	arn := identityOf(q.id)
	kind, name := "user", lastSegment(arn)
	if q.id.RoleARN != "" {
		kind = "role"
	}
	policyName := "Allow" + strings.ReplaceAll(q.req.Action, ":", "-")
	s := statement(q)
	document := write(append(statements(a.inline(q, policyName)), s))
	one := fmt.Sprintf("Effect: Allow, Action: %s, Resource: '%s'", q.req.Action, lasting(q.req.Resource))
	return []decision.Fix{
		{Lang: "cloudformation", Target: "Properties of the " + kind + " " + name, Text: "Policies:\n  - PolicyName: " + policyName + "\n    PolicyDocument:\n      Version: '2012-10-17'\n      Statement: [{ " + one + " }]"},
		{Lang: "terraform", Text: fmt.Sprintf("resource \"aws_iam_%s_policy\" %q {\n  name   = %q\n  %s   = %q\n  policy = jsonencode({\n    Version   = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = %q, Resource = %q }]\n  })\n}",
			kind, strings.ToLower(strings.ReplaceAll(policyName, "-", "_")), policyName, kind, name, q.req.Action, lasting(q.req.Resource))},
		{Lang: "cli", Text: fmt.Sprintf("aws iam put-%s-policy --%s-name %s --policy-name %s --policy-document %s", kind, kind, name, policyName, quote(document))},
	}
}

// without is the policy that denies, without the statement that does.
func (a *Authorizer) without(q *question, r policy.Result) []decision.Fix {
	all := statements(a.text(q, r.By, r.Match.Policy))
	at := r.Match.Statement.Index
	if at >= len(all) {
		return nil
	}
	return a.put(q, r.By, r.Match.Policy, slices.Delete(all, at, at+1))
}

// put is the command that gives a policy new statements; none takes it away.
func (a *Authorizer) put(q *question, by policy.By, name string, all []map[string]any) []decision.Fix {
	document := quote(write(all))
	command := ""
	switch {
	case by == policy.ByEndpoint && len(all) == 0:
		command = "aws ec2 modify-vpc-endpoint --reset-policy --vpc-endpoint-id " + name
	case by == policy.ByEndpoint:
		command = "aws ec2 modify-vpc-endpoint --vpc-endpoint-id " + name + " --policy-document " + document
	case by == policy.ByResource:
		command = resourceCommand(q, all, document)
	case by == policy.BySession || strings.HasPrefix(name, "arn:aws:iam::aws:"):
		return nil
	case strings.HasPrefix(name, "arn:"):
		if len(all) == 0 {
			return nil // a policy has a statement: it is to be detached, by whom it belongs to
		}
		command = "aws iam create-policy-version --set-as-default --policy-arn " + name + " --policy-document " + document
	default:
		command = inlineCommand(name, all, document)
	}
	if command == "" {
		return nil
	}
	return []decision.Fix{
		{Lang: "cloudformation", Target: "the policy " + name, Text: "Statement: " + string(marshal(all))},
		{Lang: "terraform", Target: "the policy " + name, Text: "policy = jsonencode(" + write(all) + ")"},
		{Lang: "cli", Text: command},
	}
}

// inlineCommand changes an inline policy by the name that sources have: "role/x
// inline policy p".
func inlineCommand(name string, all []map[string]any, document string) string {
	owner, inline, ok := strings.Cut(name, " inline policy ")
	kind, whose, ok2 := strings.Cut(owner, "/")
	if !ok || !ok2 {
		return ""
	}
	target := fmt.Sprintf("-policy --%s-name %s --policy-name %s", kind, whose, inline)
	if len(all) == 0 {
		return "aws iam delete-" + kind + target
	}
	return "aws iam put-" + kind + target + " --policy-document " + document
}

// resourceCommand changes the policy of the resource that was asked for.
func resourceCommand(q *question, all []map[string]any, document string) string {
	resource := q.req.Resource
	switch serviceOf(q.req.Action) {
	case "s3":
		bucket, _, _ := strings.Cut(strings.TrimPrefix(resource, "arn:aws:s3:::"), "/")
		if len(all) == 0 {
			return "aws s3api delete-bucket-policy --bucket " + bucket
		}
		return "aws s3api put-bucket-policy --bucket " + bucket + " --policy " + document
	case "secretsmanager":
		if len(all) == 0 {
			return "aws secretsmanager delete-resource-policy --secret-id " + resource
		}
		return "aws secretsmanager put-resource-policy --secret-id " + resource + " --resource-policy " + document
	case "ecr":
		if len(all) == 0 {
			return "aws ecr delete-repository-policy --repository-name " + lastOf(resource, ":repository/")
		}
		for _, s := range all {
			delete(s, "Resource") // which policies of repositories do not have
		}
		return "aws ecr set-repository-policy --repository-name " + lastOf(resource, ":repository/") + " --policy-text " + quote(write(all))
	}
	return ""
}

func lastOf(s, after string) string {
	_, last, _ := strings.Cut(s, after)
	return last
}

// text is the document of a policy by the name that its source has.
func (a *Authorizer) text(q *question, by policy.By, name string) string {
	tx := a.db.Read()
	switch {
	case by == policy.ByEndpoint:
		for e := range state.VpcEndpoints.By(tx, "bare-id", name) {
			return e.PolicyDocument
		}
	case by == policy.ByResource:
		return q.document
	case strings.HasPrefix(name, "arn:aws:iam::aws:"):
		return ""
	case strings.HasPrefix(name, "arn:"):
		text, _ := documentOf(tx, name)
		return text
	}
	_, inline, _ := strings.Cut(name, " inline policy ")
	return a.inline(q, inline)
}

// inline is the text of an inline policy of the caller, "" for none.
func (a *Authorizer) inline(q *question, name string) string {
	tx := a.db.Read()
	var has state.PrincipalPolicies
	if role, ok := RoleOf(tx, q.id.RoleARN); ok {
		has = role.PrincipalPolicies
	} else if user, ok := userOf(tx, q.id.ARN); ok {
		has = user.PrincipalPolicies
	}
	for _, p := range has.Inline {
		if p.Name == name {
			return p.Document
		}
	}
	return ""
}

// statements reads a document's statements, whether it has one or a list.
func statements(document string) []map[string]any {
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &d) != nil {
		return nil
	}
	var all []map[string]any
	if json.Unmarshal(d.Statement, &all) == nil {
		return all
	}
	var one map[string]any
	if json.Unmarshal(d.Statement, &one) == nil && one != nil {
		return []map[string]any{one}
	}
	return nil
}

// write is a document with these statements.
func write(all []map[string]any) string {
	return `{"Version":"2012-10-17","Statement":` + string(marshal(all)) + `}`
}

func marshal(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return []byte(strings.TrimSpace(b.String()))
}

// quote is a text as one word of a shell's command line.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
