package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/store"
)

// simulation is who is simulated and with what.
type simulation struct {
	principal policy.Principal
	kind      iamapi.PolicySourceType // whose inline policies there are
	set       policy.Set
	owner     string            // account of the resources
	keys      policy.Keys       // ContextEntries
	written   map[string]string // condition keys of the policies, as written, by their lower case
}

// SimulateCustomPolicy evaluates actions under policies of the request alone.
func (s *Service) SimulateCustomPolicy(ctx context.Context, in *iamapi.SimulateCustomPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	if len(in.OrderedOrganizationPolicyInputList) > 0 {
		return nil, invalidInput("Neargate does not carry out OrderedOrganizationPolicyInputList.")
	}
	all := iamapi.SimulatePrincipalPolicyRequest{
		PolicyInputList: in.PolicyInputList, PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList, ActionNames: in.ActionNames, ResourceArns: in.ResourceArns,
		ResourcePolicy: in.ResourcePolicy, ResourceOwner: in.ResourceOwner, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries, ResourceHandlingOption: in.ResourceHandlingOption,
		MaxItems: in.MaxItems, Marker: in.Marker,
	}
	account := caller.From(ctx).Account
	return simulate(&simulation{principal: policy.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/simulated"}, owner: account}, &all)
}

// SimulatePrincipalPolicy evaluates actions as a user, group or role would be,
// with context values and further policies from the request.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	if len(in.PolicyExclusionList) > 0 {
		return nil, invalidInput("Neargate does not carry out PolicyExclusionList.")
	}
	sim, err := s.simulated(s.db.Read(), caller.From(ctx).Account, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	return simulate(sim, in)
}

// simulated is the principal of an ARN with its policies.
func (s *Service) simulated(tx *store.Tx, account, source string) (*simulation, error) {
	a, err := arn.Parse(source)
	if err == nil && a.Account == account && a.Type() == "group" {
		return s.simulatedGroup(tx, account, source)
	}
	who, err := s.simulatedPrincipal(account, source)
	if err != nil {
		return nil, err
	}
	sim := &simulation{principal: policy.Principal{Account: account, ARN: who.ARN, RoleARN: who.RoleARN}, kind: iamapi.PolicySourceTypeUser, owner: account}
	if who.RoleARN != "" {
		sim.kind = iamapi.PolicySourceTypeRole
	}
	sim.set, err = s.auth.IdentityPolicies(who)
	return sim, err
}

func (s *Service) simulatedGroup(tx *store.Tx, account, source string) (*simulation, error) {
	group, err := groupNamed(tx, account, source[strings.LastIndexByte(source, '/')+1:])
	if err != nil {
		return nil, err
	}
	sim := &simulation{principal: policy.Principal{Account: account, ARN: source}, kind: iamapi.PolicySourceTypeGroup, owner: account}
	var has accessed
	if err := has.add(tx, account, &group.PrincipalPolicies); err != nil {
		return nil, err
	}
	for i, d := range has.documents {
		name := "group/" + group.Name
		if i < len(group.Inline) {
			name += " inline policy " + group.Inline[i].Name
		} else {
			name = group.Attached[i-len(group.Inline)]
		}
		sim.set.Identity = append(sim.set.Identity, policy.Source{Name: name, Document: d})
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

// simulate adds what the request gives and evaluates each action on each resource.
func simulate(sim *simulation, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	if in.ResourceHandlingOption != "" {
		return nil, invalidInput("Neargate does not carry out ResourceHandlingOption.")
	}
	if err := sim.add(in); err != nil {
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
			results = append(results, sim.evaluate(action, resource))
		}
	}
	results, truncated, marker, err := page(results, func(r iamapi.EvaluationResult) string { return r.EvalActionName + " " + r.EvalResourceName }, in.Marker, in.MaxItems)
	return &iamapi.SimulatePolicyResponse{EvaluationResults: results, IsTruncated: truncated, Marker: marker}, err
}

func (sim *simulation) add(in *iamapi.SimulatePrincipalPolicyRequest) error {
	read := func(name, text string, kind policy.Kind) (policy.Source, error) {
		d, err := policy.Parse(text, kind)
		if err != nil {
			return policy.Source{}, invalidInput("%s", err.Error())
		}
		return policy.Source{Name: name, Document: d}, nil
	}
	sim.set.Identity = slices.Clip(sim.set.Identity)
	for i, text := range in.PolicyInputList {
		src, err := read("PolicyInputList."+strconv.Itoa(i+1), text, policy.Inline)
		if err != nil {
			return err
		}
		sim.set.Identity = append(sim.set.Identity, src)
	}
	switch n := len(in.PermissionsBoundaryPolicyInputList); {
	case n > 1:
		return invalidInput("PermissionsBoundaryPolicyInputList takes one policy.")
	case n == 1:
		src, err := read("PermissionsBoundaryPolicyInputList.1", in.PermissionsBoundaryPolicyInputList[0], policy.Inline)
		if err != nil {
			return err
		}
		sim.set.Boundary = &src
	}
	if in.CallerArn != "" {
		a, err := arn.Parse(in.CallerArn)
		if err != nil || a.Type() != "user" {
			return invalidInput("CallerArn %s is not the ARN of a user.", in.CallerArn)
		}
		sim.principal = policy.Principal{Account: a.Account, ARN: in.CallerArn}
	}
	if in.ResourceOwner != "" {
		sim.owner = in.ResourceOwner
		if a, err := arn.Parse(in.ResourceOwner); err == nil {
			sim.owner = a.Account
		}
	}
	if in.ResourcePolicy != "" {
		if in.CallerArn == "" && sim.kind != iamapi.PolicySourceTypeUser {
			return invalidInput("A caller ARN is required when a resource policy is simulated.")
		}
		src, err := read("ResourcePolicy", in.ResourcePolicy, policy.Resource)
		if err != nil {
			return err
		}
		sim.set.Resource = &src
	}
	sim.keys = policy.Keys{}
	for _, e := range in.ContextEntries {
		sim.keys[strings.ToLower(e.ContextKeyName)] = e.ContextKeyValues
	}
	sim.written = map[string]string{}
	for _, key := range sim.contextKeys() {
		sim.written[strings.ToLower(key)] = key
	}
	return nil
}

// sources are all policies of the simulation.
func (sim *simulation) sources() []policy.Source {
	out := slices.Clone(sim.set.Identity)
	for _, src := range []*policy.Source{sim.set.Boundary, sim.set.Resource} {
		if src != nil {
			out = append(out, *src)
		}
	}
	return out
}

func (sim *simulation) contextKeys() []string {
	var out []string
	for _, src := range sim.sources() {
		for _, key := range src.Document.ContextKeys() {
			if !slices.ContainsFunc(out, func(k string) bool { return strings.EqualFold(k, key) }) {
				out = append(out, key)
			}
		}
	}
	return out
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

func (sim *simulation) evaluate(action, resource string) iamapi.EvaluationResult {
	keys := &asked{keys: sim.keys}
	req := &policy.Request{Principal: sim.principal, Action: action, Resource: resource, ResourceAccount: sim.owner, Context: keys}
	r := policy.Evaluate(req, &sim.set)
	out := iamapi.EvaluationResult{EvalActionName: action, EvalResourceName: resource, EvalDecision: iamapi.PolicyEvaluationDecisionTypeImplicitDeny, MatchedStatements: []iamapi.Statement{}, MissingContextValues: []string{}}
	switch {
	case r.Allowed:
		out.EvalDecision = iamapi.PolicyEvaluationDecisionTypeAllowed
	case r.Explicit:
		out.EvalDecision = iamapi.PolicyEvaluationDecisionTypeExplicitDeny
	}
	for _, a := range policy.Applying(req, &sim.set) {
		if a.By == policy.ByBoundary || r.Explicit && !a.Match.Statement.Deny {
			continue
		}
		out.MatchedStatements = append(out.MatchedStatements, sim.statement(a))
	}
	for _, key := range keys.missing {
		out.MissingContextValues = append(out.MissingContextValues, sim.written[key])
	}
	if sim.set.Boundary != nil {
		alone := policy.Evaluate(req, &policy.Set{Identity: []policy.Source{*sim.set.Boundary}})
		out.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: alone.Allowed}
	}
	return out
}

func (sim *simulation) statement(a policy.Applied) iamapi.Statement {
	s := a.Match.Statement
	return iamapi.Statement{
		SourcePolicyId: a.Match.Policy, SourcePolicyType: sim.sourceType(a),
		StartPosition: &iamapi.Position{Line: int32(s.Start.Line), Column: int32(s.Start.Column)}, EndPosition: &iamapi.Position{Line: int32(s.End.Line), Column: int32(s.End.Column)},
	}
}

func (sim *simulation) sourceType(a policy.Applied) iamapi.PolicySourceType {
	name := a.Match.Policy
	_, aws := managed.Get(name)
	switch {
	case a.By == policy.ByResource:
		return iamapi.PolicySourceTypeResource
	case aws:
		return iamapi.PolicySourceTypeAwsManaged
	case strings.HasPrefix(name, "arn:"):
		return iamapi.PolicySourceTypeUserManaged
	case strings.HasPrefix(name, "PolicyInputList."):
		return iamapi.PolicySourceTypeNone
	case strings.HasPrefix(name, "group/"):
		return iamapi.PolicySourceTypeGroup
	}
	return sim.kind
}

// GetContextKeysForCustomPolicy lists the condition keys of policies.
func (s *Service) GetContextKeysForCustomPolicy(_ context.Context, in *iamapi.GetContextKeysForCustomPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	return contextKeys(&simulation{}, in.PolicyInputList)
}

// GetContextKeysForPrincipalPolicy lists the condition keys of the policies of a
// user, group or role, and of further ones.
func (s *Service) GetContextKeysForPrincipalPolicy(ctx context.Context, in *iamapi.GetContextKeysForPrincipalPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	sim, err := s.simulated(s.db.Read(), caller.From(ctx).Account, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	return contextKeys(sim, in.PolicyInputList)
}

func contextKeys(sim *simulation, more []string) (*iamapi.GetContextKeysForPolicyResponse, error) {
	if err := sim.add(&iamapi.SimulatePrincipalPolicyRequest{PolicyInputList: more}); err != nil {
		return nil, err
	}
	keys := sim.contextKeys()
	slices.Sort(keys)
	if keys == nil {
		keys = []string{}
	}
	return &iamapi.GetContextKeysForPolicyResponse{ContextKeyNames: keys}, nil
}
