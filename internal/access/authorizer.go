package access

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Authorizer decides whether callers may do what they ask for. It implements
// authorize.Checker and gateway.Checker and is safe for concurrent use once
// every service is registered.
type Authorizer struct {
	db        *store.DB
	keys      *Keys
	policies  *policies
	decisions decision.Recorder
	seal      seal.Sealer
	resources map[string]resourcePolicy // by action prefix, for Check
}

type resourcePolicy = func(ctx context.Context, resource string) (document, owner string, ok bool)

// NewAuthorizer returns an Authorizer of the principals behind keys. It
// registers with the database's OnCommit, so make it before the database is used.
func NewAuthorizer(keys *Keys, decisions decision.Recorder) *Authorizer {
	return &Authorizer{db: keys.db, keys: keys, policies: newPolicies(keys.db), decisions: decisions, seal: keys.seal, resources: map[string]resourcePolicy{}}
}

// Register tells the action prefix ("s3") of a service with resource policies,
// so that Check finds them. CheckOperation needs no registration.
func (a *Authorizer) Register(prefix string, table authorize.Service) {
	if table.ResourcePolicy != nil {
		a.resources[prefix] = table.ResourcePolicy
	}
}

// Check implements authorize.Checker.
func (a *Authorizer) Check(ctx context.Context, action, resource string, conditions map[string][]string) error {
	id := caller.From(ctx)
	return a.check(ctx, &id, action, resource, conditions, a.resources[serviceOf(action)])
}

// CheckOperation implements gateway.Checker: every rule of the operation must
// hold for each of its resources. An operation without an entry in the table is
// refused to everybody.
func (a *Authorizer) CheckOperation(ctx context.Context, table authorize.Service, operation string, in any) error {
	rules, ok := table.Rules[operation]
	if !ok {
		return noRule(operation)
	}
	if len(rules) == 0 {
		return nil
	}
	id := caller.From(ctx)
	if err := sessionMay(&id, rules[0].Action); err != nil {
		return err
	}
	for i := range rules {
		rule := &rules[i]
		if rule.Applies != nil && !rule.Applies(id, in) {
			continue
		}
		var conditions map[string][]string
		if rule.Conditions != nil {
			conditions = rule.Conditions(id, in)
		}
		var resources []string
		if rule.Resources != nil {
			resources = rule.Resources(id, in)
		}
		if len(resources) == 0 {
			resources = everything
		}
		for _, resource := range resources {
			its := conditions
			if table.ResourceTags != nil && resource != "*" {
				its = authorize.WithTags(conditions, serviceOf(rule.Action), table.ResourceTags(id, resource))
			}
			if err := a.check(ctx, &id, rule.Action, resource, its, table.ResourcePolicy); err != nil {
				return err
			}
		}
	}
	return nil
}

// sessionMay refuses what sessions of users (sts:GetSessionToken, without MFA) and
// federated users may not do whatever policies say: use IAM, and of STS anything
// but AssumeRole, which is for users, and GetCallerIdentity, which needs no permission.
func sessionMay(id *caller.Identity, action string) error {
	if id.IssuedAt.IsZero() || id.Type == caller.AssumedRole {
		return nil
	}
	switch service := serviceOf(action); {
	case service == "iam":
		return wire.NewError("InvalidClientTokenId", 403, "The security token included in the request is invalid")
	case service == "sts" && (id.Type == caller.Federated || action != "sts:AssumeRole"):
		return wire.NewError("AccessDenied", 403, "Cannot call %s with session credentials", strings.TrimPrefix(action, "sts:"))
	}
	return nil
}

var everything = []string{"*"}

// question is one check on its way to an answer.
type question struct {
	id  *caller.Identity
	req policy.Request
	set policy.Set
	ctx *requestContext

	document string // the resource's policy, as it was written
}

