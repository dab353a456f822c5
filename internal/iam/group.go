package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func groupNamed(tx *store.Tx, account, name string) (*state.Group, error) {
	group, ok := state.Groups.Get(tx, state.IAMKey(account, name))
	if !ok || group.Name != name {
		return nil, noSuchEntity("The group with name %s cannot be found.", name)
	}
	return group, nil
}

// changeGroup applies f to a copy of the caller's group and stores it.
func (s *Service) changeGroup(ctx context.Context, name string, f func(*store.Tx, *state.Group) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := groupNamed(tx, caller.From(ctx).Account, name)
		if err != nil {
			return err
		}
		group := *old
		if err := f(tx, &group); err != nil {
			return err
		}
		state.Groups.Put(tx, &group)
		return nil
	})
}

// CreateGroup makes an empty group.
func (s *Service) CreateGroup(ctx context.Context, in *iamapi.CreateGroupRequest) (*iamapi.CreateGroupResponse, error) {
	path, err := pathOf(in.Path)
	if err != nil {
		return nil, err
	}
	group := &state.Group{Account: caller.From(ctx).Account, Name: in.GroupName, Path: path, ID: "AGPA" + ids.Upper(17), CreatedAt: s.now()}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.Groups.Get(tx, group.Key()); taken {
			return alreadyExists("Group with name %s already exists.", group.Name)
		}
		if full(tx, state.Groups, group.Account, maxGroups) {
			return limitExceeded("Cannot exceed quota for GroupsPerAccount: %d", maxGroups)
		}
		state.Groups.Put(tx, group)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateGroupResponse{Group: groupOut(group)}, nil
}

// GetGroup tells about a group and who is in it.
func (s *Service) GetGroup(ctx context.Context, in *iamapi.GetGroupRequest) (*iamapi.GetGroupResponse, error) {
	tx := s.db.Read()
	group, err := groupNamed(tx, caller.From(ctx).Account, in.GroupName)
	if err != nil {
		return nil, err
	}
	users := []iamapi.User{}
	for u := range state.Users.By(tx, "group", group.Key()) {
		users = append(users, listedUser(u))
	}
	users, truncated, marker, err := page(users, func(u iamapi.User) string { return u.UserName }, in.Marker, in.MaxItems)
	return &iamapi.GetGroupResponse{Group: groupOut(group), Users: users, IsTruncated: truncated, Marker: marker}, err
}

// ListGroups lists the groups below a path.
func (s *Service) ListGroups(ctx context.Context, in *iamapi.ListGroupsRequest) (*iamapi.ListGroupsResponse, error) {
	groups := []iamapi.Group{}
	for g := range state.Groups.All(s.db.Read(), state.Prefix(caller.From(ctx).Account, "")) {
		if strings.HasPrefix(g.Path, in.PathPrefix) {
			groups = append(groups, *groupOut(g))
		}
	}
	groups, truncated, marker, err := page(groups, groupName, in.Marker, in.MaxItems)
	return &iamapi.ListGroupsResponse{Groups: groups, IsTruncated: truncated, Marker: marker}, err
}

func groupName(g iamapi.Group) string { return g.GroupName }

// UpdateGroup gives a group another name or path; its members stay in it.
func (s *Service) UpdateGroup(ctx context.Context, in *iamapi.UpdateGroupRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := groupNamed(tx, caller.From(ctx).Account, in.GroupName)
		if err != nil {
			return err
		}
		group := *old
		if in.NewPath != "" {
			if group.Path, err = pathOf(in.NewPath); err != nil {
				return err
			}
		}
		if in.NewGroupName != "" && in.NewGroupName != old.Name {
			group.Name = in.NewGroupName
			if _, taken := state.Groups.Get(tx, group.Key()); taken && group.Key() != old.Key() {
				return alreadyExists("Group with name %s already exists.", group.Name)
			}
			for _, u := range slices.Collect(state.Users.By(tx, "group", old.Key())) {
				state.Users.Update(tx, u.Key(), func(u *state.User) { u.Groups = joined(left(u.Groups, old.Name), group.Name) })
			}
			state.Groups.Delete(tx, old.Key())
		}
		state.Groups.Put(tx, &group)
		return nil
	})
}

// DeleteGroup deletes a group that has neither members nor policies any more.
func (s *Service) DeleteGroup(ctx context.Context, in *iamapi.DeleteGroupRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		group, err := groupNamed(tx, caller.From(ctx).Account, in.GroupName)
		if err != nil {
			return err
		}
		for range state.Users.By(tx, "group", group.Key()) {
			return deleteConflict("Cannot delete entity, must remove users from group first.")
		}
		if err := mayDelete(group.PrincipalPolicies); err != nil {
			return err
		}
		state.Groups.Delete(tx, group.Key())
		return nil
	})
}

