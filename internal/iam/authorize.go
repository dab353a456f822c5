package iam

import (
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

type (
	resources  = func(caller.Identity, any) []string
	conditions = func(caller.Identity, any) map[string][]string
)

// Authorization says which permission each operation needs, after "Actions,
// resources, and condition keys for AWS Identity and Access Management".
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	on := func(operation string, r resources, c conditions) {
		rules[operation] = []authorize.Rule{{Action: "iam:" + operation, Resources: r, Conditions: s.withResourceTags(r, c)}}
	}
	s.authorizeRoles(on)
	s.authorizeUsers(on)
	s.authorizePolicies(on)
	s.authorizeGroups(on)
	s.authorizeProfiles(on, rules)
	s.authorizeProviders(on)
	on("CreateServiceLinkedRole", func(id caller.Identity, in any) []string {
		l, _ := linkedRole(in.(*iamapi.CreateServiceLinkedRoleRequest).AWSServiceName)
		return []string{"arn:aws:iam::" + id.Account + ":role" + linkedPath + l.service + "/" + l.role}
	}, func(_ caller.Identity, in any) map[string][]string {
		return map[string][]string{"iam:awsservicename": {in.(*iamapi.CreateServiceLinkedRoleRequest).AWSServiceName}}
	})
	on("GetServiceLinkedRoleDeletionStatus", func(id caller.Identity, in any) []string {
		task := strings.TrimPrefix(in.(*iamapi.GetServiceLinkedRoleDeletionStatusRequest).DeletionTaskId, "task/")
		return []string{"arn:aws:iam::" + id.Account + ":role/" + task[:max(0, strings.LastIndexByte(task, '/'))]}
	}, nil)
	on("SimulatePrincipalPolicy", arnOf(func(in *iamapi.SimulatePrincipalPolicyRequest) string { return in.PolicySourceArn }), nil)
	on("GetContextKeysForPrincipalPolicy", arnOf(func(in *iamapi.GetContextKeysForPrincipalPolicyRequest) string { return in.PolicySourceArn }), nil)
	on("GenerateServiceLastAccessedDetails", arnOf(func(in *iamapi.GenerateServiceLastAccessedDetailsRequest) string { return in.Arn }), nil)
	for _, operation := range []string{
		"CreateAccountAlias", "DeleteAccountAlias", "GenerateCredentialReport", "GetAccountAuthorizationDetails", "GetAccountSummary", "GetContextKeysForCustomPolicy",
		"GetCredentialReport", "GetServiceLastAccessedDetails", "ListAccountAliases", "ListGroups", "ListInstanceProfiles", "ListOpenIDConnectProviders",
		"ListPolicies", "ListRoles", "ListUsers", "SimulateCustomPolicy",
	} {
		on(operation, nil, nil)
	}
	for operation, action := range map[string]string{
		"CreateRole": "iam:TagRole", "CreateUser": "iam:TagUser", "CreatePolicy": "iam:TagPolicy", "CreateInstanceProfile": "iam:TagInstanceProfile",
		"CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
	} {
		authorize.TagOnCreate(rules, action, "", nil, operation)
	}
	return authorize.Service{Rules: rules}
}

type ruleMaker = func(string, resources, conditions)

