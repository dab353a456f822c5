package iam

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
)

func TestGroupsGiveTheirMembersPermissions(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	w.policy(t)
	_, err := w.api.CreateGroup(w.ctx, &iamapi.CreateGroupRequest{GroupName: "team", Path: "/a/"})
	ok(t, err)
	_, err = w.api.CreateGroup(w.ctx, &iamapi.CreateGroupRequest{GroupName: "Team"})
	fails(t, err, "EntityAlreadyExists: Group with name Team already exists.")
	bob := caller.With(t.Context(), caller.Identity{Account: acct, Type: caller.User, ARN: "arn:aws:iam::000000000000:user/bob", UserID: "AIDABOB"})
	may := func(action string) bool { return w.auth.Check(bob, action, "arn:aws:s3:::b/k", nil) == nil }
	if may("s3:GetObject") {
		t.Fatal("allowed without a policy")
	}
	ok(t, w.api.AttachGroupPolicy(w.ctx, &iamapi.AttachGroupPolicyRequest{GroupName: "team", PolicyArn: ownPol}))
	ok(t, w.api.PutGroupPolicy(w.ctx, &iamapi.PutGroupPolicyRequest{GroupName: "team", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}`}))
	if may("s3:GetObject") {
		t.Error("a group's policy holds for one who is not in it")
	}
	ok(t, w.api.AddUserToGroup(w.ctx, &iamapi.AddUserToGroupRequest{GroupName: "team", UserName: "bob"}))
	if !may("s3:GetObject") || !may("s3:PutObject") || may("s3:DeleteObject") {
		t.Error("a group's policies do not hold for its member")
	}
	fails(t, w.api.DeleteGroup(w.ctx, &iamapi.DeleteGroupRequest{GroupName: "team"}), "DeleteConflict: Cannot delete entity, must remove users from group first.")
	fails(t, w.api.DeleteUser(w.ctx, &iamapi.DeleteUserRequest{UserName: "bob"}), "DeleteConflict: Cannot delete entity, must remove users from group first.")
	ok(t, w.api.UpdateGroup(w.ctx, &iamapi.UpdateGroupRequest{GroupName: "team", NewGroupName: "crew"}))
	got, err := w.api.GetGroup(w.ctx, &iamapi.GetGroupRequest{GroupName: "crew"})
	if err != nil || len(got.Users) != 1 || got.Users[0].UserName != "bob" || got.Group.Arn != "arn:aws:iam::000000000000:group/a/crew" {
		t.Errorf("%+v %v", got, err)
	}
	of, err := w.api.ListGroupsForUser(w.ctx, &iamapi.ListGroupsForUserRequest{UserName: "bob"})
	if err != nil || len(of.Groups) != 1 || of.Groups[0].GroupName != "crew" || !may("s3:GetObject") {
		t.Errorf("%+v %v", of, err)
	}
	entities, err := w.api.ListEntitiesForPolicy(w.ctx, &iamapi.ListEntitiesForPolicyRequest{PolicyArn: ownPol})
	if err != nil || len(entities.PolicyGroups) != 1 || entities.PolicyGroups[0].GroupName != "crew" {
		t.Errorf("%+v %v", entities, err)
	}
	ok(t, w.api.RemoveUserFromGroup(w.ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: "crew", UserName: "bob"}))
	if may("s3:GetObject") {
		t.Error("allowed after leaving the group")
	}
	fails(t, w.api.DeleteGroup(w.ctx, &iamapi.DeleteGroupRequest{GroupName: "crew"}), "DeleteConflict: Cannot delete entity, must detach all policies first.")
	ok(t, w.api.DetachGroupPolicy(w.ctx, &iamapi.DetachGroupPolicyRequest{GroupName: "crew", PolicyArn: ownPol}))
	ok(t, w.api.DeleteGroupPolicy(w.ctx, &iamapi.DeleteGroupPolicyRequest{GroupName: "crew", PolicyName: "p"}))
	ok(t, w.api.DeleteGroup(w.ctx, &iamapi.DeleteGroupRequest{GroupName: "crew"}))
	_, err = w.api.GetGroup(w.ctx, &iamapi.GetGroupRequest{GroupName: "crew"})
	fails(t, err, "NoSuchEntity: The group with name crew cannot be found.")
	ok(t, w.api.DeleteUser(w.ctx, &iamapi.DeleteUserRequest{UserName: "bob"}))
}

func TestAUserIsInTenGroupsAtMost(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	var err error
	for i := range 11 {
		name := "g" + string(rune('a'+i))
		_, made := w.api.CreateGroup(w.ctx, &iamapi.CreateGroupRequest{GroupName: name})
		ok(t, made)
		err = w.api.AddUserToGroup(w.ctx, &iamapi.AddUserToGroupRequest{GroupName: name, UserName: "bob"})
	}
	fails(t, err, "LimitExceeded: Cannot exceed quota for GroupsPerUser: 10")
}

func TestInstanceProfiles(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	out, err := w.api.CreateInstanceProfile(w.ctx, &iamapi.CreateInstanceProfileRequest{InstanceProfileName: "p", Tags: []iamapi.Tag{{Key: "a", Value: "1"}}})
	if err != nil || out.InstanceProfile.Arn != "arn:aws:iam::000000000000:instance-profile/p" || out.InstanceProfile.InstanceProfileId[:4] != "AIPA" || len(out.InstanceProfile.Tags) != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	add := &iamapi.AddRoleToInstanceProfileRequest{InstanceProfileName: "p", RoleName: "r"}
	ok(t, w.api.AddRoleToInstanceProfile(w.ctx, add))
	fails(t, w.api.AddRoleToInstanceProfile(w.ctx, add), "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	fails(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "r"}), "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.")
	fails(t, w.api.DeleteInstanceProfile(w.ctx, &iamapi.DeleteInstanceProfileRequest{InstanceProfileName: "p"}), "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.")
	list, err := w.api.ListInstanceProfilesForRole(w.ctx, &iamapi.ListInstanceProfilesForRoleRequest{RoleName: "r"})
	if err != nil || len(list.InstanceProfiles) != 1 || list.InstanceProfiles[0].Roles[0].RoleName != "r" {
		t.Errorf("%+v %v", list, err)
	}
	ok(t, w.api.RemoveRoleFromInstanceProfile(w.ctx, &iamapi.RemoveRoleFromInstanceProfileRequest{InstanceProfileName: "p", RoleName: "r"}))
	ok(t, w.api.DeleteInstanceProfile(w.ctx, &iamapi.DeleteInstanceProfileRequest{InstanceProfileName: "p"}))
	_, err = w.api.GetInstanceProfile(w.ctx, &iamapi.GetInstanceProfileRequest{InstanceProfileName: "p"})
	fails(t, err, "NoSuchEntity: Instance Profile p cannot be found.")
}

// TestAnInstanceProfileTakesARoleThatMayBePassed: who may fill profiles may not
// thereby hand over every role.
func TestAnInstanceProfileTakesARoleThatMayBePassed(t *testing.T) {
	w := newWorld(t)
	w.role(t, "admin")
	w.user(t, "bob")
	_, err := w.api.CreateInstanceProfile(w.ctx, &iamapi.CreateInstanceProfileRequest{InstanceProfileName: "p"})
	ok(t, err)
	bob := caller.With(t.Context(), caller.Identity{Account: acct, Type: caller.User, ARN: "arn:aws:iam::000000000000:user/bob", UserID: "AIDABOB"})
	allow := func(statement string) {
		ok(t, w.api.PutUserPolicy(w.ctx, &iamapi.PutUserPolicyRequest{UserName: "bob", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"},` + statement + `]}`}))
	}
	add := &iamapi.AddRoleToInstanceProfileRequest{InstanceProfileName: "p", RoleName: "admin"}
	allow(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}`)
	if err := w.api.AddRoleToInstanceProfile(bob, add); err == nil {
		t.Error("a role for tasks was passed to EC2")
	}
	allow(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::000000000000:role/admin","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}`)
	ok(t, w.api.AddRoleToInstanceProfile(bob, add))
}