// AddUserToGroup puts a user into a group; it may be in it already.
func (s *Service) AddUserToGroup(ctx context.Context, in *iamapi.AddUserToGroupRequest) error {
	return s.changeUser(ctx, in.UserName, func(tx *store.Tx, u *state.User) error {
		group, err := groupNamed(tx, u.Account, in.GroupName)
		if err != nil {
			return err
		}
		u.Groups = joined(u.Groups, group.Name)
		if len(u.Groups) > maxGroupsPerUser {
			return limitExceeded("Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
		}
		return nil
	})
}

// RemoveUserFromGroup takes a user out of a group, if it is in it.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iamapi.RemoveUserFromGroupRequest) error {
	return s.changeUser(ctx, in.UserName, func(tx *store.Tx, u *state.User) error {
		group, err := groupNamed(tx, u.Account, in.GroupName)
		if err != nil {
			return err
		}
		u.Groups = left(u.Groups, group.Name)
		return nil
	})
}

// joined and left are the groups of a user who joins or leaves one.
func joined(groups []string, name string) []string {
	out := append(left(groups, name), name)
	slices.Sort(out)
	return out
}

func left(groups []string, name string) []string {
	return without(groups, func(g string) bool { return g == name })
}

// ListGroupsForUser lists the groups that a user is in.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserRequest) (*iamapi.ListGroupsForUserResponse, error) {
	tx := s.db.Read()
	user, err := userNamed(tx, caller.From(ctx).Account, in.UserName)
	if err != nil {
		return nil, err
	}
	groups := []iamapi.Group{}
	for _, name := range user.Groups {
		if g, ok := state.Groups.Get(tx, state.IAMKey(user.Account, name)); ok {
			groups = append(groups, *groupOut(g))
		}
	}
	groups, truncated, marker, err := page(groups, groupName, in.Marker, in.MaxItems)
	return &iamapi.ListGroupsForUserResponse{Groups: groups, IsTruncated: truncated, Marker: marker}, err
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, in *iamapi.AttachGroupPolicyRequest) error {
	return s.changeGroup(ctx, in.GroupName, func(tx *store.Tx, g *state.Group) error {
		return attach(tx, g.Account, in.PolicyArn, "PoliciesPerGroup", &g.PrincipalPolicies)
	})
}

// DetachGroupPolicy detaches a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, in *iamapi.DetachGroupPolicyRequest) error {
	return s.changeGroup(ctx, in.GroupName, func(_ *store.Tx, g *state.Group) error { return detach(in.PolicyArn, &g.PrincipalPolicies) })
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, in *iamapi.ListAttachedGroupPoliciesRequest) (*iamapi.ListAttachedGroupPoliciesResponse, error) {
	group, err := groupNamed(s.db.Read(), caller.From(ctx).Account, in.GroupName)
	if err != nil {
		return nil, err
	}
	list, truncated, marker, err := page(attachedOut(&group.PrincipalPolicies, in.PathPrefix), attachedName, in.Marker, in.MaxItems)
	return &iamapi.ListAttachedGroupPoliciesResponse{AttachedPolicies: list, IsTruncated: truncated, Marker: marker}, err
}

// PutGroupPolicy adds or replaces an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, in *iamapi.PutGroupPolicyRequest) error {
	return s.changeGroup(ctx, in.GroupName, func(_ *store.Tx, g *state.Group) error {
		return putInline(in.PolicyName, in.PolicyDocument, "group "+g.Name, maxGroupInline, &g.PrincipalPolicies)
	})
}

// GetGroupPolicy returns an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, in *iamapi.GetGroupPolicyRequest) (*iamapi.GetGroupPolicyResponse, error) {
	group, err := groupNamed(s.db.Read(), caller.From(ctx).Account, in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := inlineNamed(&group.PrincipalPolicies, "group", in.PolicyName)
	return &iamapi.GetGroupPolicyResponse{GroupName: group.Name, PolicyName: p.Name, PolicyDocument: encoded(p.Document)}, err
}

// DeleteGroupPolicy deletes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, in *iamapi.DeleteGroupPolicyRequest) error {
	return s.changeGroup(ctx, in.GroupName, func(_ *store.Tx, g *state.Group) error {
		return dropInline(&g.PrincipalPolicies, "group", in.PolicyName)
	})
}

// ListGroupPolicies lists the names of a group's inline policies.
func (s *Service) ListGroupPolicies(ctx context.Context, in *iamapi.ListGroupPoliciesRequest) (*iamapi.ListGroupPoliciesResponse, error) {
	group, err := groupNamed(s.db.Read(), caller.From(ctx).Account, in.GroupName)
	if err != nil {
		return nil, err
	}
	names, truncated, marker, err := page(inlineNames(&group.PrincipalPolicies), itself, in.Marker, in.MaxItems)
	return &iamapi.ListGroupPoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

func groupOut(g *state.Group) *iamapi.Group {
	return &iamapi.Group{Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: g.ARN(), CreateDate: g.CreatedAt}
}
