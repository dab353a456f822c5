package iam

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// found is a managed policy, AWS's or the customer's own.
type found struct {
	*state.Policy
	aws *managed.Policy // nil for the customer's own
}

func (f found) arn() string {
	if f.aws != nil {
		return f.aws.ARN()
	}
	return f.ARN()
}

// findPolicy finds a policy by its ARN: AWS's own, or one of the account.
func findPolicy(tx *store.Tx, account, policyARN string) (found, error) {
	if aws, ok := managed.Get(policyARN); ok {
		return found{asRecord(aws), aws}, nil
	}
	own, err := ownPolicy(tx, account, policyARN)
	return found{Policy: own}, err
}

// asRecord gives an AWS-managed policy the form of a customer's.
func asRecord(p *managed.Policy) *state.Policy {
	number := 0
	for _, c := range strings.TrimPrefix(p.Version, "v") {
		number = number*10 + int(c-'0')
	}
	return &state.Policy{
		Account: managed.Account, Name: p.Name, Path: p.Path, ID: p.ID(), CreatedAt: p.Created, UpdatedAt: p.Updated,
		Versions: []state.PolicyVersion{{Number: number, Document: p.Document, CreatedAt: p.Updated}}, Last: number, Default: number,
	}
}

func ownPolicy(tx *store.Tx, account, policyARN string) (*state.Policy, error) {
	a, err := arn.Parse(policyARN)
	if err != nil {
		return nil, validation("Invalid ARN:  Could not be parsed!")
	}
	if a.Account == account {
		for p := range state.Policies.By(tx, "arn", policyARN) {
			return p, nil
		}
	}
	return nil, noSuchEntity("Policy %s was not found.", policyARN)
}

func checkManaged(document string) error {
	if err := checkDocument(document, policy.Managed); err != nil {
		return err
	}
	if size(document) > maxManagedPolicy {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", maxManagedPolicy)
	}
	return nil
}