func (s *Service) authorizeRoles(on ruleMaker) {
	on("CreateRole", func(id caller.Identity, in any) []string {
		r := in.(*iamapi.CreateRoleRequest)
		return []string{newARN(id, "role", r.Path, r.RoleName)}
	}, func(_ caller.Identity, in any) map[string][]string {
		r := in.(*iamapi.CreateRoleRequest)
		return withBoundary(requestTags(r.Tags), r.PermissionsBoundary)
	})
	on("AttachRolePolicy", role(s, func(in *iamapi.AttachRolePolicyRequest) string { return in.RoleName }), policyARN(func(in *iamapi.AttachRolePolicyRequest) string { return in.PolicyArn }))
	on("DetachRolePolicy", role(s, func(in *iamapi.DetachRolePolicyRequest) string { return in.RoleName }), policyARN(func(in *iamapi.DetachRolePolicyRequest) string { return in.PolicyArn }))
	on("DeleteRole", role(s, func(in *iamapi.DeleteRoleRequest) string { return in.RoleName }), nil)
	on("DeleteRolePermissionsBoundary", role(s, func(in *iamapi.DeleteRolePermissionsBoundaryRequest) string { return in.RoleName }), nil)
	on("DeleteRolePolicy", role(s, func(in *iamapi.DeleteRolePolicyRequest) string { return in.RoleName }), nil)
	on("DeleteServiceLinkedRole", role(s, func(in *iamapi.DeleteServiceLinkedRoleRequest) string { return in.RoleName }), nil)
	on("GetRole", role(s, func(in *iamapi.GetRoleRequest) string { return in.RoleName }), nil)
	on("GetRolePolicy", role(s, func(in *iamapi.GetRolePolicyRequest) string { return in.RoleName }), nil)
	on("ListAttachedRolePolicies", role(s, func(in *iamapi.ListAttachedRolePoliciesRequest) string { return in.RoleName }), nil)
	on("ListInstanceProfilesForRole", role(s, func(in *iamapi.ListInstanceProfilesForRoleRequest) string { return in.RoleName }), nil)
	on("ListRolePolicies", role(s, func(in *iamapi.ListRolePoliciesRequest) string { return in.RoleName }), nil)
	on("ListRoleTags", role(s, func(in *iamapi.ListRoleTagsRequest) string { return in.RoleName }), nil)
	on("PutRolePermissionsBoundary", role(s, func(in *iamapi.PutRolePermissionsBoundaryRequest) string { return in.RoleName }),
		func(_ caller.Identity, in any) map[string][]string {
			return withBoundary(nil, in.(*iamapi.PutRolePermissionsBoundaryRequest).PermissionsBoundary)
		})
	on("PutRolePolicy", role(s, func(in *iamapi.PutRolePolicyRequest) string { return in.RoleName }), nil)
	on("TagRole", role(s, func(in *iamapi.TagRoleRequest) string { return in.RoleName }), tags(func(in *iamapi.TagRoleRequest) []iamapi.Tag { return in.Tags }))
	on("UntagRole", role(s, func(in *iamapi.UntagRoleRequest) string { return in.RoleName }), tagKeys(func(in *iamapi.UntagRoleRequest) []string { return in.TagKeys }))
	on("UpdateAssumeRolePolicy", role(s, func(in *iamapi.UpdateAssumeRolePolicyRequest) string { return in.RoleName }), nil)
	on("UpdateRole", role(s, func(in *iamapi.UpdateRoleRequest) string { return in.RoleName }), nil)
	on("UpdateRoleDescription", role(s, func(in *iamapi.UpdateRoleDescriptionRequest) string { return in.RoleName }), nil)
}

