package main

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/iam/policy"
)

// policyText is the text of a policy by the name that a simulation gives it: an
// ARN, or "role/NAME inline policy POLICY"; "" when it cannot be read.
func (s *simulator) policyText(ctx context.Context, id string) string {
	owner, inline, ok := strings.Cut(id, " inline policy ")
	kind, name, _ := strings.Cut(owner, "/")
	encoded := ""
	switch {
	case strings.HasPrefix(id, "arn:"):
		policy, err := s.iam.GetPolicy(ctx, &iamapi.GetPolicyRequest{PolicyArn: id})
		if err != nil {
			return ""
		}
		version, err := s.iam.GetPolicyVersion(ctx, &iamapi.GetPolicyVersionRequest{PolicyArn: id, VersionId: policy.Policy.DefaultVersionId})
		if err != nil {
			return ""
		}
		encoded = version.PolicyVersion.Document
	case !ok:
	case kind == "role":
		if out, err := s.iam.GetRolePolicy(ctx, &iamapi.GetRolePolicyRequest{RoleName: name, PolicyName: inline}); err == nil {
			encoded = out.PolicyDocument
		}
	case kind == "user":
		if out, err := s.iam.GetUserPolicy(ctx, &iamapi.GetUserPolicyRequest{UserName: name, PolicyName: inline}); err == nil {
			encoded = out.PolicyDocument
		}
	case kind == "group":
		if out, err := s.iam.GetGroupPolicy(ctx, &iamapi.GetGroupPolicyRequest{GroupName: name, PolicyName: inline}); err == nil {
			encoded = out.PolicyDocument
		}
	}
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return ""
	}
	return text
}

// statementAt is the Sid of the statement that begins at a place of a policy's
// text, or its number; "" when the text has no statement there.
func statementAt(text string, at *iamapi.Position) string {
	if at == nil {
		return ""
	}
	d, err := policy.Parse(text, policy.Inline)
	if err != nil {
		return ""
	}
	for _, s := range d.Statements {
		if s.Start.Line == int(at.Line) && s.Start.Column == int(at.Column) {
			return cmp.Or(s.SID, strconv.Itoa(s.Index+1))
		}
	}
	return ""
}
