package gateway_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestAttackBombs: documents and requests that would cost much are refused, or cost little.
func TestAttackBombs(t *testing.T) {
	f := newFortress(t)
	admin := f.user(home, "admin", everything)
	put := func(document string) (int, string) {
		return f.query(admin, "iam", url.Values{"Action": {"PutUserPolicy"}, "Version": {"2010-05-08"}, "UserName": {"admin"}, "PolicyName": {"bomb"}, "PolicyDocument": {document}}, nil)
	}
	statement := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"` + resource + `"}]}`
	}
	for name, c := range map[string][2]string{
		"nested lists":     {strings.Repeat("[", 50000), "MalformedPolicyDocument"},
		"nested objects":   {strings.Repeat(`{"Statement":`, 5000) + "1" + strings.Repeat("}", 5000), "MalformedPolicyDocument"},
		"nested condition": {strings.Replace(statement("*"), `"Effect"`, `"Condition":`+strings.Repeat(`{"a":`, 100)+`1`+strings.Repeat("}", 100)+`,"Effect"`, 1), "MalformedPolicyDocument"},
		"huge text":        {statement("arn:aws:s3:::" + strings.Repeat("a", 100000)), "LimitExceeded"},
		"larger than any":  {statement("arn:aws:s3:::" + strings.Repeat("a", 200000)), "ValidationError"},
		"many statements":  {`{"Version":"2012-10-17","Statement":[` + strings.TrimSuffix(strings.Repeat(everything+",", 1000), ",") + `]}`, "LimitExceeded"},
		"keys twice":       {`{"Version":"2012-10-17","Version":"2012-10-17","Statement":[` + everything + `]}`, "MalformedPolicyDocument"},
		"zero bytes":       {statement(`arn:aws:s3:::a\u0000b`), "MalformedPolicyDocument"},
		"endless variable": {statement("arn:aws:s3:::" + strings.Repeat("${", 500)), "MalformedPolicyDocument"},
	} {
		status, answer := put(c[0])
		f.refused(name, status, answer, c[1])
	}
	// A pattern that backtracking matchers need longer for than the universe has.
	if status, answer := put(statement("arn:aws:s3:::" + strings.Repeat("a*", 500) + "b")); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	if status, _ := f.s3(admin, "GET", "/vault/"+strings.Repeat("a", 1000), "", nil); status != 404 {
		t.Errorf("status %d", status)
	}
	session := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {f.role(home, "r", `{"Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`)}, "RoleSessionName": {"s1"}, "Policy": {statement("arn:aws:s3:::" + strings.Repeat("a", 5000))}}
	status, answer := f.query(admin, "sts", session, nil)
	f.refused("a long session policy", status, answer, "PackedPolicyTooLarge")
}
