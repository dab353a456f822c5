package iam

import (
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

func (s *Service) authorizeGroups(on ruleMaker) {
	on("CreateGroup", func(id caller.Identity, in any) []string {
		r := in.(*iamapi.CreateGroupRequest)
		return []string{newARN(id, "group", r.Path, r.GroupName)}
	}, nil)
	on("AddUserToGroup", group(s, func(in *iamapi.AddUserToGroupRequest) string { return in.GroupName }), nil)
	on("RemoveUserFromGroup", group(s, func(in *iamapi.RemoveUserFromGroupRequest) string { return in.GroupName }), nil)
	on("AttachGroupPolicy", group(s, func(in *iamapi.AttachGroupPolicyRequest) string { return in.GroupName }), policyARN(func(in *iamapi.AttachGroupPolicyRequest) string { return in.PolicyArn }))
	on("DetachGroupPolicy", group(s, func(in *iamapi.DetachGroupPolicyRequest) string { return in.GroupName }), policyARN(func(in *iamapi.DetachGroupPolicyRequest) string { return in.PolicyArn }))
	on("DeleteGroup", group(s, func(in *iamapi.DeleteGroupRequest) string { return in.GroupName }), nil)
	on("DeleteGroupPolicy", group(s, func(in *iamapi.DeleteGroupPolicyRequest) string { return in.GroupName }), nil)
	on("GetGroup", group(s, func(in *iamapi.GetGroupRequest) string { return in.GroupName }), nil)
	on("GetGroupPolicy", group(s, func(in *iamapi.GetGroupPolicyRequest) string { return in.GroupName }), nil)
	on("ListAttachedGroupPolicies", group(s, func(in *iamapi.ListAttachedGroupPoliciesRequest) string { return in.GroupName }), nil)
	on("ListGroupPolicies", group(s, func(in *iamapi.ListGroupPoliciesRequest) string { return in.GroupName }), nil)
	on("PutGroupPolicy", group(s, func(in *iamapi.PutGroupPolicyRequest) string { return in.GroupName }), nil)
	on("UpdateGroup", group(s, func(in *iamapi.UpdateGroupRequest) string { return in.GroupName }), nil)
}

// group is the ARN of a group by name, with the path that it has.
func group[T any](s *Service, name func(*T) string) resources {
	return func(id caller.Identity, in any) []string {
		n := name(in.(*T))
		if g, ok := state.Groups.Get(s.db.Read(), state.IAMKey(id.Account, n)); ok {
			return []string{g.ARN()}
		}
		return []string{newARN(id, "group", "", n)}
	}
}

func (s *Service) authorizeProfiles(on ruleMaker, rules map[string][]authorize.Rule) {
	on("CreateInstanceProfile", func(id caller.Identity, in any) []string {
		r := in.(*iamapi.CreateInstanceProfileRequest)
		return []string{newARN(id, "instance-profile", r.Path, r.InstanceProfileName)}
	}, tags(func(in *iamapi.CreateInstanceProfileRequest) []iamapi.Tag { return in.Tags }))
	on("AddRoleToInstanceProfile", profile(s, func(in *iamapi.AddRoleToInstanceProfileRequest) string { return in.InstanceProfileName }), nil)
	rules["AddRoleToInstanceProfile"] = append(rules["AddRoleToInstanceProfile"], authorize.Rule{
		Action: "iam:PassRole", Resources: role(s, func(in *iamapi.AddRoleToInstanceProfileRequest) string { return in.RoleName }),
		Conditions: func(caller.Identity, any) map[string][]string {
			return map[string][]string{"iam:passedtoservice": {"ec2.amazonaws.com"}}
		},
	})
	on("RemoveRoleFromInstanceProfile", profile(s, func(in *iamapi.RemoveRoleFromInstanceProfileRequest) string { return in.InstanceProfileName }), nil)
	on("DeleteInstanceProfile", profile(s, func(in *iamapi.DeleteInstanceProfileRequest) string { return in.InstanceProfileName }), nil)
	on("GetInstanceProfile", profile(s, func(in *iamapi.GetInstanceProfileRequest) string { return in.InstanceProfileName }), nil)
	on("ListInstanceProfileTags", profile(s, func(in *iamapi.ListInstanceProfileTagsRequest) string { return in.InstanceProfileName }), nil)
	on("TagInstanceProfile", profile(s, func(in *iamapi.TagInstanceProfileRequest) string { return in.InstanceProfileName }), tags(func(in *iamapi.TagInstanceProfileRequest) []iamapi.Tag { return in.Tags }))
	on("UntagInstanceProfile", profile(s, func(in *iamapi.UntagInstanceProfileRequest) string { return in.InstanceProfileName }), tagKeys(func(in *iamapi.UntagInstanceProfileRequest) []string { return in.TagKeys }))
}

// profile is the ARN of an instance profile by name, with the path that it has.
func profile[T any](s *Service, name func(*T) string) resources {
	return func(id caller.Identity, in any) []string {
		n := name(in.(*T))
		if p, ok := state.InstanceProfiles.Get(s.db.Read(), state.IAMKey(id.Account, n)); ok {
			return []string{p.ARN()}
		}
		return []string{newARN(id, "instance-profile", "", n)}
	}
}

func (s *Service) authorizeProviders(on ruleMaker) {
	on("CreateOpenIDConnectProvider", func(id caller.Identity, in any) []string {
		issuer, _, err := issuerOf(in.(*iamapi.CreateOpenIDConnectProviderRequest).Url)
		if err != nil {
			issuer = "*"
		}
		return []string{(&state.OIDCProvider{Account: id.Account, URL: issuer}).ARN()}
	}, tags(func(in *iamapi.CreateOpenIDConnectProviderRequest) []iamapi.Tag { return in.Tags }))
	on("AddClientIDToOpenIDConnectProvider", arnOf(func(in *iamapi.AddClientIDToOpenIDConnectProviderRequest) string { return in.OpenIDConnectProviderArn }), nil)
	on("RemoveClientIDFromOpenIDConnectProvider", arnOf(func(in *iamapi.RemoveClientIDFromOpenIDConnectProviderRequest) string {
		return in.OpenIDConnectProviderArn
	}), nil)
	on("UpdateOpenIDConnectProviderThumbprint", arnOf(func(in *iamapi.UpdateOpenIDConnectProviderThumbprintRequest) string {
		return in.OpenIDConnectProviderArn
	}), nil)
	on("DeleteOpenIDConnectProvider", arnOf(func(in *iamapi.DeleteOpenIDConnectProviderRequest) string { return in.OpenIDConnectProviderArn }), nil)
	on("GetOpenIDConnectProvider", arnOf(func(in *iamapi.GetOpenIDConnectProviderRequest) string { return in.OpenIDConnectProviderArn }), nil)
	on("ListOpenIDConnectProviderTags", arnOf(func(in *iamapi.ListOpenIDConnectProviderTagsRequest) string { return in.OpenIDConnectProviderArn }), nil)
	on("TagOpenIDConnectProvider", arnOf(func(in *iamapi.TagOpenIDConnectProviderRequest) string { return in.OpenIDConnectProviderArn }), tags(func(in *iamapi.TagOpenIDConnectProviderRequest) []iamapi.Tag { return in.Tags }))
	on("UntagOpenIDConnectProvider", arnOf(func(in *iamapi.UntagOpenIDConnectProviderRequest) string { return in.OpenIDConnectProviderArn }), tagKeys(func(in *iamapi.UntagOpenIDConnectProviderRequest) []string { return in.TagKeys }))
}
