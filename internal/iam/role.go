package iam

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	defaultSessionDuration = 3600 // seconds
	linkedPath             = "/aws-service-role/"
)

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	path, err := pathOf(in.Path)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(path, linkedPath) {
		return nil, invalidInput("Path %s is reserved for service-linked roles. Use CreateServiceLinkedRole.", path)
	}
	tags, err := newTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	role := &state.Role{
		Account: caller.From(ctx).Account, Name: in.RoleName, Path: path, ID: "AROA" + ids.Upper(17), CreatedAt: s.now(), Tool: caller.From(ctx).Tool(),
		TrustPolicy: in.AssumeRolePolicyDocument, Description: in.Description, MaxSessionDuration: defaultSessionDuration, Tags: tags,
	}
	role.Boundary = in.PermissionsBoundary
	if in.MaxSessionDuration != nil {
		role.MaxSessionDuration = *in.MaxSessionDuration
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := checkTrust(tx, role.TrustPolicy); err != nil {
			return err
		}
		if err := checkBoundary(tx, role.Account, role.Boundary); err != nil {
			return err
		}
		return addRole(tx, role)
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateRoleResponse{Role: roleOut(role)}, nil
}

func addRole(tx *store.Tx, role *state.Role) error {
	if _, taken := state.Roles.Get(tx, role.Key()); taken {
		return alreadyExists("Role with name %s already exists.", role.Name)
	}
	if full(tx, state.Roles, role.Account, maxRoles) {
		return limitExceeded("Cannot exceed quota for RolesPerAccount: %d", maxRoles)
	}
	state.Roles.Put(tx, role)
	return nil
}

// GetRole tells everything about a role.
func (s *Service) GetRole(ctx context.Context, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	tx := s.db.Read()
	role, err := roleNamed(tx, caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := roleOut(role)
	out.RoleLastUsed = lastUsed(tx, role)
	return &iamapi.GetRoleResponse{Role: out}, nil
}

// lastUsed is when and where a role was last used; empty when it never was.
func lastUsed(tx *store.Tx, role *state.Role) *iamapi.RoleLastUsed {
	use, ok := state.KeyUses.Get(tx, role.ARN())
	if !ok || !use.At.After(role.CreatedAt) {
		return &iamapi.RoleLastUsed{}
	}
	return &iamapi.RoleLastUsed{LastUsedDate: use.At, Region: use.Region}
}

// ListRoles lists roles below a path, without tags and boundary.
func (s *Service) ListRoles(ctx context.Context, in *iamapi.ListRolesRequest) (*iamapi.ListRolesResponse, error) {
	roles := []iamapi.Role{}
	for r := range state.Roles.All(s.db.Read(), state.Prefix(caller.From(ctx).Account, "")) {
		if strings.HasPrefix(r.Path, in.PathPrefix) {
			out := roleOut(r)
			out.Tags, out.PermissionsBoundary = nil, nil
			roles = append(roles, *out)
		}
	}
	roles, truncated, marker, err := page(roles, func(r iamapi.Role) string { return r.RoleName }, in.Marker, in.MaxItems)
	return &iamapi.ListRolesResponse{Roles: roles, IsTruncated: truncated, Marker: marker}, err
}

// DeleteRole deletes a role that has no policies any more.
func (s *Service) DeleteRole(ctx context.Context, in *iamapi.DeleteRoleRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		role, err := roleNamed(tx, caller.From(ctx).Account, in.RoleName)
		switch {
		case err != nil:
			return err
		case role.LinkedService != "":
			return protectedRole(role)
		}
		for range state.InstanceProfiles.By(tx, "role", role.Key()) {
			return deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		if err := mayDelete(role.PrincipalPolicies); err != nil {
			return err
		}
		removeRole(tx, role)
		return nil
	})
}

func removeRole(tx *store.Tx, role *state.Role) {
	state.Roles.Delete(tx, role.Key())
	state.ForgetPrincipal(tx, role.ID, role.ARN())
}

func mayDelete(p state.PrincipalPolicies) error {
	switch {
	case len(p.Attached) > 0:
		return deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(p.Inline) > 0:
		return deleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// UpdateRole changes a role's description and longest session; what is left out
// stays. (UpdateRoleDescription can empty the description.)
func (s *Service) UpdateRole(ctx context.Context, in *iamapi.UpdateRoleRequest) (*iamapi.UpdateRoleResponse, error) {
	err := s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error {
		if in.Description != "" {
			r.Description = in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSessionDuration = *in.MaxSessionDuration
		}
		return nil
	})
	return &iamapi.UpdateRoleResponse{}, err
}

// UpdateRoleDescription changes a role's description. Works for service-linked roles, too.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionRequest) (*iamapi.UpdateRoleDescriptionResponse, error) {
	var out *iamapi.Role
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := roleNamed(tx, caller.From(ctx).Account, in.RoleName)
		if err != nil {
			return err
		}
		role := *old
		role.Description = in.Description
		state.Roles.Put(tx, &role)
		out = roleOut(&role)
		return nil
	})
	return &iamapi.UpdateRoleDescriptionResponse{Role: out}, err
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyRequest) error {
	return s.changeRole(ctx, in.RoleName, func(tx *store.Tx, r *state.Role) error {
		r.TrustPolicy = in.PolicyDocument
		return checkTrust(tx, in.PolicyDocument)
	})
}

func roleOut(r *state.Role) *iamapi.Role {
	return &iamapi.Role{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN(), CreateDate: r.CreatedAt, AssumeRolePolicyDocument: encoded(r.TrustPolicy),
		Description: r.Description, MaxSessionDuration: r.MaxSessionDuration, PermissionsBoundary: boundaryOut(r.Boundary), Tags: tagsOut(r.Tags),
	}
}

func boundaryOut(arn string) *iamapi.AttachedPermissionsBoundary {
	if arn == "" {
		return nil
	}
	return &iamapi.AttachedPermissionsBoundary{PermissionsBoundaryType: iamapi.PermissionsBoundaryAttachmentTypePermissionsBoundaryPolicy, PermissionsBoundaryArn: arn}
}