func TestOpenIDConnectProviders(t *testing.T) {
	w := newWorld(t)
	const providerARN = "arn:aws:iam::000000000000:oidc-provider/issuer.example/path"
	in := &iamapi.CreateOpenIDConnectProviderRequest{Url: "https://issuer.example/path", ClientIDList: []string{"sts.amazonaws.com"}}
	out, err := w.api.CreateOpenIDConnectProvider(w.ctx, in)
	if err != nil || out.OpenIDConnectProviderArn != providerARN {
		t.Fatalf("%+v %v", out, err)
	}
	_, err = w.api.CreateOpenIDConnectProvider(w.ctx, in)
	fails(t, err, "EntityAlreadyExists: Provider with url https://issuer.example/path already exists.")
	for _, bad := range []string{"http://issuer.example", "issuer.example", "https://user@issuer.example", "https://issuer.example?x=1", "ftp://127.0.0.1"} {
		_, err = w.api.CreateOpenIDConnectProvider(w.ctx, &iamapi.CreateOpenIDConnectProviderRequest{Url: bad})
		fails(t, err, "ValidationError: Invalid Open ID Connect Provider URL")
	}
	ok(t, w.api.AddClientIDToOpenIDConnectProvider(w.ctx, &iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "mine"}))
	got, err := w.api.GetOpenIDConnectProvider(w.ctx, &iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN})
	if err != nil || got.Url != "issuer.example/path" || !slices.Equal(got.ClientIDList, []string{"sts.amazonaws.com", "mine"}) {
		t.Errorf("%+v %v", got, err)
	}
	ok(t, w.api.RemoveClientIDFromOpenIDConnectProvider(w.ctx, &iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "mine"}))
	for range 2 { // deleting again is no error
		ok(t, w.api.DeleteOpenIDConnectProvider(w.ctx, &iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN}))
	}
	_, err = w.api.GetOpenIDConnectProvider(w.ctx, &iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN})
	fails(t, err, "NoSuchEntity: OpenIDConnect Provider not found for arn "+providerARN)
}

