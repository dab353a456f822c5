package iam

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	acct      = access.OperatorAccount
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	document  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	execution = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
	ownPol    = "arn:aws:iam::000000000000:policy/own"
)

// world calls the service as the gateway does, as the operator.
type world struct {
	db   *store.DB
	keys *access.Keys
	auth *access.Authorizer
	iam  *Service
	ctx  context.Context
	api  iamapi.API
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	seal := seal.Temporary()
	w := &world{db: db, keys: access.NewKeys(db, seal), ctx: caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))}
	w.auth = access.NewAuthorizer(w.keys, decision.Discard)
	w.iam = New(db, seal, w.auth)
	w.api = iamapi.NewClient(w)
	return w
}

// Invoke does what the gateway does between validation and handler.
func (w *world) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	if err := wire.Validate(service.Operation(operation), in); err != nil {
		return nil, err
	}
	if err := w.auth.CheckOperation(ctx, w.iam.Authorization(), operation, in); err != nil {
		return nil, err
	}
	return iamapi.Bind(w.iam)[operation](ctx, in)
}

func (w *world) role(t testing.TB, name string) {
	t.Helper()
	if _, err := w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trust}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) user(t testing.TB, name string) {
	t.Helper()
	if _, err := w.api.CreateUser(w.ctx, &iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) policy(t testing.TB) {
	t.Helper()
	if _, err := w.api.CreatePolicy(w.ctx, &iamapi.CreatePolicyRequest{PolicyName: "own", PolicyDocument: document}); err != nil {
		t.Fatal(err)
	}
}

// fails checks an error's code and text.
func fails(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	hour := int32(7200)
	out, err := w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "App", Path: "/team/", AssumeRolePolicyDocument: trust, Description: "d", MaxSessionDuration: &hour, Tags: []iamapi.Tag{{Key: "a", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Role
	plain, err := url.PathUnescape(r.AssumeRolePolicyDocument)
	if r.Arn != "arn:aws:iam::000000000000:role/team/App" || len(r.RoleId) != 21 || !strings.HasPrefix(r.RoleId, "AROA") || plain != trust || err != nil || r.MaxSessionDuration != 7200 || len(r.Tags) != 1 {
		t.Errorf("%+v", r)
	}
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "app", AssumeRolePolicyDocument: trust})
	fails(t, err, "EntityAlreadyExists: Role with name app already exists.")
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "bad", AssumeRolePolicyDocument: "{"})
	fails(t, err, "MalformedPolicyDocument: This policy contains invalid Json")
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "bad", AssumeRolePolicyDocument: strings.Replace(trust, `"Service":"ecs-tasks.amazonaws.com"`, `"AWS":"arn:aws:iam::000000000000:role/none"`, 1)})
	fails(t, err, `MalformedPolicyDocument: Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:role/none"`)
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "bad", AssumeRolePolicyDocument: strings.Replace(trust, `"sts:AssumeRole"`, `["`+strings.Repeat("sts:AssumeRole\",\"", 150)+`sts:AssumeRole"]`, 1)})
	fails(t, err, "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048")
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "bad", AssumeRolePolicyDocument: trust, PermissionsBoundary: ownPol})
	fails(t, err, "NoSuchEntity: Scope ARN: "+ownPol+" does not exist or is not attachable.")
	_, err = w.api.CreateRole(w.ctx, &iamapi.CreateRoleRequest{RoleName: "bad", AssumeRolePolicyDocument: trust, Tags: []iamapi.Tag{{Key: "a"}, {Key: "A"}}})
	fails(t, err, "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	_, err = w.api.GetRole(w.ctx, &iamapi.GetRoleRequest{RoleName: "none"})
	fails(t, err, "NoSuchEntity: The role with name none cannot be found.")
	_, err = w.api.UpdateRole(w.ctx, &iamapi.UpdateRoleRequest{RoleName: "App", Description: "new"})
	ok(t, err)
	ok(t, w.api.PutRolePermissionsBoundary(w.ctx, &iamapi.PutRolePermissionsBoundaryRequest{RoleName: "App", PermissionsBoundary: execution}))
	ok(t, w.api.TagRole(w.ctx, &iamapi.TagRoleRequest{RoleName: "App", Tags: []iamapi.Tag{{Key: "A", Value: "2"}, {Key: "b", Value: ""}}}))
	ok(t, w.api.UntagRole(w.ctx, &iamapi.UntagRoleRequest{RoleName: "App", TagKeys: []string{"B"}}))
	got, err := w.api.GetRole(w.ctx, &iamapi.GetRoleRequest{RoleName: "App"})
	if err != nil || got.Role.Description != "new" || got.Role.MaxSessionDuration != 7200 || got.Role.PermissionsBoundary.PermissionsBoundaryArn != execution ||
		len(got.Role.Tags) != 1 || got.Role.Tags[0] != (iamapi.Tag{Key: "A", Value: "2"}) || got.Role.RoleLastUsed == nil {
		t.Errorf("%+v %v", got.Role, err)
	}
}