func (s *Service) authorizeUsers(on ruleMaker) {
	on("CreateUser", func(id caller.Identity, in any) []string {
		r := in.(*iamapi.CreateUserRequest)
		return []string{newARN(id, "user", r.Path, r.UserName)}
	}, func(_ caller.Identity, in any) map[string][]string {
		r := in.(*iamapi.CreateUserRequest)
		return withBoundary(requestTags(r.Tags), r.PermissionsBoundary)
	})
	on("AttachUserPolicy", user(s, func(in *iamapi.AttachUserPolicyRequest) string { return in.UserName }), policyARN(func(in *iamapi.AttachUserPolicyRequest) string { return in.PolicyArn }))
	on("DetachUserPolicy", user(s, func(in *iamapi.DetachUserPolicyRequest) string { return in.UserName }), policyARN(func(in *iamapi.DetachUserPolicyRequest) string { return in.PolicyArn }))
	on("CreateAccessKey", user(s, func(in *iamapi.CreateAccessKeyRequest) string { return in.UserName }), nil)
	on("DeleteAccessKey", user(s, func(in *iamapi.DeleteAccessKeyRequest) string { return in.UserName }), nil)
	on("DeleteUser", user(s, func(in *iamapi.DeleteUserRequest) string { return in.UserName }), nil)
	on("DeleteUserPolicy", user(s, func(in *iamapi.DeleteUserPolicyRequest) string { return in.UserName }), nil)
	on("GetAccessKeyLastUsed", func(id caller.Identity, in any) []string {
		key, ok := state.AccessKeys.Get(s.db.Read(), in.(*iamapi.GetAccessKeyLastUsedRequest).AccessKeyId)
		if !ok || key.User == "" || key.Account != id.Account {
			return nil
		}
		return []string{s.userARN(id, key.User)}
	}, nil)
	on("DeleteUserPermissionsBoundary", user(s, func(in *iamapi.DeleteUserPermissionsBoundaryRequest) string { return in.UserName }), nil)
	on("PutUserPermissionsBoundary", user(s, func(in *iamapi.PutUserPermissionsBoundaryRequest) string { return in.UserName }),
		func(_ caller.Identity, in any) map[string][]string {
			return withBoundary(nil, in.(*iamapi.PutUserPermissionsBoundaryRequest).PermissionsBoundary)
		})
	on("UpdateUser", user(s, func(in *iamapi.UpdateUserRequest) string { return in.UserName }), nil)
	on("GetUser", user(s, func(in *iamapi.GetUserRequest) string { return in.UserName }), nil)
	on("GetUserPolicy", user(s, func(in *iamapi.GetUserPolicyRequest) string { return in.UserName }), nil)
	on("ListAccessKeys", user(s, func(in *iamapi.ListAccessKeysRequest) string { return in.UserName }), nil)
	on("ListAttachedUserPolicies", user(s, func(in *iamapi.ListAttachedUserPoliciesRequest) string { return in.UserName }), nil)
	on("ListGroupsForUser", user(s, func(in *iamapi.ListGroupsForUserRequest) string { return in.UserName }), nil)
	on("ListUserPolicies", user(s, func(in *iamapi.ListUserPoliciesRequest) string { return in.UserName }), nil)
	on("ListUserTags", user(s, func(in *iamapi.ListUserTagsRequest) string { return in.UserName }), nil)
	on("PutUserPolicy", user(s, func(in *iamapi.PutUserPolicyRequest) string { return in.UserName }), nil)
	on("TagUser", user(s, func(in *iamapi.TagUserRequest) string { return in.UserName }), tags(func(in *iamapi.TagUserRequest) []iamapi.Tag { return in.Tags }))
	on("UntagUser", user(s, func(in *iamapi.UntagUserRequest) string { return in.UserName }), tagKeys(func(in *iamapi.UntagUserRequest) []string { return in.TagKeys }))
	on("UpdateAccessKey", user(s, func(in *iamapi.UpdateAccessKeyRequest) string { return in.UserName }), nil)
}

func (s *Service) authorizePolicies(on ruleMaker) {
	on("CreatePolicy", func(id caller.Identity, in any) []string {
		r := in.(*iamapi.CreatePolicyRequest)
		return []string{newARN(id, "policy", r.Path, r.PolicyName)}
	}, tags(func(in *iamapi.CreatePolicyRequest) []iamapi.Tag { return in.Tags }))
	on("CreatePolicyVersion", arnOf(func(in *iamapi.CreatePolicyVersionRequest) string { return in.PolicyArn }), nil)
	on("DeletePolicy", arnOf(func(in *iamapi.DeletePolicyRequest) string { return in.PolicyArn }), nil)
	on("DeletePolicyVersion", arnOf(func(in *iamapi.DeletePolicyVersionRequest) string { return in.PolicyArn }), nil)
	on("GetPolicy", arnOf(func(in *iamapi.GetPolicyRequest) string { return in.PolicyArn }), nil)
	on("GetPolicyVersion", arnOf(func(in *iamapi.GetPolicyVersionRequest) string { return in.PolicyArn }), nil)
	on("ListEntitiesForPolicy", arnOf(func(in *iamapi.ListEntitiesForPolicyRequest) string { return in.PolicyArn }), nil)
	on("ListPolicyTags", arnOf(func(in *iamapi.ListPolicyTagsRequest) string { return in.PolicyArn }), nil)
	on("ListPolicyVersions", arnOf(func(in *iamapi.ListPolicyVersionsRequest) string { return in.PolicyArn }), nil)
	on("SetDefaultPolicyVersion", arnOf(func(in *iamapi.SetDefaultPolicyVersionRequest) string { return in.PolicyArn }), nil)
	on("TagPolicy", arnOf(func(in *iamapi.TagPolicyRequest) string { return in.PolicyArn }), tags(func(in *iamapi.TagPolicyRequest) []iamapi.Tag { return in.Tags }))
	on("UntagPolicy", arnOf(func(in *iamapi.UntagPolicyRequest) string { return in.PolicyArn }), tagKeys(func(in *iamapi.UntagPolicyRequest) []string { return in.TagKeys }))
}

