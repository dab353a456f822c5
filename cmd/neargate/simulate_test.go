package main

import (
	"bytes"
	"testing"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

func TestStatementAt(t *testing.T) {
	const text = "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": \"s3:Get*\", \"Resource\": \"*\"},\n  {\"Effect\": \"Deny\", \"Action\": \"s3:Put*\", \"Resource\": \"*\"}\n ]\n}"
	for _, c := range []struct {
		at   *iamapi.Position
		want string
	}{{&iamapi.Position{Line: 4, Column: 3}, "Read"}, {&iamapi.Position{Line: 5, Column: 3}, "2"}, {&iamapi.Position{Line: 9, Column: 1}, ""}, {nil, ""}} {
		if got := statementAt(text, c.at); got != c.want {
			t.Errorf("%+v: %q, want %q", c.at, got, c.want)
		}
	}
	if got := statementAt("no policy", &iamapi.Position{Line: 1, Column: 1}); got != "" {
		t.Errorf("of no policy: %q", got)
	}
}

func TestPrintSimulated(t *testing.T) {
	var out bytes.Buffer
	printSimulated(&out, []simulated{
		{Action: "s3:GetObject", Resource: "*", Decision: "allowed", Statement: "statement Read (line 4) of p"},
		{Action: "s3:PutObject", Resource: "*", Decision: "explicitDeny", Statement: "statement 2 (line 5) of p", Missing: []string{"aws:SourceIp"}},
		{Action: "s3:ListBucket", Resource: "b", Decision: "implicitDeny"},
		{Action: "ecs:RunTask", Resource: "*", Decision: "implicitDeny", Boundary: "denies", Statement: "statement 1 (line 1) of p"},
	})
	want := `✓ s3:GetObject on *: allowed by statement Read (line 4) of p
✗ s3:PutObject on *: denied by statement 2 (line 5) of p
  Note      the policies ask for aws:SourceIp (--context KEY=VALUE)
✗ s3:ListBucket on b: no statement allows it
✗ ecs:RunTask on *: the permissions boundary does not allow it
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestContextEntries(t *testing.T) {
	got, err := contextEntries([]string{"aws:TagKeys=a", "aws:SourceIp=10.0.0.1", "aws:TagKeys=b=c"})
	if err != nil || len(got) != 2 || got[0].ContextKeyType != iamapi.ContextKeyTypeEnumStringList || len(got[0].ContextKeyValues) != 2 || got[0].ContextKeyValues[1] != "b=c" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := contextEntries([]string{"no value"}); err == nil {
		t.Error("a key without a value is taken")
	}
}
