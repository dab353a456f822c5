package iam

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// entity is one user, group, role or policy of an account's details.
type entity struct {
	key    string // order of pages
	user   *state.User
	group  *state.Group
	role   *state.Role
	policy *found
}

// GetAccountAuthorizationDetails tells about all users, groups, roles and
// policies, in pages of up to a thousand. Of AWS's policies it has those in use.
func (s *Service) GetAccountAuthorizationDetails(ctx context.Context, in *iamapi.GetAccountAuthorizationDetailsRequest) (*iamapi.GetAccountAuthorizationDetailsResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	all, truncated, marker, err := page(entities(tx, account, in.Filter), func(e entity) string { return e.key }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iamapi.GetAccountAuthorizationDetailsResponse{
		UserDetailList: []iamapi.UserDetail{}, GroupDetailList: []iamapi.GroupDetail{}, RoleDetailList: []iamapi.RoleDetail{}, Policies: []iamapi.ManagedPolicyDetail{},
		IsTruncated: truncated, Marker: marker,
	}
	for _, e := range all {
		switch {
		case e.user != nil:
			out.UserDetailList = append(out.UserDetailList, userDetail(e.user))
		case e.group != nil:
			out.GroupDetailList = append(out.GroupDetailList, groupDetail(e.group))
		case e.role != nil:
			out.RoleDetailList = append(out.RoleDetailList, roleDetail(tx, e.role))
		default:
			out.Policies = append(out.Policies, policyDetail(*e.policy, usageOf(tx, account, e.policy.arn())))
		}
	}
	return out, nil
}

func entities(tx *store.Tx, account string, filter []iamapi.EntityType) []entity {
	wants := func(t iamapi.EntityType) bool { return len(filter) == 0 || slices.Contains(filter, t) }
	var out []entity
	prefix := state.Prefix(account, "")
	if wants(iamapi.EntityTypeUser) {
		for u := range state.Users.All(tx, prefix) {
			out = append(out, entity{key: "1" + u.Name, user: u})
		}
	}
	if wants(iamapi.EntityTypeGroup) {
		for g := range state.Groups.All(tx, prefix) {
			out = append(out, entity{key: "2" + g.Name, group: g})
		}
	}
	if wants(iamapi.EntityTypeRole) {
		for r := range state.Roles.All(tx, prefix) {
			out = append(out, entity{key: "3" + r.Name, role: r})
		}
	}
	if wants(iamapi.EntityTypeLocalManagedPolicy) {
		for p := range state.Policies.All(tx, prefix) {
			out = append(out, entity{key: "4" + p.Name, policy: &found{Policy: p}})
		}
	}
	if wants(iamapi.EntityTypeAWSManagedPolicy) {
		for _, p := range managed.All() {
			if u := usageOf(tx, account, p.ARN()); u.attached+u.boundary > 0 {
				out = append(out, entity{key: "5" + p.Name, policy: &found{asRecord(p), p}})
			}
		}
	}
	return out
}

func inlineOut(p *state.PrincipalPolicies) []iamapi.PolicyDetail {
	out := []iamapi.PolicyDetail{}
	for _, i := range p.Inline {
		out = append(out, iamapi.PolicyDetail{PolicyName: i.Name, PolicyDocument: encoded(i.Document)})
	}
	return out
}

func userDetail(u *state.User) iamapi.UserDetail {
	return iamapi.UserDetail{
		Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN(), CreateDate: u.CreatedAt, UserPolicyList: inlineOut(&u.PrincipalPolicies), GroupList: slices.Clone(u.Groups),
		AttachedManagedPolicies: attachedOut(&u.PrincipalPolicies, ""), PermissionsBoundary: boundaryOut(u.Boundary), Tags: tagsOut(u.Tags),
	}
}

func groupDetail(g *state.Group) iamapi.GroupDetail {
	return iamapi.GroupDetail{
		Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: g.ARN(), CreateDate: g.CreatedAt,
		GroupPolicyList: inlineOut(&g.PrincipalPolicies), AttachedManagedPolicies: attachedOut(&g.PrincipalPolicies, ""),
	}
}

func roleDetail(tx *store.Tx, r *state.Role) iamapi.RoleDetail {
	return iamapi.RoleDetail{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN(), CreateDate: r.CreatedAt, AssumeRolePolicyDocument: encoded(r.TrustPolicy),
		InstanceProfileList: profilesOf(tx, r), RolePolicyList: inlineOut(&r.PrincipalPolicies), AttachedManagedPolicies: attachedOut(&r.PrincipalPolicies, ""),
		PermissionsBoundary: boundaryOut(r.Boundary), Tags: tagsOut(r.Tags), RoleLastUsed: lastUsed(tx, r),
	}
}

func policyDetail(f found, u usage) iamapi.ManagedPolicyDetail {
	p := policyOut(f, u)
	out := iamapi.ManagedPolicyDetail{
		PolicyName: p.PolicyName, PolicyId: p.PolicyId, Arn: p.Arn, Path: p.Path, DefaultVersionId: p.DefaultVersionId, AttachmentCount: p.AttachmentCount,
		PermissionsBoundaryUsageCount: p.PermissionsBoundaryUsageCount, IsAttachable: p.IsAttachable, Description: f.Description, CreateDate: p.CreateDate, UpdateDate: p.UpdateDate,
		PolicyVersionList: []iamapi.PolicyVersion{},
	}
	for _, v := range f.Versions {
		version := versionOut(f.Policy, v)
		version.Document = encoded(v.Document)
		out.PolicyVersionList = append(out.PolicyVersionList, version)
	}
	return out
}
