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

// CreateUser makes a user without keys.
func (s *Service) CreateUser(ctx context.Context, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
	path, err := pathOf(in.Path)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	user := &state.User{Account: caller.From(ctx).Account, Name: in.UserName, Path: path, ID: "AIDA" + ids.Upper(17), CreatedAt: s.now(), Tags: tags}
	user.Boundary = in.PermissionsBoundary
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := checkBoundary(tx, user.Account, user.Boundary); err != nil {
			return err
		}
		if _, taken := state.Users.Get(tx, user.Key()); taken {
			return alreadyExists("User with name %s already exists.", user.Name)
		}
		if full(tx, state.Users, user.Account, maxUsers) {
			return limitExceeded("Cannot exceed quota for UsersPerAccount: %d", maxUsers)
		}
		state.Users.Put(tx, user)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateUserResponse{User: userOut(user)}, nil
}

// GetUser tells about a user; without a name about the caller.
func (s *Service) GetUser(ctx context.Context, in *iamapi.GetUserRequest) (*iamapi.GetUserResponse, error) {
	id, name := caller.From(ctx), in.UserName
	tx := s.db.Read()
	if name == "" && id.Type == caller.Root {
		root := &iamapi.User{Path: "/", UserName: "root", UserId: id.Account, Arn: id.ARN}
		if a, ok := state.Accounts.Get(tx, id.Account); ok {
			root.CreateDate = a.CreatedAt
		}
		return &iamapi.GetUserResponse{User: root}, nil
	}
	if name == "" {
		var err error
		if name, err = callersUser(id); err != nil {
			return nil, err
		}
	}
	user, err := userNamed(tx, id.Account, name)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetUserResponse{User: userOut(user)}, nil
}

func callersUser(id caller.Identity) (string, error) {
	if id.Type != caller.User {
		return "", validation("Must specify userName when calling with non-User credentials")
	}
	return id.ARN[strings.LastIndexByte(id.ARN, '/')+1:], nil
}

// ListUsers lists users below a path, without tags and boundary.
func (s *Service) ListUsers(ctx context.Context, in *iamapi.ListUsersRequest) (*iamapi.ListUsersResponse, error) {
	users := []iamapi.User{}
	for u := range state.Users.All(s.db.Read(), state.Prefix(caller.From(ctx).Account, "")) {
		if strings.HasPrefix(u.Path, in.PathPrefix) {
			users = append(users, listedUser(u))
		}
	}
	users, truncated, marker, err := page(users, func(u iamapi.User) string { return u.UserName }, in.Marker, in.MaxItems)
	return &iamapi.ListUsersResponse{Users: users, IsTruncated: truncated, Marker: marker}, err
}

// DeleteUser deletes a user that has neither policies nor keys any more.
func (s *Service) DeleteUser(ctx context.Context, in *iamapi.DeleteUserRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		user, err := userNamed(tx, caller.From(ctx).Account, in.UserName)
		if err != nil {
			return err
		}
		if err := mayDelete(user.PrincipalPolicies); err != nil {
			return err
		}
		if len(user.Groups) > 0 {
			return deleteConflict("Cannot delete entity, must remove users from group first.")
		}
		for range state.AccessKeys.By(tx, "user", user.Key()) {
			return deleteConflict("Cannot delete entity, must delete access keys first.")
		}
		state.Users.Delete(tx, user.Key())
		state.ForgetPrincipal(tx, user.ID, user.ARN())
		return nil
	})
}

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iamapi.AttachUserPolicyRequest) error {
	return s.changeUser(ctx, in.UserName, func(tx *store.Tx, u *state.User) error {
		return attach(tx, u.Account, in.PolicyArn, "PoliciesPerUser", &u.PrincipalPolicies)
	})
}

// DetachUserPolicy detaches a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iamapi.DetachUserPolicyRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) error { return detach(in.PolicyArn, &u.PrincipalPolicies) })
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iamapi.ListAttachedUserPoliciesRequest) (*iamapi.ListAttachedUserPoliciesResponse, error) {
	user, err := userNamed(s.db.Read(), caller.From(ctx).Account, in.UserName)
	if err != nil {
		return nil, err
	}
	list, truncated, marker, err := page(attachedOut(&user.PrincipalPolicies, in.PathPrefix), attachedName, in.Marker, in.MaxItems)
	return &iamapi.ListAttachedUserPoliciesResponse{AttachedPolicies: list, IsTruncated: truncated, Marker: marker}, err
}

// PutUserPolicy adds or replaces an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) error {
		return putInline(in.PolicyName, in.PolicyDocument, "user "+u.Name, maxUserInline, &u.PrincipalPolicies)
	})
}

// GetUserPolicy returns an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyRequest) (*iamapi.GetUserPolicyResponse, error) {
	user, err := userNamed(s.db.Read(), caller.From(ctx).Account, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := inlineNamed(&user.PrincipalPolicies, "user", in.PolicyName)
	return &iamapi.GetUserPolicyResponse{UserName: user.Name, PolicyName: p.Name, PolicyDocument: encoded(p.Document)}, err
}

// DeleteUserPolicy deletes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) error {
		return dropInline(&u.PrincipalPolicies, "user", in.PolicyName)
	})
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesRequest) (*iamapi.ListUserPoliciesResponse, error) {
	user, err := userNamed(s.db.Read(), caller.From(ctx).Account, in.UserName)
	if err != nil {
		return nil, err
	}
	names, truncated, marker, err := page(inlineNames(&user.PrincipalPolicies), itself, in.Marker, in.MaxItems)
	return &iamapi.ListUserPoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

// listedUser is a user as lists have it, without tags and boundary.
func listedUser(u *state.User) iamapi.User {
	out := userOut(u)
	out.Tags, out.PermissionsBoundary = nil, nil
	return *out
}

// UpdateUser gives a user another name or path. Its keys, policies and id stay.
func (s *Service) UpdateUser(ctx context.Context, in *iamapi.UpdateUserRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := userNamed(tx, caller.From(ctx).Account, in.UserName)
		if err != nil {
			return err
		}
		user := *old
		if in.NewPath != "" {
			if user.Path, err = pathOf(in.NewPath); err != nil {
				return err
			}
		}
		if in.NewUserName != "" && in.NewUserName != old.Name {
			user.Name = in.NewUserName
			if _, taken := state.Users.Get(tx, user.Key()); taken && user.Key() != old.Key() {
				return alreadyExists("User with name %s already exists.", user.Name)
			}
			for _, k := range slices.Collect(state.AccessKeys.By(tx, "user", old.Key())) {
				state.AccessKeys.Update(tx, k.ID, func(k *state.AccessKey) { k.User = user.Name })
			}
			state.Users.Delete(tx, old.Key())
		}
		state.Users.Put(tx, &user)
		return nil
	})
}

// PutUserPermissionsBoundary sets a user's permissions boundary.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iamapi.PutUserPermissionsBoundaryRequest) error {
	return s.changeUser(ctx, in.UserName, func(tx *store.Tx, u *state.User) error {
		u.Boundary = in.PermissionsBoundary
		return checkBoundary(tx, u.Account, u.Boundary)
	})
}

// DeleteUserPermissionsBoundary removes a user's permissions boundary.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iamapi.DeleteUserPermissionsBoundaryRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) error { u.Boundary = ""; return nil })
}

func userOut(u *state.User) *iamapi.User {
	return &iamapi.User{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN(), CreateDate: u.CreatedAt, PermissionsBoundary: boundaryOut(u.Boundary), Tags: tagsOut(u.Tags)}
}