func newARN(id caller.Identity, kind, path, name string) string {
	if path == "" {
		path = "/"
	}
	return "arn:aws:iam::" + id.Account + ":" + kind + path + name
}

// role is the ARN of a role by name, with the path that it has.
func role[T any](s *Service, name func(*T) string) resources {
	return func(id caller.Identity, in any) []string {
		n := name(in.(*T))
		if r, ok := state.Roles.Get(s.db.Read(), state.IAMKey(id.Account, n)); ok {
			return []string{r.ARN()}
		}
		return []string{newARN(id, "role", "", n)}
	}
}

// user is the ARN of a user by name, of the caller when there is none.
func user[T any](s *Service, name func(*T) string) resources {
	return func(id caller.Identity, in any) []string {
		n := name(in.(*T))
		if n == "" {
			if id.Type != caller.User {
				return nil
			}
			return []string{id.ARN}
		}
		return []string{s.userARN(id, n)}
	}
}

func (s *Service) userARN(id caller.Identity, name string) string {
	if u, ok := state.Users.Get(s.db.Read(), state.IAMKey(id.Account, name)); ok {
		return u.ARN()
	}
	return newARN(id, "user", "", name)
}

func arnOf[T any](of func(*T) string) resources {
	return func(_ caller.Identity, in any) []string { return []string{of(in.(*T))} }
}

func policyARN[T any](of func(*T) string) conditions {
	return func(_ caller.Identity, in any) map[string][]string {
		return map[string][]string{"iam:policyarn": {of(in.(*T))}}
	}
}

func tags[T any](of func(*T) []iamapi.Tag) conditions {
	return func(_ caller.Identity, in any) map[string][]string { return requestTags(of(in.(*T))) }
}

func tagKeys[T any](of func(*T) []string) conditions {
	return func(_ caller.Identity, in any) map[string][]string {
		return map[string][]string{"aws:tagkeys": of(in.(*T))}
	}
}

func requestTags(tags []iamapi.Tag) map[string][]string {
	if len(tags) == 0 {
		return nil
	}
	m := map[string][]string{}
	for _, t := range tags {
		m["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		m["aws:tagkeys"] = append(m["aws:tagkeys"], t.Key)
	}
	return m
}

func withBoundary(m map[string][]string, boundary string) map[string][]string {
	if boundary == "" {
		return m
	}
	if m == nil {
		m = map[string][]string{}
	}
	m["iam:permissionsboundary"] = []string{boundary}
	return m
}

// withResourceTags adds aws:ResourceTag and iam:ResourceTag of the one resource
// that an operation of IAM has.
func (s *Service) withResourceTags(r resources, c conditions) conditions {
	if r == nil {
		return c
	}
	return func(id caller.Identity, in any) map[string][]string {
		var m map[string][]string
		if c != nil {
			m = c(id, in)
		}
		for _, resource := range r(id, in) {
			for _, t := range s.tagsOf(resource) {
				if m == nil {
					m = map[string][]string{}
				}
				key := strings.ToLower(t.Key)
				m["aws:resourcetag/"+key], m["iam:resourcetag/"+key] = []string{t.Value}, []string{t.Value}
			}
		}
		return m
	}
}

func (s *Service) tagsOf(resource string) []state.Tag {
	a, err := arn.Parse(resource)
	if err != nil {
		return nil
	}
	tx, key := s.db.Read(), state.IAMKey(a.Account, resource[strings.LastIndexByte(resource, '/')+1:])
	switch a.Type() {
	case "role":
		if r, ok := state.Roles.Get(tx, key); ok {
			return r.Tags
		}
	case "user":
		if u, ok := state.Users.Get(tx, key); ok {
			return u.Tags
		}
	case "instance-profile":
		if p, ok := state.InstanceProfiles.Get(tx, key); ok {
			return p.Tags
		}
	case "oidc-provider":
		if p, ok := state.OIDCProviders.Get(tx, resource); ok {
			return p.Tags
		}
	case "policy":
		if p, ok := state.Policies.Get(tx, key); ok {
			return p.Tags
		}
	}
	return nil
}