func TestRolePolicies(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	fails(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: ownPol + "123"}), "NoSuchEntity: Policy "+ownPol+"123 does not exist or is not attachable.")
	fails(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: "twenty characters long"}), "ValidationError: Invalid ARN:  Could not be parsed!")
	fails(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "none", PolicyArn: execution}), "NoSuchEntity: The role with name none cannot be found.")
	for range 2 {
		ok(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: execution}))
	}
	list, err := w.api.ListAttachedRolePolicies(w.ctx, &iamapi.ListAttachedRolePoliciesRequest{RoleName: "r"})
	if err != nil || len(list.AttachedPolicies) != 1 || list.AttachedPolicies[0].PolicyName != "AmazonECSTaskExecutionRolePolicy" {
		t.Errorf("%+v %v", list, err)
	}
	fails(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "r"}), "DeleteConflict: Cannot delete entity, must detach all policies first.")
	ok(t, w.api.DetachRolePolicy(w.ctx, &iamapi.DetachRolePolicyRequest{RoleName: "r", PolicyArn: execution}))
	fails(t, w.api.DetachRolePolicy(w.ctx, &iamapi.DetachRolePolicyRequest{RoleName: "r", PolicyArn: execution}), "NoSuchEntity: Policy "+execution+" was not found.")

	ok(t, w.api.PutRolePolicy(w.ctx, &iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "p", PolicyDocument: document}))
	fails(t, w.api.PutRolePolicy(w.ctx, &iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "p", PolicyDocument: "x"}), "MalformedPolicyDocument: Syntax errors in policy.")
	big := strings.Replace(document, `"*"`, `["arn:aws:s3:::`+strings.Repeat("x", 11000)+`"]`, 1)
	fails(t, w.api.PutRolePolicy(w.ctx, &iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "q", PolicyDocument: big}), "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r")
	got, err := w.api.GetRolePolicy(w.ctx, &iamapi.GetRolePolicyRequest{RoleName: "r", PolicyName: "p"})
	if plain, _ := url.QueryUnescape(got.PolicyDocument); err != nil || plain != document {
		t.Errorf("%+v %v", got, err)
	}
	_, err = w.api.GetRolePolicy(w.ctx, &iamapi.GetRolePolicyRequest{RoleName: "r", PolicyName: "none"})
	fails(t, err, "NoSuchEntity: The role policy with name none cannot be found.")
	fails(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "r"}), "DeleteConflict: Cannot delete entity, must delete policies first.")
	ok(t, w.api.DeleteRolePolicy(w.ctx, &iamapi.DeleteRolePolicyRequest{RoleName: "r", PolicyName: "p"}))
	ok(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "r"}))
	fails(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "r"}), "NoSuchEntity: The role with name r cannot be found.")
}

