package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// maxPolicy is the size of a bucket policy in bytes.
const maxPolicy = 20 << 10

// PutBucketPolicy puts a resource-based policy on a bucket.
func (s *Service) PutBucketPolicy(ctx context.Context, in *s3api.PutBucketPolicyRequest) error {
	document := strings.TrimSpace(in.Policy)
	if err := checkPolicy(document, in.Bucket); err != nil {
		return err
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		if b.PublicAccessBlock != nil && b.PublicAccessBlock.BlockPublicPolicy && isPublic(document) {
			return errAccessDenied()
		}
		b.Policy = document
		return nil
	})
}

// checkPolicy refuses a document that is no bucket policy, in S3's words.
func checkPolicy(document, bucket string) error {
	malformed := func(text string) error { return errDetailed("MalformedPolicy", 400, text) }
	var fields struct{ Statement statements }
	if !strings.HasPrefix(document, "{") || json.Unmarshal([]byte(document), &fields) != nil {
		return malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	if len(document) > maxPolicy {
		return malformed("Policies may not exceed the maximum allowed size of 20480 bytes")
	}
	if len(fields.Statement) == 0 {
		return malformed("Missing required field Statement")
	}
	if _, err := policy.Parse(document, policy.Resource); err != nil {
		return malformed(worded(err))
	}
	for _, st := range fields.Statement {
		switch {
		case st.Principal == nil && st.NotPrincipal == nil:
			return malformed("Missing required field Principal")
		case st.Resource == nil && st.NotResource == nil:
			return malformed("Missing required field Resource")
		case slices.ContainsFunc(texts(st.Action), func(a string) bool { return a != "*" && !strings.HasPrefix(strings.ToLower(a), "s3:") }):
			return malformed("Policy has invalid action")
		case slices.ContainsFunc(append(texts(st.Resource), texts(st.NotResource)...), func(r string) bool { return !within(r, bucket) }):
			return malformed("Policy has invalid resource")
		}
	}
	return nil
}

// worded is what S3 says where IAM says something else.
func worded(err error) string {
	var e *policy.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	switch e.Reason {
	case policy.InvalidJSON, policy.Syntax:
		return "Policies must be valid JSON and the first byte must be '{'"
	case policy.BadVersion:
		return "The policy must contain a valid version string"
	case policy.BadAction:
		return "Policy has invalid action"
	case policy.BadResource:
		return "Policy has invalid resource"
	case policy.BadPrincipal:
		return "Invalid principal in policy"
	case policy.BadCondition:
		return "Conditions do not apply to combination of actions and resources in statement"
	}
	return e.Message
}

// within says whether a resource of a bucket's policy is the bucket's own.
func within(resource, bucket string) bool {
	if resource == "*" {
		return true
	}
	a, err := arn.Parse(resource)
	if err != nil || a.Service != "s3" {
		return false
	}
	name, _, _ := strings.Cut(a.Resource, "/")
	return name == bucket || strings.ContainsAny(name, "*?") || strings.Contains(name, "${")
}

// GetBucketPolicy returns a bucket's policy.
func (s *Service) GetBucketPolicy(ctx context.Context, in *s3api.GetBucketPolicyRequest) (*s3api.GetBucketPolicyOutput, error) {
	b, err := s.withPolicy(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketPolicyOutput{Policy: b.Policy}, nil
}

// GetBucketPolicyStatus says whether a bucket's policy opens it to the public.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, in *s3api.GetBucketPolicyStatusRequest) (*s3api.GetBucketPolicyStatusOutput, error) {
	b, err := s.withPolicy(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	public := isPublic(b.Policy)
	return &s3api.GetBucketPolicyStatusOutput{PolicyStatus: &s3api.PolicyStatus{IsPublic: &public}}, nil
}

// DeleteBucketPolicy removes a bucket's policy.
func (s *Service) DeleteBucketPolicy(ctx context.Context, in *s3api.DeleteBucketPolicyRequest) error {
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Policy = ""
		return nil
	})
}

func (s *Service) withPolicy(ctx context.Context, name, expectedOwner string) (*state.Bucket, error) {
	b, err := s.bucket(ctx, s.DB.Read(), name, expectedOwner)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, errDetailed("NoSuchBucketPolicy", 404, "The bucket policy does not exist", "BucketName", b.Name)
	}
	return b, nil
}

// narrowing are the condition keys that make an Allow for everybody not public,
// when their value names somebody.
var narrowing = []string{
	"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceaccount", "aws:sourceip", "aws:principalorgid",
	"aws:principalorgpaths", "aws:principalaccount", "aws:userid", "aws:principalarn", "aws:sourceowner", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

// isPublic says whether a policy allows something to everybody, as the block of
// public access understands it.
func isPublic(document string) bool {
	var fields struct{ Statement statements }
	if json.Unmarshal([]byte(document), &fields) != nil {
		return true
	}
	for _, st := range fields.Statement {
		if st.Effect == "Allow" && st.everybody() && !st.narrowed() {
			return true
		}
	}
	return false
}

type statement struct {
	Effect       string
	Action       json.RawMessage
	Resource     json.RawMessage
	NotResource  json.RawMessage
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]json.RawMessage
}

// statements reads a list of statements, or one alone.
type statements []statement

func (s *statements) UnmarshalJSON(raw []byte) error {
	if strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		*s = make(statements, 1)
		return json.Unmarshal(raw, &(*s)[0])
	}
	return json.Unmarshal(raw, (*[]statement)(s))
}

func (st statement) everybody() bool {
	if st.NotPrincipal != nil {
		return true
	}
	var text string
	if json.Unmarshal(st.Principal, &text) == nil {
		return text == "*"
	}
	var kinds map[string]json.RawMessage
	json.Unmarshal(st.Principal, &kinds)
	return slices.Contains(texts(kinds["AWS"]), "*")
}

func (st statement) narrowed() bool {
	for operator, keys := range st.Condition {
		if strings.Contains(operator, "Not") || strings.HasSuffix(operator, "IfExists") {
			continue
		}
		for key, values := range keys {
			if slices.Contains(narrowing, strings.ToLower(key)) && !slices.ContainsFunc(texts(values), func(v string) bool { return v == "*" || v == "0.0.0.0/0" || v == "::/0" }) {
				return true
			}
		}
	}
	return false
}

// texts reads a string or a list of strings.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []string
	json.Unmarshal(raw, &many)
	return many
}
