package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// unreached is the failure of a request that did not arrive: the network tells
// why, if it can.
func (a *Agent) unreached(ctx context.Context, t *state.Task, phase decision.Phase, reason string, err error) *failure {
	d := decision.Decision{Phase: phase, Verdict: decision.Error, Code: "net.unreachable", AWSMessage: reason, Facts: evidence(err), Confidence: decision.Observed,
		Cause: "a request of the task did not arrive: " + clean(err)}
	if timedOut(err) {
		d.Verdict = decision.Timeout
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		d.Code, d.Where = "net.dns-off", dns.Name
	}
	if host, address := target(err); a.Diagnose != nil && host != "" {
		found := a.Diagnose(ctx, t.Account, t.Region, t.Interface.ID, host, address)
		if found.Code != "" {
			d.Code, d.Cause, d.Where, d.Resource, d.Fix = found.Code, found.Cause, found.Where, found.Resource, found.Fix
			d.Facts = append(d.Facts, found.Facts...)
		}
	}
	return &failure{reason: reason, decision: d}
}

// target is the host that a failed request was for, and the address that was tried.
func target(err error) (host, address string) {
	var where *url.Error
	if errors.As(err, &where) {
		if u, bad := url.Parse(where.URL); bad == nil {
			host = u.Host
			if u.Port() == "" {
				host = net.JoinHostPort(u.Hostname(), "443")
			}
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		address = op.Addr.String()
	}
	return host, address
}

// denied is the failure of a request that the service refused.
func denied(phase decision.Phase, code, where, reason string, e *apiError) *failure {
	return &failure{reason: reason, decision: decision.Decision{
		Phase: phase, Verdict: decision.Deny, Code: code, Where: where, AWSMessage: reason, Confidence: decision.Observed, Cause: e.Message,
		Facts: []decision.Fact{{Name: "operation", Value: e.Operation}, {Name: "error", Value: e.Code}, {Name: "request id", Value: e.RequestID}},
	}}
}

// managed are the operations that AWS's managed policy for execution roles allows.
var managed = map[string]bool{"GetAuthorizationToken": true, "BatchCheckLayerAvailability": true, "GetDownloadUrlForLayer": true, "BatchGetImage": true, "CreateLogStream": true, "PutLogEvents": true}

// attachManaged is the fix for an execution role that may not do what every
// task needs. Other permissions are for IAM's own explanation to name.
func attachManaged(code, operation, roleARN string) []decision.Fix {
	if !managed[operation] || !strings.HasPrefix(code, "iam.exec-") {
		return nil
	}
	policy := "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
	role := roleARN[strings.LastIndex(roleARN, "/")+1:]
	return []decision.Fix{
		{Lang: "cloudformation", Target: "the execution role " + role, Text: "ManagedPolicyArns: [" + policy + "]"},
		{Lang: "terraform", Text: fmt.Sprintf("resource \"aws_iam_role_policy_attachment\" \"execution\" {\n  role       = %q\n  policy_arn = %q\n}", role, policy)},
		{Lang: "cli", Text: "aws iam attach-role-policy --role-name " + role + " --policy-arn " + policy},
	}
}

// slug chooses the slug of a refusal: permission for AccessDenied, else otherwise.
func slug(e *apiError, permission, otherwise string) string {
	if e.Code == "AccessDeniedException" || e.Code == "AccessDenied" {
		return permission
	}
	return otherwise
}