func TestAttachQuota(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	for i := range maxAttached + 1 {
		name := fmt.Sprintf("p%d", i)
		if _, err := w.api.CreatePolicy(w.ctx, &iamapi.CreatePolicyRequest{PolicyName: name, PolicyDocument: document}); err != nil {
			t.Fatal(err)
		}
		err := w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: "arn:aws:iam::000000000000:policy/" + name})
		if i < maxAttached {
			ok(t, err)
		} else {
			fails(t, err, "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10")
		}
	}
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	w.policy(t)
	_, err := w.api.CreatePolicy(w.ctx, &iamapi.CreatePolicyRequest{PolicyName: "OWN", PolicyDocument: document})
	fails(t, err, "EntityAlreadyExists: A policy called OWN already exists. Duplicate names are not allowed.")
	_, err = w.api.CreatePolicy(w.ctx, &iamapi.CreatePolicyRequest{PolicyName: "old", PolicyDocument: strings.Replace(document, "2012", "2008", 1)})
	fails(t, err, "MalformedPolicyDocument: Policy document must be version 2012-10-17 or greater.")
	for i := 2; i <= maxVersions; i++ {
		v, err := w.api.CreatePolicyVersion(w.ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: ownPol, PolicyDocument: document, SetAsDefault: i == 2})
		if err != nil || v.PolicyVersion.VersionId != fmt.Sprintf("v%d", i) || v.PolicyVersion.IsDefaultVersion != (i == 2) {
			t.Errorf("%+v %v", v, err)
		}
	}
	_, err = w.api.CreatePolicyVersion(w.ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: ownPol, PolicyDocument: document})
	fails(t, err, "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	fails(t, w.api.DeletePolicyVersion(w.ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: ownPol, VersionId: "v2"}), "DeleteConflict: Cannot delete the default version of a policy.")
	ok(t, w.api.SetDefaultPolicyVersion(w.ctx, &iamapi.SetDefaultPolicyVersionRequest{PolicyArn: ownPol, VersionId: "v3"}))
	ok(t, w.api.DeletePolicyVersion(w.ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: ownPol, VersionId: "v2"}))
	_, err = w.api.GetPolicyVersion(w.ctx, &iamapi.GetPolicyVersionRequest{PolicyArn: ownPol, VersionId: "v2"})
	fails(t, err, "NoSuchEntity: Policy "+ownPol+" version v2 does not exist or is not attachable.")
	versions, err := w.api.ListPolicyVersions(w.ctx, &iamapi.ListPolicyVersionsRequest{PolicyArn: ownPol})
	if err != nil || len(versions.Versions) != 4 || versions.Versions[0].VersionId != "v5" {
		t.Errorf("%+v %v", versions, err)
	}
	w.role(t, "r")
	ok(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: ownPol}))
	got, err := w.api.GetPolicy(w.ctx, &iamapi.GetPolicyRequest{PolicyArn: ownPol})
	if err != nil || got.Policy.AttachmentCount != 1 || got.Policy.DefaultVersionId != "v3" {
		t.Errorf("%+v %v", got, err)
	}
	entities, err := w.api.ListEntitiesForPolicy(w.ctx, &iamapi.ListEntitiesForPolicyRequest{PolicyArn: ownPol})
	if err != nil || len(entities.PolicyRoles) != 1 || entities.PolicyRoles[0].RoleName != "r" {
		t.Errorf("%+v %v", entities, err)
	}
	fails(t, w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: ownPol}), "DeleteConflict: Cannot delete a policy attached to entities.")
	ok(t, w.api.DetachRolePolicy(w.ctx, &iamapi.DetachRolePolicyRequest{RoleName: "r", PolicyArn: ownPol}))
	if err := w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: ownPol}); err == nil || !strings.Contains(err.Error(), "more than one version") {
		t.Error(err)
	}
	for _, v := range []string{"v1", "v4", "v5"} {
		ok(t, w.api.DeletePolicyVersion(w.ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: ownPol, VersionId: v}))
	}
	ok(t, w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: ownPol}))
	fails(t, w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: ownPol}), "NoSuchEntity: Policy "+ownPol+" was not found.")
}

