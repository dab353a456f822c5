package iam

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
)

func TestCredentialReport(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	key, err := w.api.CreateAccessKey(w.ctx, &iamapi.CreateAccessKeyRequest{UserName: "bob"})
	ok(t, err)
	_, err = w.api.GetCredentialReport(w.ctx, &iamapi.GetCredentialReportInput{})
	if err == nil || !strings.HasPrefix(err.Error(), "ReportNotPresent: ") {
		t.Errorf("%v", err)
	}
	for _, want := range []iamapi.ReportStateType{iamapi.ReportStateTypeStarted, iamapi.ReportStateTypeComplete} {
		out, err := w.api.GenerateCredentialReport(w.ctx, &iamapi.GenerateCredentialReportInput{})
		if err != nil || out.State != want {
			t.Errorf("%+v %v, want %s", out, err, want)
		}
	}
	out, err := w.api.GetCredentialReport(w.ctx, &iamapi.GetCredentialReportInput{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out.Content))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "<root_account>" || rows[1][1] != "arn:aws:iam::000000000000:root" {
		t.Fatalf("%q %v", rows, err)
	}
	column := func(name string) string { return rows[2][slices.Index(rows[0], name)] }
	if column("user") != "bob" || column("password_enabled") != "false" || column("access_key_1_active") != "true" || column("access_key_2_active") != "false" || column("access_key_1_last_used_date") != "N/A" {
		t.Errorf("%q", rows[2])
	}
	if strings.Contains(string(out.Content), key.AccessKey.SecretAccessKey) {
		t.Error("the report tells a secret")
	}
}

func TestServiceLastAccessed(t *testing.T) {
	w := newWorld(t)
	w.user(t, "bob")
	got, err := w.api.GetUser(w.ctx, &iamapi.GetUserRequest{UserName: "bob"})
	ok(t, err)
	ok(t, w.api.PutUserPolicy(w.ctx, &iamapi.PutUserPolicyRequest{UserName: "bob", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","ecs:ListClusters"],"Resource":"*"}]}`}))
	bob := caller.With(t.Context(), caller.Identity{Account: acct, Region: "eu-west-1", Type: caller.User, ARN: got.User.Arn, UserID: got.User.UserId})
	ok(t, w.auth.Check(bob, "s3:GetObject", "arn:aws:s3:::b/k", nil))
	job, err := w.api.GenerateServiceLastAccessedDetails(w.ctx, &iamapi.GenerateServiceLastAccessedDetailsRequest{Arn: got.User.Arn, Granularity: iamapi.AccessAdvisorUsageGranularityTypeActionLevel})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.api.GetServiceLastAccessedDetails(w.ctx, &iamapi.GetServiceLastAccessedDetailsRequest{JobId: job.JobId})
	if err != nil || out.JobStatus != iamapi.JobStatusTypeCompleted || len(out.ServicesLastAccessed) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	ecs, s3 := out.ServicesLastAccessed[0], out.ServicesLastAccessed[1]
	if ecs.ServiceNamespace != "ecs" || !ecs.LastAuthenticated.IsZero() || ecs.TotalAuthenticatedEntities != 0 {
		t.Errorf("%+v", ecs)
	}
	if s3.ServiceNamespace != "s3" || s3.LastAuthenticated.IsZero() || s3.LastAuthenticatedEntity != got.User.Arn || s3.LastAuthenticatedRegion != "eu-west-1" || s3.TotalAuthenticatedEntities != 1 ||
		len(s3.TrackedActionsLastAccessed) != 1 || s3.TrackedActionsLastAccessed[0].ActionName != "GetObject" {
		t.Errorf("%+v", s3)
	}
	_, err = w.api.GetServiceLastAccessedDetails(w.ctx, &iamapi.GetServiceLastAccessedDetailsRequest{JobId: "00000000-0000-0000-0000-000000000000"})
	fails(t, err, "NoSuchEntity: No job found for the specified job id")
	_, err = w.api.GenerateServiceLastAccessedDetails(w.ctx, &iamapi.GenerateServiceLastAccessedDetailsRequest{Arn: "arn:aws:iam::000000000000:role/none"})
	fails(t, err, "NoSuchEntity: ARN arn:aws:iam::000000000000:role/none does not exist.")
}

func TestAccountAuthorizationDetails(t *testing.T) {
	w := newWorld(t)
	w.role(t, "r")
	w.user(t, "bob")
	w.policy(t)
	_, err := w.api.CreateGroup(w.ctx, &iamapi.CreateGroupRequest{GroupName: "g"})
	ok(t, err)
	ok(t, w.api.AddUserToGroup(w.ctx, &iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "bob"}))
	ok(t, w.api.AttachRolePolicy(w.ctx, &iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: execution}))
	ok(t, w.api.PutRolePolicy(w.ctx, &iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "p", PolicyDocument: document}))
	out, err := w.api.GetAccountAuthorizationDetails(w.ctx, &iamapi.GetAccountAuthorizationDetailsRequest{})
	if err != nil || len(out.UserDetailList) != 1 || len(out.GroupDetailList) != 1 || len(out.RoleDetailList) != 1 || len(out.Policies) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	r := out.RoleDetailList[0]
	if len(r.RolePolicyList) != 1 || r.AttachedManagedPolicies[0].PolicyArn != execution || !slices.Equal(out.UserDetailList[0].GroupList, []string{"g"}) || len(out.Policies[0].PolicyVersionList) != 1 || out.Policies[0].PolicyVersionList[0].Document == "" {
		t.Errorf("%+v", out)
	}
	// Pages hold everything once.
	one, seen, marker := int32(1), 0, ""
	for {
		p, err := w.api.GetAccountAuthorizationDetails(w.ctx, &iamapi.GetAccountAuthorizationDetailsRequest{MaxItems: &one, Marker: marker})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(p.UserDetailList) + len(p.GroupDetailList) + len(p.RoleDetailList) + len(p.Policies)
		if marker = p.Marker; !p.IsTruncated {
			break
		}
	}
	if seen != 5 {
		t.Errorf("%d entities in pages", seen)
	}
	only, err := w.api.GetAccountAuthorizationDetails(w.ctx, &iamapi.GetAccountAuthorizationDetailsRequest{Filter: []iamapi.EntityType{iamapi.EntityTypeRole}})
	if err != nil || len(only.RoleDetailList) != 1 || len(only.UserDetailList)+len(only.Policies) != 0 {
		t.Errorf("%+v %v", only, err)
	}
}

