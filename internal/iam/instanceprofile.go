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

func profileNamed(tx *store.Tx, account, name string) (*state.InstanceProfile, error) {
	p, ok := state.InstanceProfiles.Get(tx, state.IAMKey(account, name))
	if !ok || p.Name != name {
		return nil, noSuchEntity("Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

// changeProfile applies f to a copy of the caller's instance profile and stores it.
func (s *Service) changeProfile(ctx context.Context, name string, f func(*store.Tx, *state.InstanceProfile) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := profileNamed(tx, caller.From(ctx).Account, name)
		if err != nil {
			return err
		}
		p := *old
		if err := f(tx, &p); err != nil {
			return err
		}
		state.InstanceProfiles.Put(tx, &p)
		return nil
	})
}

// CreateInstanceProfile makes a profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, in *iamapi.CreateInstanceProfileRequest) (*iamapi.CreateInstanceProfileResponse, error) {
	path, err := pathOf(in.Path)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.InstanceProfile{Account: caller.From(ctx).Account, Name: in.InstanceProfileName, Path: path, ID: "AIPA" + ids.Upper(17), CreatedAt: s.now(), Tags: tags}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.InstanceProfiles.Get(tx, p.Key()); taken {
			return alreadyExists("Instance Profile %s already exists.", p.Name)
		}
		if full(tx, state.InstanceProfiles, p.Account, maxInstanceProfiles) {
			return limitExceeded("Cannot exceed quota for InstanceProfilesPerAccount: %d", maxInstanceProfiles)
		}
		state.InstanceProfiles.Put(tx, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateInstanceProfileResponse{InstanceProfile: profileOut(s.db.Read(), p)}, nil
}

// GetInstanceProfile tells about a profile and its role.
func (s *Service) GetInstanceProfile(ctx context.Context, in *iamapi.GetInstanceProfileRequest) (*iamapi.GetInstanceProfileResponse, error) {
	tx := s.db.Read()
	p, err := profileNamed(tx, caller.From(ctx).Account, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetInstanceProfileResponse{InstanceProfile: profileOut(tx, p)}, nil
}

// ListInstanceProfiles lists the profiles below a path.
func (s *Service) ListInstanceProfiles(ctx context.Context, in *iamapi.ListInstanceProfilesRequest) (*iamapi.ListInstanceProfilesResponse, error) {
	tx, profiles := s.db.Read(), []iamapi.InstanceProfile{}
	for p := range state.InstanceProfiles.All(tx, state.Prefix(caller.From(ctx).Account, "")) {
		if strings.HasPrefix(p.Path, in.PathPrefix) {
			profiles = append(profiles, listedProfile(tx, p))
		}
	}
	profiles, truncated, marker, err := page(profiles, profileName, in.Marker, in.MaxItems)
	return &iamapi.ListInstanceProfilesResponse{InstanceProfiles: profiles, IsTruncated: truncated, Marker: marker}, err
}

// ListInstanceProfilesForRole lists the profiles that hand a role over.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleRequest) (*iamapi.ListInstanceProfilesForRoleResponse, error) {
	tx := s.db.Read()
	role, err := roleNamed(tx, caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	profiles, truncated, marker, err := page(profilesOf(tx, role), profileName, in.Marker, in.MaxItems)
	return &iamapi.ListInstanceProfilesForRoleResponse{InstanceProfiles: profiles, IsTruncated: truncated, Marker: marker}, err
}

func profilesOf(tx *store.Tx, role *state.Role) []iamapi.InstanceProfile {
	out := []iamapi.InstanceProfile{}
	for p := range state.InstanceProfiles.By(tx, "role", role.Key()) {
		out = append(out, listedProfile(tx, p))
	}
	return out
}

func profileName(p iamapi.InstanceProfile) string { return p.InstanceProfileName }

// DeleteInstanceProfile deletes a profile that has no role any more.
func (s *Service) DeleteInstanceProfile(ctx context.Context, in *iamapi.DeleteInstanceProfileRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := profileNamed(tx, caller.From(ctx).Account, in.InstanceProfileName)
		switch {
		case err != nil:
			return err
		case p.Role != "":
			return deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		state.InstanceProfiles.Delete(tx, p.Key())
		return nil
	})
}

// AddRoleToInstanceProfile puts a role into a profile; it takes one. The caller
// must be allowed to pass the role to EC2 (see authorize.go).
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, in *iamapi.AddRoleToInstanceProfileRequest) error {
	return s.changeProfile(ctx, in.InstanceProfileName, func(tx *store.Tx, p *state.InstanceProfile) error {
		role, err := roleNamed(tx, p.Account, in.RoleName)
		switch {
		case err != nil:
			return err
		case role.LinkedService != "":
			return protectedRole(role)
		case p.Role != "":
			return limitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.Role = role.Name
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes the role out of a profile.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, in *iamapi.RemoveRoleFromInstanceProfileRequest) error {
	return s.changeProfile(ctx, in.InstanceProfileName, func(_ *store.Tx, p *state.InstanceProfile) error {
		if p.Role != in.RoleName {
			return noSuchEntity("The role with name %s cannot be found.", in.RoleName)
		}
		p.Role = ""
		return nil
	})
}

// TagInstanceProfile adds or replaces tags of a profile.
func (s *Service) TagInstanceProfile(ctx context.Context, in *iamapi.TagInstanceProfileRequest) error {
	return s.changeProfile(ctx, in.InstanceProfileName, func(_ *store.Tx, p *state.InstanceProfile) (err error) {
		p.Tags, err = withTags(ctx, p.Tags, in.Tags)
		return err
	})
}

// UntagInstanceProfile removes tags of a profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, in *iamapi.UntagInstanceProfileRequest) error {
	return s.changeProfile(ctx, in.InstanceProfileName, func(_ *store.Tx, p *state.InstanceProfile) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListInstanceProfileTags lists the tags of a profile.
func (s *Service) ListInstanceProfileTags(ctx context.Context, in *iamapi.ListInstanceProfileTagsRequest) (*iamapi.ListInstanceProfileTagsResponse, error) {
	p, err := profileNamed(s.db.Read(), caller.From(ctx).Account, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := page(tagsOut(p.Tags), tagKey, in.Marker, in.MaxItems)
	return &iamapi.ListInstanceProfileTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func profileOut(tx *store.Tx, p *state.InstanceProfile) *iamapi.InstanceProfile {
	out := listedProfile(tx, p)
	out.Tags = tagsOut(p.Tags)
	return &out
}

// listedProfile is a profile as lists have it, without tags.
func listedProfile(tx *store.Tx, p *state.InstanceProfile) iamapi.InstanceProfile {
	out := iamapi.InstanceProfile{Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: p.ARN(), CreateDate: p.CreatedAt, Roles: []iamapi.Role{}}
	if role, ok := state.Roles.Get(tx, state.IAMKey(p.Account, p.Role)); ok && p.Role != "" {
		r := roleOut(role)
		r.Tags, r.PermissionsBoundary, r.Description, r.MaxSessionDuration = nil, nil, "", 0
		out.Roles = append(out.Roles, *r)
	}
	return out
}
