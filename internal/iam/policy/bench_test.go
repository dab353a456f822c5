package policy

import "testing"

// typical is a task role as templates make them: an inline policy, two managed
// ones, variables, conditions.
func typical(t testing.TB) *Set {
	return &Set{Identity: []Source{
		*src(t, Inline, `{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}`),
		*src(t, Managed, `{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt"],"Resource":"arn:aws:secretsmanager:*:111111111111:secret:app/*","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}}`,
			`{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::bucket/${aws:username, 'key'}","Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`),
		*src(t, Managed, `{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`, `{"Effect":"Deny","NotAction":["s3:*","ecs:*"],"Resource":"*"}`),
	}}
}

var typicalRequest = &Request{Principal: asRole, Action: "s3:GetObject", Resource: s3Key, ResourceAccount: acct,
	Context: Keys{"aws:securetransport": {"true"}, "aws:sourceip": {"10.1.2.3"}}}

func BenchmarkEvaluate(b *testing.B) {
	set := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(typicalRequest, set).Allowed {
			b.Fatal("denied")
		}
	}
}

// TestAllocations: lowering the action is the one allocation of a request.
func TestAllocations(t *testing.T) {
	set := typical(t)
	if n := testing.AllocsPerRun(100, func() { Evaluate(typicalRequest, set) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