func TestUsersMove(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	w.user(t, "eve")
	key, err := w.api.CreateAccessKey(w.ctx, &iamapi.CreateAccessKeyRequest{UserName: "bob"})
	ok(t, err)
	fails(t, w.api.UpdateUser(w.ctx, &iamapi.UpdateUserRequest{UserName: "bob", NewUserName: "Eve"}), "EntityAlreadyExists: User with name Eve already exists.")
	ok(t, w.api.UpdateUser(w.ctx, &iamapi.UpdateUserRequest{UserName: "bob", NewUserName: "rob", NewPath: "/x/"}))
	_, id, err := w.keys.Lookup(t.Context(), key.AccessKey.AccessKeyId, "", false)
	if err != nil || id.ARN != "arn:aws:iam::000000000000:user/x/rob" {
		t.Errorf("%+v %v", id, err)
	}
	_, err = w.api.GetUser(w.ctx, &iamapi.GetUserRequest{UserName: "bob"})
	fails(t, err, "NoSuchEntity: The user with name bob cannot be found.")
	w.policy(t)
	ok(t, w.api.PutUserPermissionsBoundary(w.ctx, &iamapi.PutUserPermissionsBoundaryRequest{UserName: "rob", PermissionsBoundary: ownPol}))
	got, err := w.api.GetUser(w.ctx, &iamapi.GetUserRequest{UserName: "rob"})
	if err != nil || got.User.PermissionsBoundary == nil || got.User.PermissionsBoundary.PermissionsBoundaryArn != ownPol {
		t.Errorf("%+v %v", got, err)
	}
	ok(t, w.api.DeleteUserPermissionsBoundary(w.ctx, &iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "rob"}))
}

func TestAccountAlias(t *testing.T) {
	w := newWorld(t)
	ok(t, w.api.CreateAccountAlias(w.ctx, &iamapi.CreateAccountAliasRequest{AccountAlias: "mine"}))
	other := caller.With(t.Context(), caller.ForRoot("222222222222", ""))
	fails(t, w.api.CreateAccountAlias(other, &iamapi.CreateAccountAliasRequest{AccountAlias: "mine"}), "EntityAlreadyExists: The account alias mine already exists.")
	out, err := w.api.ListAccountAliases(w.ctx, &iamapi.ListAccountAliasesRequest{})
	if err != nil || !slices.Equal(out.AccountAliases, []string{"mine"}) {
		t.Errorf("%+v %v", out, err)
	}
	ok(t, w.api.DeleteAccountAlias(w.ctx, &iamapi.DeleteAccountAliasRequest{AccountAlias: "mine"}))
	fails(t, w.api.DeleteAccountAlias(w.ctx, &iamapi.DeleteAccountAliasRequest{AccountAlias: "mine"}), "NoSuchEntity: The account alias mine does not exist.")
}