func (a *Authorizer) check(ctx context.Context, id *caller.Identity, action, resource string, conditions map[string][]string, find resourcePolicy) error {
	q := &question{id: id, ctx: newContext(id, conditions)}
	q.ctx.action = action
	q.req = policy.Request{Principal: principalOf(id), Action: action, Resource: resource, Context: q.ctx}
	if err := a.fill(ctx, q, find); err != nil {
		return err
	}
	if keepsPolicy(q) {
		return nil
	}
	r := policy.Evaluate(&q.req, &q.set)
	if r.Allowed || id.Type == caller.Service && id.SourceARN == "" && !r.Explicit {
		a.allowed(ctx, q, r)
		return nil
	}
	return a.denied(ctx, q, r)
}

// fill gathers the policies and the resource's owner.
func (a *Authorizer) fill(ctx context.Context, q *question, find resourcePolicy) error {
	id, resource := q.id, q.req.Resource
	if parsed, err := arn.Parse(resource); assumes(q.req.Action) && (err != nil || parsed.Resource == "") {
		return wire.NewError("ValidationError", 400, "%s is invalid", resource)
	}
	has, err := a.policies.of(id)
	if err != nil {
		return err
	}
	q.set.Identity, q.set.Boundary = has.identity, has.boundary
	if id.Type == caller.Federated {
		q.set.Session = []policy.Source{} // without session policies it may nothing
	}
	for _, text := range id.SessionPolicies {
		d, err := a.policies.compiled(policy.Inline, text)
		if err != nil {
			return err
		}
		q.set.Session = append(q.set.Session, policy.Source{Name: "session policy", Document: d})
	}
	owner := id.Account
	if ra, err := arn.Parse(resource); err == nil && len(ra.Account) == 12 && strings.Trim(ra.Account, "0123456789") == "" {
		owner = ra.Account
	}
	if find != nil {
		document, of, ok := find(ctx, resource)
		if of != "" {
			owner = of
		}
		if ok && document != "" {
			q.document = document
			q.set.Resource = a.policies.source(resourceKind(q.req.Action), resource, document)
		}
	}
	q.req.ResourceAccount, q.ctx.owner = owner, owner
	q.set.ResourceRequired = assumes(q.req.Action) || serviceOf(q.req.Action) == "kms"
	a.endpoint(q)
	return nil
}

// endpoint adds the policy of the VPC endpoint that the request came through.
func (a *Authorizer) endpoint(q *question) {
	if q.id.SourceVPCE == "" || q.id.ViaService != "" {
		return
	}
	for e := range state.VpcEndpoints.By(a.db.Read(), "bare-id", q.id.SourceVPCE) {
		if e.PolicyDocument != "" {
			q.set.Endpoint = a.policies.source(policy.Resource, e.ID, e.PolicyDocument)
		}
	}
}

// assumes reports whether the resource of the action is a role with a trust policy.
func assumes(action string) bool {
	return strings.HasPrefix(action, "sts:AssumeRole") || action == "sts:TagSession" || action == "sts:SetSourceIdentity"
}

func resourceKind(action string) policy.Kind {
	if assumes(action) {
		return policy.Trust
	}
	return policy.Resource
}

// keepsPolicy: the root user of a bucket's owner may always read, write and
// delete the bucket's policy, so that nobody locks everybody out.
func keepsPolicy(q *question) bool {
	if q.id.Type != caller.Root || q.req.ResourceAccount != q.id.Account {
		return false
	}
	switch q.req.Action {
	case "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy":
		return true
	}
	return false
}

func principalOf(id *caller.Identity) policy.Principal {
	switch id.Type {
	case caller.Service:
		return policy.Principal{Service: id.ServiceName}
	case caller.WebIdentity:
		return policy.Principal{Federated: id.Provider}
	case caller.Federated:
		return policy.Principal{Account: id.Account, ARN: id.ARN, RoleARN: id.UserARN}
	case caller.Root, caller.User, caller.AssumedRole:
		return policy.Principal{Account: id.Account, ARN: id.ARN, RoleARN: id.RoleARN, Root: id.Type == caller.Root}
	}
	return policy.Principal{}
}
