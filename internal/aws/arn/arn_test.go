package arn

import "testing"

func TestParsePrintsBack(t *testing.T) {
	for _, c := range []struct{ text, service, account, kind, id string }{
		{"arn:aws:ecs:eu-west-1:000000000000:cluster/default", "ecs", "000000000000", "cluster", "default"},
		{"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy", "iam", "aws", "policy", "service-role/AmazonECSTaskExecutionRolePolicy"},
		{"arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-AbCdEf", "secretsmanager", "000000000000", "secret", "a/b-AbCdEf"},
		{"arn:aws:s3:::bucket", "s3", "", "", "bucket"},
		{"arn:aws:logs:us-east-1:000000000000:log-group:/ecs/x:*", "logs", "000000000000", "log-group", "/ecs/x:*"},
	} {
		a, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if a.String() != c.text || a.Service != c.service || a.Account != c.account || a.Type() != c.kind || a.ID() != c.id {
			t.Errorf("%s parsed as %+v (type %q, id %q)", c.text, a, a.Type(), a.ID())
		}
	}
	for _, bad := range []string{"", "arn", "arn:aws:s3", "aws:arn:s3:::x", "arn::s3:::x", "arn:aws::a:b:c"} {
		if Is(bad) {
			t.Errorf("%q is taken for an ARN", bad)
		}
	}
}