// CreatePolicy makes a customer-managed policy with its first version.
func (s *Service) CreatePolicy(ctx context.Context, in *iamapi.CreatePolicyRequest) (*iamapi.CreatePolicyResponse, error) {
	path, err := pathOf(in.Path)
	if err != nil {
		return nil, err
	}
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := newTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	now := s.now()
	p := &state.Policy{
		Account: caller.From(ctx).Account, Name: in.PolicyName, Path: path, ID: "ANPA" + ids.Upper(17), Description: in.Description, CreatedAt: now, UpdatedAt: now,
		Versions: []state.PolicyVersion{{Number: 1, Document: in.PolicyDocument, CreatedAt: now}}, Last: 1, Default: 1, Tags: tags,
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.Policies.Get(tx, p.Key()); taken {
			return alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		}
		if full(tx, state.Policies, p.Account, maxPolicies) {
			return limitExceeded("Cannot exceed quota for PoliciesPerAccount: %d", maxPolicies)
		}
		state.Policies.Put(tx, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyResponse{Policy: policyOut(found{Policy: p}, usage{})}, nil
}

// GetPolicy tells about a managed policy.
func (s *Service) GetPolicy(ctx context.Context, in *iamapi.GetPolicyRequest) (*iamapi.GetPolicyResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	f, err := findPolicy(tx, account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := policyOut(f, usageOf(tx, account, in.PolicyArn))
	out.Description, out.Tags = f.Description, tagsOut(f.Tags)
	return &iamapi.GetPolicyResponse{Policy: out}, nil
}

// DeletePolicy deletes a customer-managed policy that nothing uses.
func (s *Service) DeletePolicy(ctx context.Context, in *iamapi.DeletePolicyRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		account := caller.From(ctx).Account
		p, err := ownPolicy(tx, account, in.PolicyArn)
		if err != nil {
			return err
		}
		if u := usageOf(tx, account, in.PolicyArn); u.attached+u.boundary > 0 {
			return deleteConflict("Cannot delete a policy attached to entities.")
		}
		if len(p.Versions) > 1 {
			return deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		state.Policies.Delete(tx, p.Key())
		return nil
	})
}

// usage counts who has a policy.
type usage struct{ attached, boundary int32 }

func usageOf(tx *store.Tx, account, policyARN string) (u usage) {
	count := func(owner string, p *state.PrincipalPolicies) {
		if owner != account {
			return
		}
		for _, a := range p.Attached {
			if a == policyARN {
				u.attached++
			}
		}
		if p.Boundary == policyARN {
			u.boundary++
		}
	}
	for r := range state.Roles.By(tx, "policy", policyARN) {
		count(r.Account, &r.PrincipalPolicies)
	}
	for user := range state.Users.By(tx, "policy", policyARN) {
		count(user.Account, &user.PrincipalPolicies)
	}
	for group := range state.Groups.By(tx, "policy", policyARN) {
		count(group.Account, &group.PrincipalPolicies)
	}
	return u
}

// ListPolicies lists AWS's and the account's policies.
func (s *Service) ListPolicies(ctx context.Context, in *iamapi.ListPoliciesRequest) (*iamapi.ListPoliciesResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	all := []found{}
	if in.Scope != iamapi.PolicyScopeTypeAws {
		for p := range state.Policies.All(tx, state.Prefix(account, "")) {
			all = append(all, found{Policy: p})
		}
	}
	if in.Scope != iamapi.PolicyScopeTypeLocal {
		for _, p := range managed.All() {
			all = append(all, found{asRecord(p), p})
		}
	}
	out := []iamapi.Policy{}
	for _, f := range all {
		u := usageOf(tx, account, f.arn())
		switch {
		case !strings.HasPrefix(f.Path, in.PathPrefix):
		case in.OnlyAttached && in.PolicyUsageFilter == iamapi.PolicyUsageTypePermissionsBoundary && u.boundary == 0:
		case in.OnlyAttached && in.PolicyUsageFilter != iamapi.PolicyUsageTypePermissionsBoundary && u.attached == 0:
		default:
			p := policyOut(f, u)
			p.Tags = nil // lists leave tags and description out
			out = append(out, *p)
		}
	}
	out, truncated, marker, err := page(out, func(p iamapi.Policy) string { return p.PolicyName + " " + p.Arn }, in.Marker, in.MaxItems)
	return &iamapi.ListPoliciesResponse{Policies: out, IsTruncated: truncated, Marker: marker}, err
}

// ListEntitiesForPolicy lists the roles, users and groups that have a policy.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iamapi.ListEntitiesForPolicyRequest) (*iamapi.ListEntitiesForPolicyResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	if _, err := findPolicy(tx, account, in.PolicyArn); err != nil {
		return nil, err
	}
	type holder struct{ kind, name, id string }
	var all []holder
	wanted := func(kind iamapi.EntityType, owner, path string, p *state.PrincipalPolicies) bool {
		attached, boundary := usageIn(p, in.PolicyArn)
		use := attached && in.PolicyUsageFilter != iamapi.PolicyUsageTypePermissionsBoundary || boundary && in.PolicyUsageFilter != iamapi.PolicyUsageTypePermissionsPolicy
		return use && owner == account && strings.HasPrefix(path, in.PathPrefix) && (in.EntityFilter == "" || in.EntityFilter == kind)
	}
	for r := range state.Roles.By(tx, "policy", in.PolicyArn) {
		if wanted(iamapi.EntityTypeRole, r.Account, r.Path, &r.PrincipalPolicies) {
			all = append(all, holder{"role", r.Name, r.ID})
		}
	}
	for u := range state.Users.By(tx, "policy", in.PolicyArn) {
		if wanted(iamapi.EntityTypeUser, u.Account, u.Path, &u.PrincipalPolicies) {
			all = append(all, holder{"user", u.Name, u.ID})
		}
	}
	for g := range state.Groups.By(tx, "policy", in.PolicyArn) {
		if wanted(iamapi.EntityTypeGroup, g.Account, g.Path, &g.PrincipalPolicies) {
			all = append(all, holder{"group", g.Name, g.ID})
		}
	}
	all, truncated, marker, err := page(all, func(e holder) string { return e.kind + " " + e.name }, in.Marker, in.MaxItems)
	out := &iamapi.ListEntitiesForPolicyResponse{PolicyGroups: []iamapi.PolicyGroup{}, PolicyUsers: []iamapi.PolicyUser{}, PolicyRoles: []iamapi.PolicyRole{}, IsTruncated: truncated, Marker: marker}
	for _, e := range all {
		switch e.kind {
		case "role":
			out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: e.name, RoleId: e.id})
		case "user":
			out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: e.name, UserId: e.id})
		default:
			out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupName: e.name, GroupId: e.id})
		}
	}
	return out, err
}

func usageIn(p *state.PrincipalPolicies, policyARN string) (attached, boundary bool) {
	for _, a := range p.Attached {
		attached = attached || a == policyARN
	}
	return attached, p.Boundary == policyARN
}

func policyOut(f found, u usage) *iamapi.Policy {
	return &iamapi.Policy{
		PolicyName: f.Name, PolicyId: f.ID, Arn: f.arn(), Path: f.Path, DefaultVersionId: versionID(f.Default), AttachmentCount: u.attached,
		PermissionsBoundaryUsageCount: u.boundary, IsAttachable: true, CreateDate: f.CreatedAt, UpdateDate: f.UpdatedAt.Truncate(time.Second),
		Tags: tagsOut(f.Tags),
	}
}

func versionID(n int) string { return state.PolicyVersion{Number: n}.ID() }