func TestSimulateCustomPolicy(t *testing.T) {
	w := newWorld(t)
	policyText := "{\n \"Version\":\"2012-10-17\",\n \"Statement\":[\n  {\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::b/${aws:username}/*\"},\n  {\"Effect\":\"Deny\",\"Action\":\"s3:DeleteObject\",\"Resource\":\"*\"}]}"
	boundary := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	in := &iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{policyText}, PermissionsBoundaryPolicyInputList: []string{boundary}, ActionNames: []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::b/bob/x"}}
	out, err := w.api.SimulateCustomPolicy(w.ctx, in)
	if err != nil || len(out.EvaluationResults) != 3 || !slices.Equal(out.EvaluationResults[1].MissingContextValues, []string{"aws:username"}) {
		t.Fatalf("%+v %v", out, err)
	}
	in.ContextEntries = []iamapi.ContextEntry{{ContextKeyName: "aws:username", ContextKeyType: iamapi.ContextKeyTypeEnumString, ContextKeyValues: []string{"bob"}}}
	out, err = w.api.SimulateCustomPolicy(w.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	deleted, got, put := out.EvaluationResults[0], out.EvaluationResults[1], out.EvaluationResults[2]
	if deleted.EvalDecision != "explicitDeny" || len(deleted.MatchedStatements) != 1 || deleted.MatchedStatements[0].StartPosition.Line != 5 || deleted.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary {
		t.Errorf("%+v", deleted)
	}
	if got.EvalDecision != "allowed" || !got.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary || len(got.MissingContextValues) != 0 {
		t.Errorf("%+v", got)
	}
	if s := got.MatchedStatements; len(s) != 1 || s[0].SourcePolicyId != "PolicyInputList.1" || *s[0].StartPosition != (iamapi.Position{Line: 4, Column: 3}) || *s[0].EndPosition != (iamapi.Position{Line: 4, Column: 83}) {
		t.Errorf("%+v %+v", s[0].StartPosition, s[0].EndPosition)
	}
	if put.EvalDecision != "implicitDeny" || put.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary {
		t.Errorf("%+v", put)
	}
	in.ResourcePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/eve"},"Action":"s3:PutObject","Resource":"*"}]}`
	in.PermissionsBoundaryPolicyInputList = nil
	_, err = w.api.SimulateCustomPolicy(w.ctx, in)
	fails(t, err, "InvalidInput: A caller ARN is required when a resource policy is simulated.")
	in.CallerArn, in.ResourceOwner = "arn:aws:iam::222222222222:user/eve", "arn:aws:iam::000000000000:root"
	out, err = w.api.SimulateCustomPolicy(w.ctx, in)
	if err != nil || out.EvaluationResults[2].EvalDecision != "allowed" || out.EvaluationResults[1].EvalDecision != "implicitDeny" {
		t.Errorf("%+v %v", out, err)
	}
	keys, err := w.api.GetContextKeysForCustomPolicy(w.ctx, &iamapi.GetContextKeysForCustomPolicyRequest{PolicyInputList: []string{policyText}})
	if err != nil || !slices.Equal(keys.ContextKeyNames, []string{"aws:username"}) {
		t.Errorf("%+v %v", keys, err)
	}
}