func TestManagedPolicies(t *testing.T) {
	w := newWorld(t)
	got, err := w.api.GetPolicy(w.ctx, &iamapi.GetPolicyRequest{PolicyArn: execution})
	if err != nil || got.Policy.DefaultVersionId != "v1" || got.Policy.Path != "/service-role/" {
		t.Errorf("%+v %v", got, err)
	}
	version, err := w.api.GetPolicyVersion(w.ctx, &iamapi.GetPolicyVersionRequest{PolicyArn: execution, VersionId: "v1"})
	if err != nil || !strings.Contains(version.PolicyVersion.Document, "ecr%3AGetAuthorizationToken") {
		t.Errorf("%+v %v", version, err)
	}
	if err := w.api.DeletePolicy(w.ctx, &iamapi.DeletePolicyRequest{PolicyArn: execution}); err == nil {
		t.Error("an AWS-managed policy was deleted")
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.role(t, fmt.Sprintf("role%02d", i))
	}
	ten := int32(10)
	var names []string
	marker := ""
	for {
		out, err := w.api.ListRoles(w.ctx, &iamapi.ListRolesRequest{MaxItems: &ten, Marker: marker})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Roles {
			names = append(names, r.RoleName)
		}
		if !out.IsTruncated {
			break
		}
		marker = out.Marker
		if len(names) == 10 { // what goes between pages is not missed, nothing comes twice
			ok(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "role09"}))
		}
	}
	if len(names) != 25 || names[10] != "role10" || names[24] != "role24" {
		t.Error(names)
	}
	_, err := w.api.ListRoles(w.ctx, &iamapi.ListRolesRequest{Marker: "***"})
	fails(t, err, "ValidationError: Invalid Marker.")
	all, err := w.api.ListPolicies(w.ctx, &iamapi.ListPoliciesRequest{PathPrefix: "/service-role/"})
	if err != nil || len(all.Policies) < 5 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestUsersAndKeys(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	_, err := w.api.CreateUser(w.ctx, &iamapi.CreateUserRequest{UserName: "Bob"})
	fails(t, err, "EntityAlreadyExists: User with name Bob already exists.")
	ok(t, w.api.PutUserPolicy(w.ctx, &iamapi.PutUserPolicyRequest{UserName: "bob", PolicyName: "self", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*AccessKey*","iam:GetUser"],"Resource":"arn:aws:iam::*:user/${aws:username}"}}`}))
	key, err := w.api.CreateAccessKey(w.ctx, &iamapi.CreateAccessKeyRequest{UserName: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	secret, id, err := w.keys.Lookup(w.ctx, key.AccessKey.AccessKeyId, "", false)
	if err != nil || secret != key.AccessKey.SecretAccessKey || id.ARN != "arn:aws:iam::000000000000:user/bob" {
		t.Fatalf("%+v %v", id, err)
	}
	bob := caller.With(w.ctx, id)
	me, err := w.api.GetUser(bob, &iamapi.GetUserRequest{})
	if err != nil || me.User.UserName != "bob" {
		t.Errorf("%+v %v", me, err)
	}
	_, err = w.api.CreateAccessKey(bob, &iamapi.CreateAccessKeyRequest{})
	ok(t, err)
	_, err = w.api.CreateAccessKey(bob, &iamapi.CreateAccessKeyRequest{})
	fails(t, err, "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2")
	w.user(t, "eve")
	_, err = w.api.CreateAccessKey(bob, &iamapi.CreateAccessKeyRequest{UserName: "eve"})
	fails(t, err, "AccessDenied: User: arn:aws:iam::000000000000:user/bob is not authorized to perform: iam:CreateAccessKey on resource: arn:aws:iam::000000000000:user/eve because no identity-based policy allows the iam:CreateAccessKey action")
	fails(t, w.api.DeleteAccessKey(w.ctx, &iamapi.DeleteAccessKeyRequest{UserName: "eve", AccessKeyId: key.AccessKey.AccessKeyId}), "NoSuchEntity: The Access Key with id "+key.AccessKey.AccessKeyId+" cannot be found.")
	used, err := w.api.GetAccessKeyLastUsed(bob, &iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: key.AccessKey.AccessKeyId})
	if err != nil || used.AccessKeyLastUsed.ServiceName != "N/A" || used.UserName != "bob" {
		t.Errorf("%+v %v", used, err)
	}
	ok(t, w.api.UpdateAccessKey(w.ctx, &iamapi.UpdateAccessKeyRequest{UserName: "bob", AccessKeyId: key.AccessKey.AccessKeyId, Status: iamapi.StatusTypeInactive}))
	if _, _, err := w.keys.Lookup(w.ctx, key.AccessKey.AccessKeyId, "", false); err == nil {
		t.Error("an inactive key works")
	}
	list, err := w.api.ListAccessKeys(w.ctx, &iamapi.ListAccessKeysRequest{UserName: "bob"})
	if err != nil || len(list.AccessKeyMetadata) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	ok(t, w.api.DeleteUserPolicy(w.ctx, &iamapi.DeleteUserPolicyRequest{UserName: "bob", PolicyName: "self"}))
	fails(t, w.api.DeleteUser(w.ctx, &iamapi.DeleteUserRequest{UserName: "bob"}), "DeleteConflict: Cannot delete entity, must delete access keys first.")
	for _, k := range list.AccessKeyMetadata {
		ok(t, w.api.DeleteAccessKey(w.ctx, &iamapi.DeleteAccessKeyRequest{UserName: "bob", AccessKeyId: k.AccessKeyId}))
	}
	ok(t, w.api.DeleteUser(w.ctx, &iamapi.DeleteUserRequest{UserName: "bob"}))
	root, err := w.api.GetUser(w.ctx, &iamapi.GetUserRequest{})
	if err != nil || root.User.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("%+v %v", root, err)
	}
}

func TestServiceLinkedRoles(t *testing.T) {
	w := newWorld(t)
	create := func(in *iamapi.CreateServiceLinkedRoleRequest) error {
		_, err := w.api.CreateServiceLinkedRole(w.ctx, in)
		return err
	}
	fails(t, create(&iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: "ecs.amazonaws.com", CustomSuffix: "x"}), "InvalidInput: Custom suffix is not allowed for ecs.amazonaws.com")
	ok(t, create(&iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: "ecs.amazonaws.com"}))
	fails(t, create(&iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: "ecs.amazonaws.com"}), "InvalidInput: Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.")
	protected := "UnmodifiableEntity: Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS"
	fails(t, w.api.DeleteRole(w.ctx, &iamapi.DeleteRoleRequest{RoleName: "AWSServiceRoleForECS"}), protected)
	fails(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "AWSServiceRoleForECS", PolicyArn: execution}), protected)
	if _, err := w.auth.Trust(access.Assumption{RoleARN: "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", Service: "ecs.amazonaws.com", SourceAccount: acct}); err != nil {
		t.Error(err)
	}
	status := func(role string) *iamapi.GetServiceLinkedRoleDeletionStatusResponse {
		task, err := w.api.DeleteServiceLinkedRole(w.ctx, &iamapi.DeleteServiceLinkedRoleRequest{RoleName: role})
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.api.GetServiceLinkedRoleDeletionStatus(w.ctx, &iamapi.GetServiceLinkedRoleDeletionStatusRequest{DeletionTaskId: task.DeletionTaskId})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cluster := &state.Cluster{Account: acct, Region: "eu-west-1", Name: "c", Status: "ACTIVE"}
	ok(t, w.db.Write(t.Context(), func(tx *store.Tx) error { state.Clusters.Put(tx, cluster); return nil }))
	if s := status("AWSServiceRoleForECS"); s.Status != "FAILED" || s.Reason.RoleUsageList[0].Resources[0] != "arn:aws:ecs:eu-west-1:000000000000:cluster/c" {
		t.Errorf("%+v", s)
	}
	ok(t, w.db.Write(t.Context(), func(tx *store.Tx) error { state.Clusters.Delete(tx, state.Key(acct, "eu-west-1", "c")); return nil }))
	if s := status("AWSServiceRoleForECS"); s.Status != "SUCCEEDED" {
		t.Errorf("%+v", s)
	}
	const balancing = "elasticloadbalancing.amazonaws.com"
	ok(t, w.iam.EnsureLinkedRole(w.ctx, acct, balancing))
	balancer := &state.LoadBalancer{Account: acct, Region: "eu-west-1", Name: "b", Path: "app/b/1"}
	ok(t, w.db.Write(t.Context(), func(tx *store.Tx) error { state.LoadBalancers.Put(tx, balancer); return nil }))
	if s := status("AWSServiceRoleForElasticLoadBalancing"); s.Status != "FAILED" || s.Reason.RoleUsageList[0].Resources[0] != balancer.ARN() {
		t.Errorf("%+v", s)
	}
	ok(t, w.db.Write(t.Context(), func(tx *store.Tx) error { state.LoadBalancers.Delete(tx, balancer.Key()); return nil }))
	if s := status("AWSServiceRoleForElasticLoadBalancing"); s.Status != "SUCCEEDED" {
		t.Errorf("%+v", s)
	}
	for _, l := range linkedRoles {
		ok(t, create(&iamapi.CreateServiceLinkedRoleRequest{AWSServiceName: l.service}))
		list, err := w.api.ListAttachedRolePolicies(w.ctx, &iamapi.ListAttachedRolePoliciesRequest{RoleName: l.role})
		if err != nil || len(list.AttachedPolicies) != 1 {
			t.Errorf("%+v %v", list, err)
			continue
		}
		if _, err := w.api.GetPolicy(w.ctx, &iamapi.GetPolicyRequest{PolicyArn: list.AttachedPolicies[0].PolicyArn}); err != nil {
			t.Errorf("%s: %v", l.role, err)
		}
	}
}

