package managed

import (
	"testing"

	"github.com/neargate/neargate/internal/iam/policy"
)

// BenchmarkReadOnlyAccess evaluates the longest document that AWS has, over a
// thousand patterns, for an action near its end.
func BenchmarkReadOnlyAccess(b *testing.B) {
	p, ok := Get("arn:aws:iam::aws:policy/ReadOnlyAccess")
	if !ok {
		b.Fatal("ReadOnlyAccess is missing")
	}
	d, err := policy.Parse(p.Document, policy.Managed)
	if err != nil {
		b.Fatal(err)
	}
	set := &policy.Set{Identity: []policy.Source{{Name: p.Name, Document: d}}}
	for _, action := range []string{"xray:GetTraceSummaries", "ecs:DescribeTasks", "ecs:RunTask"} {
		req := &policy.Request{Principal: policy.Principal{Account: "1", ARN: "a"}, Action: action, Resource: "*", Context: policy.Keys{}}
		b.Run(action, func(b *testing.B) {
			for b.Loop() {
				policy.Evaluate(req, set)
			}
		})
	}
}
