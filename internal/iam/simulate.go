package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
)

// SimulatePrincipalPolicy evaluates actions as a role or user would be, with
// context values and further policies from the request.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	if len(in.PolicyExclusionList) > 0 || in.ResourceHandlingOption != "" {
		return nil, invalidInput("Neargate does not carry out PolicyExclusionList and ResourceHandlingOption.")
	}
	set, err := s.simulated(ctx, in)
	if err != nil {
		return nil, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	results := []iamapi.EvaluationResult{}
	for _, action := range in.ActionNames {
		if !strings.Contains(action, ":") {
			return nil, invalidInput("Invalid action name %s", action)
		}
		for _, resource := range resources {
			results = append(results, evaluate(set, in, action, resource))
		}
	}
	results, truncated, marker, err := page(results, func(r iamapi.EvaluationResult) string { return r.EvalActionName + " " + r.EvalResourceName }, in.Marker, in.MaxItems)
	return &iamapi.SimulatePolicyResponse{EvaluationResults: results, IsTruncated: truncated, Marker: marker}, err
}

// simulation is who is simulated and with what.
type simulation struct {
	principal policy.Principal
	set       policy.Set
}

func (s *Service) simulated(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) (*simulation, error) {
	id := caller.From(ctx)
	who, err := s.simulatedPrincipal(id.Account, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	sim := &simulation{principal: policy.Principal{Account: id.Account, ARN: who.ARN, RoleARN: who.RoleARN}}
	if sim.set, err = s.auth.IdentityPolicies(who); err != nil {
		return nil, err
	}
	for i, text := range in.PolicyInputList {
		d, err := policy.Parse(text, policy.Inline)
		if err != nil {
			return nil, invalidInput("%s", err.Error())
		}
		sim.set.Identity = append(slices.Clip(sim.set.Identity), policy.Source{Name: "PolicyInputList." + versionID(i + 1)[1:], Document: d})
	}
	if n := len(in.PermissionsBoundaryPolicyInputList); n > 1 {
		return nil, invalidInput("PermissionsBoundaryPolicyInputList takes one policy.")
	} else if n == 1 {
		d, err := policy.Parse(in.PermissionsBoundaryPolicyInputList[0], policy.Inline)
		if err != nil {
			return nil, invalidInput("%s", err.Error())
		}
		sim.set.Boundary = &policy.Source{Name: "PermissionsBoundaryPolicyInputList.1", Document: d}
	}
	if in.ResourcePolicy != "" {
		d, err := policy.Parse(in.ResourcePolicy, policy.Resource)
		if err != nil {
			return nil, invalidInput("%s", err.Error())
		}
		sim.set.Resource = &policy.Source{Name: "ResourcePolicy", Document: d}
	}
	return sim, nil
}

func (s *Service) simulatedPrincipal(account, source string) (caller.Identity, error) {
	a, err := arn.Parse(source)
	if err != nil {
		return caller.Identity{}, validation("Invalid ARN:  Could not be parsed!")
	}
	tx, name := s.db.Read(), source[strings.LastIndexByte(source, '/')+1:]
	switch {
	case a.Account == account && a.Type() == "role":
		role, err := roleNamed(tx, account, name)
		if err != nil {
			return caller.Identity{}, err
		}
		return caller.Identity{Account: account, Type: caller.AssumedRole, ARN: access.SessionARN(account, role.ARN(), "simulation"), RoleARN: role.ARN(), UserID: role.ID + ":simulation"}, nil
	case a.Account == account && a.Type() == "user":
		user, err := userNamed(tx, account, name)
		if err != nil {
			return caller.Identity{}, err
		}
		return caller.Identity{Account: account, Type: caller.User, ARN: user.ARN(), UserID: user.ID}, nil
	}
	return caller.Identity{}, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", source)
}

// asked is a context that remembers which keys were asked for and missing.
type asked struct {
	keys    policy.Keys
	missing []string
}

// Values implements policy.Context.
func (a *asked) Values(key string) []string {
	v := a.keys[key]
	if len(v) == 0 && !slices.Contains(a.missing, key) {
		a.missing = append(a.missing, key)
	}
	return v
}

func evaluate(sim *simulation, in *iamapi.SimulatePrincipalPolicyRequest, action, resource string) iamapi.EvaluationResult {
	keys := &asked{keys: policy.Keys{}}
	for _, e := range in.ContextEntries {
		keys.keys[strings.ToLower(e.ContextKeyName)] = e.ContextKeyValues
	}
	owner := ""
	if a, err := arn.Parse(in.ResourceOwner); err == nil {
		owner = a.Account
	}
	r := policy.Evaluate(&policy.Request{Principal: sim.principal, Action: action, Resource: resource, ResourceAccount: owner, Context: keys}, &sim.set)
	out := iamapi.EvaluationResult{EvalActionName: action, EvalResourceName: resource, EvalDecision: iamapi.PolicyEvaluationDecisionTypeImplicitDeny, MissingContextValues: keys.missing, MatchedStatements: []iamapi.Statement{}}
	switch {
	case r.Allowed:
		out.EvalDecision = iamapi.PolicyEvaluationDecisionTypeAllowed
	case r.Explicit:
		out.EvalDecision = iamapi.PolicyEvaluationDecisionTypeExplicitDeny
	}
	if r.Match.Found() {
		out.MatchedStatements = append(out.MatchedStatements, iamapi.Statement{SourcePolicyId: r.Match.Policy, SourcePolicyType: sourceType(sim, r)})
	}
	if sim.set.Boundary != nil {
		out.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: r.Allowed || r.By != policy.ByBoundary}
	}
	return out
}

func sourceType(sim *simulation, r policy.Result) iamapi.PolicySourceType {
	_, aws := managed.Get(r.Match.Policy)
	switch {
	case r.By == policy.ByResource:
		return iamapi.PolicySourceTypeResource
	case aws:
		return iamapi.PolicySourceTypeAwsManaged
	case strings.HasPrefix(r.Match.Policy, "arn:"):
		return iamapi.PolicySourceTypeUserManaged
	case strings.HasPrefix(r.Match.Policy, "PolicyInputList."):
		return iamapi.PolicySourceTypeNone
	case sim.principal.RoleARN != "":
		return iamapi.PolicySourceTypeRole
	}
	return iamapi.PolicySourceTypeUser
}