func TestSimulate(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	ok(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: execution}))
	ok(t, w.api.PutRolePolicy(w.ctx, &iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ecr:BatchGetImage","Resource":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}}]}`}))
	out, err := w.api.SimulatePrincipalPolicy(w.ctx, &iamapi.SimulatePrincipalPolicyRequest{PolicySourceArn: "arn:aws:iam::000000000000:role/r", ActionNames: []string{"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "s3:GetObject", "ecs:RunTask"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ecr:GetAuthorizationToken": "allowed", "ecr:BatchGetImage": "explicitDeny", "s3:GetObject": "implicitDeny", "ecs:RunTask": "implicitDeny"}
	for _, r := range out.EvaluationResults {
		if string(r.EvalDecision) != want[r.EvalActionName] {
			t.Errorf("%+v", r)
		}
		if r.EvalActionName == "s3:GetObject" && (len(r.MissingContextValues) != 1 || r.MissingContextValues[0] != "aws:SourceVpce") {
			t.Errorf("%v", r.MissingContextValues)
		}
	}
}

func TestAccountsAreApart(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	w.policy(t)
	other := caller.With(t.Context(), caller.ForRoot("222222222222", "eu-west-1"))
	_, err := w.api.GetRole(other, &iamapi.GetRoleRequest{RoleName: "r"})
	fails(t, err, "NoSuchEntity: The role with name r cannot be found.")
	if _, err := w.api.GetPolicy(other, &iamapi.GetPolicyRequest{PolicyArn: ownPol}); err == nil {
		t.Error("another account's policy was told")
	}
	list, err := w.api.ListRoles(other, &iamapi.ListRolesRequest{})
	if err != nil || len(list.Roles) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestAuthorizationIsComplete: every served operation has an entry.
func TestAuthorizationIsComplete(t *testing.T) {
	rules := newWorld(t).iam.Authorization().Rules
	for name := range iamapi.Model.Operations {
		if len(rules[name]) == 0 {
			t.Errorf("%s has no entry", name)
		}
	}
	for name := range rules {
		if iamapi.Model.Operations[name] == nil {
			t.Errorf("%s is not served", name)
		}
	}
}
