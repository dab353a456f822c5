package access

import (
	"context"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/policy"
)

// queryServices answer in XML with the code AccessDenied and status 403, as all
// of the query and rest-xml protocols but EC2.
var queryServices = map[string]bool{
	"iam": true, "sts": true, "cloudformation": true, "elasticloadbalancing": true, "sns": true, "rds": true, "autoscaling": true,
	"elasticache": true, "cloudwatch": true, "cloudfront": true, "route53": true, "s3": true,
}

// restJSONServices answer with status 403 where json services have 400.
var restJSONServices = map[string]bool{"lambda": true, "scheduler": true, "batch": true, "elasticfilesystem": true, "xray": true, "eks": true}

// denied words the denial and records it.
func (a *Authorizer) denied(ctx context.Context, q *question, r policy.Result) error {
	a.keys.uses.note(q, r, a.keys.now())
	message := denialText(q, r)
	lines := policy.Explain(&q.req, &q.set)
	err := a.denialError(q, r, message)
	d := denial(q, r, lines, err.ErrorMessage())
	d.Fix = a.remedy(q, r)
	a.otherRole(q, &d)
	a.decisions.Record(ctx, d)
	return err
}

// denialText is AWS's sentence.
func denialText(q *question, r policy.Result) string {
	action, resource := q.req.Action, q.req.Resource
	if serviceOf(action) == "s3" {
		resource = `"` + resource + `"`
	}
	arn := q.id.ARN
	if arn == "" {
		arn = "anonymous"
	}
	if action == "sts:AssumeRoleWithWebIdentity" {
		return "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	}
	text := "User: " + arn + " is not authorized to perform: " + action + " on resource: " + resource
	if assumes(action) && !r.Explicit {
		return text // AWS does not tell strangers what a trust policy lacks
	}
	return text + " " + r.Because(action)
}

func (a *Authorizer) denialError(q *question, r policy.Result, message string) wire.Error {
	service := serviceOf(q.req.Action)
	switch {
	case service == "s3" && (q.id.Type == caller.Anonymous || q.req.ResourceAccount != q.id.Account):
		return wire.NewError("AccessDenied", 403, "Access Denied")
	case service == "ec2":
		return wire.NewError("UnauthorizedOperation", 403, "%s", "You are not authorized to perform this operation. "+message+". Encoded authorization failure message: "+a.encode(q, r))
	case queryServices[service] && q.req.Action != "iam:PassRole": // which is asked by ECS and its like, in JSON
		return wire.NewError("AccessDenied", 403, "%s", message)
	case restJSONServices[service]:
		return wire.NewError("AccessDeniedException", 403, "%s", message)
	}
	return wire.NewError("AccessDeniedException", 400, "%s", message)
}

func noRule(operation string) error {
	return wire.NewError("AccessDenied", 403, "The operation %s has no entry in its service's authorization table, so nobody may call it", operation)
}

// denialCode is the slug under which `neargate why` knows the denial.
func denialCode(q *question, r policy.Result) string {
	switch {
	case r.Explicit:
		return "iam.explicit-deny"
	case assumes(q.req.Action) && r.By == policy.ByResource:
		return "iam.trust"
	case r.By == policy.ByIdentity && q.req.Action == "iam:PassRole":
		return "iam.passrole"
	}
	return map[policy.By]string{
		policy.ByIdentity: "iam.not-allowed", policy.ByBoundary: "iam.boundary", policy.BySession: "iam.session-policy",
		policy.ByResource: "iam.resource-policy", policy.ByEndpoint: "iam.endpoint-policy",
	}[r.By]
}

func denial(q *question, r policy.Result, lines []policy.Line, message string) decision.Decision {
	d := decision.Decision{
		Account: q.id.Account, Region: q.id.Region, Phase: decision.IAM, Verdict: decision.Deny, Confidence: decision.Observed,
		Subjects: subjects(q), Code: denialCode(q, r), AWSMessage: message, Facts: facts(q),
		Cause: who(q.id) + " may not " + q.req.Action + " on " + q.req.Resource + ": " + strings.TrimPrefix(r.Because(q.req.Action), "because "),
		Where: where(q, r), Resource: changed(q, r),
	}
	if r.Match.Found() {
		d.Where = decidedBy(r.Match)
		d.Facts = append(d.Facts, decision.Fact{Name: "decided by", Value: d.Where})
	}
	for _, l := range lines {
		d.Facts = append(d.Facts, decision.Fact{Name: "statement", Value: l.String()})
	}
	return d
}

// changed is the resource whose policy would have to change.
func changed(q *question, r policy.Result) string {
	switch r.By {
	case policy.ByEndpoint:
		return q.set.Endpoint.Name
	case policy.ByResource:
		return q.req.Resource
	}
	return identityOf(q.id)
}

// decidedBy names a statement: its policy, its Sid or number, its line.
func decidedBy(m policy.Match) string {
	sid := m.Statement.SID
	if sid == "" {
		sid = strconv.Itoa(m.Statement.Index + 1)
	}
	return m.Policy + " statement " + sid + " (line " + strconv.Itoa(m.Statement.Line) + ")"
}

func who(id *caller.Identity) string {
	switch id.Type {
	case caller.AssumedRole:
		return "role " + lastSegment(id.RoleARN)
	case caller.User:
		return "user " + lastSegment(id.ARN)
	case caller.Anonymous:
		return "an anonymous caller"
	}
	return id.ARN
}

func subjects(q *question) []string {
	var out []string
	for _, s := range []string{q.id.ARN, q.id.RoleARN, q.id.SessionName, q.id.RequestID, q.req.Resource} {
		if s != "" && s != "*" {
			out = append(out, s)
		}
	}
	return out
}

func facts(q *question) []decision.Fact {
	f := []decision.Fact{{Name: "principal", Value: q.id.ARN}, {Name: "action", Value: q.req.Action}, {Name: "resource", Value: q.req.Resource}}
	if q.id.SourceVPCE != "" {
		f = append(f, decision.Fact{Name: "endpoint", Value: q.id.SourceVPCE})
	}
	return f
}

// where is the policy that decided, or the principal or resource that lacks one.
func where(q *question, r policy.Result) string {
	switch {
	case r.Match.Found():
		return r.Match.Policy
	case r.By == policy.ByResource:
		return q.req.Resource
	case r.By == policy.ByBoundary:
		return q.set.Boundary.Name
	case r.By == policy.ByEndpoint:
		return q.set.Endpoint.Name
	case q.id.RoleARN != "":
		return q.id.RoleARN
	}
	return q.id.ARN
}

// allowed records what a user or role was allowed. Root users and services,
// whom nothing identity-based restrains, are not worth a line.
func (a *Authorizer) allowed(ctx context.Context, q *question, r policy.Result) {
	if q.id.Type != caller.AssumedRole && q.id.Type != caller.User {
		return
	}
	a.keys.uses.note(q, r, a.keys.now())
	d := decision.Decision{
		Account: q.id.Account, Region: q.id.Region, Phase: decision.IAM, Verdict: decision.Allow, Confidence: decision.Observed,
		Subjects: subjects(q), Facts: facts(q), Where: r.Match.Policy,
	}
	if r.Match.Found() {
		d.Facts = append(d.Facts, decision.Fact{Name: "decided by", Value: decidedBy(r.Match)})
	}
	a.decisions.Record(ctx, d)
}
