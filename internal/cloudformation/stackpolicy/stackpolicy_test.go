package stackpolicy

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	const all = `{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}`
	for _, c := range []struct {
		name, policy string
		action       Action
		want         string // "" is allowed
	}{
		{"no policy", "", Delete, ""},
		{"all", `{"Statement":[` + all + `]}`, Replace, ""},
		{"one statement", `{"Statement":` + all + `}`, Modify, ""},
		{"nothing said", `{"Statement":[{"Effect":"Allow","Action":"Update:Modify","Principal":"*","Resource":"*"}]}`, Delete, "no statement allows [Update:Delete] for resource [Table]"},
		{"deny", `{"Statement":[` + all + `,{"Effect":"Deny","Action":["Update:Replace","Update:Delete"],"Principal":"*","Resource":"LogicalResourceId/Table"}]}`, Replace,
			"Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource [Table]"},
		{"deny of others", `{"Statement":[` + all + `,{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"LogicalResourceId/Tab"}]}`, Replace, ""},
		{"pattern", `{"Statement":[` + all + `,{"Effect":"Deny","Action":"Update:*","Principal":{"AWS":"*"},"Resource":"LogicalResourceId/T*"}]}`, Modify, "Statement [#2]"},
		{"not this resource", `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","NotResource":"LogicalResourceId/Table"}]}`, Modify, "no statement allows"},
		{"not this action", `{"Statement":[{"Effect":"Allow","NotAction":"Update:Delete","Principal":"*","Resource":"*"}]}`, Delete, "no statement allows"},
		{"type", `{"Statement":[` + all + `,{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*","Condition":{"StringEquals":{"ResourceType":["AWS::S3::Bucket"]}}}]}`, Modify, "Statement [#2]"},
		{"like a type", `{"Statement":[` + all + `,{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*","Condition":{"StringLike":{"ResourceType":["AWS::S3::*"]}}}]}`, Modify, "Statement [#2]"},
		{"another type", `{"Statement":[` + all + `,{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*","Condition":{"StringEquals":{"ResourceType":["AWS::EC2::VPC"]}}}]}`, Modify, ""},
	} {
		p, err := Parse(c.policy)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		err = p.Check(c.action, "Table", "AWS::S3::Bucket")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestInvalidPolicies(t *testing.T) {
	const statement = `{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}`
	for name, text := range map[string]string{
		"no JSON":   "x",
		"empty":     "{}",
		"no list":   `{"Statement":[]}`,
		"effect":    `{"Statement":` + strings.Replace(statement, "Allow", "Maybe", 1) + `}`,
		"action":    `{"Statement":` + strings.Replace(statement, "Update:*", "ec2:RunInstances", 1) + `}`,
		"principal": `{"Statement":` + strings.Replace(statement, `"Principal":"*"`, `"Principal":"me"`, 1) + `}`,
		"resource":  `{"Statement":` + strings.Replace(statement, `"Resource":"*"`, `"Resource":"Table"`, 1) + `}`,
		"none":      `{"Statement":` + strings.Replace(statement, `,"Resource":"*"`, ``, 1) + `}`,
		"both":      `{"Statement":` + strings.Replace(statement, `"Resource":"*"`, `"Resource":"*","NotResource":"*"`, 1) + `}`,
		"pattern":   `{"Statement":` + strings.Replace(statement, `"Resource":"*"`, `"Resource":"LogicalResourceId/["`, 1) + `}`,
		"condition": `{"Statement":` + strings.Replace(statement, `"Resource":"*"`, `"Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"*"}}`, 1) + `}`,
		"member":    `{"Statement":` + strings.Replace(statement, `"Resource":"*"`, `"Resource":"*","Colour":"red"`, 1) + `}`,
		"behind":    `{"Statement":` + statement + `} {}`,
		"long":      `{"Statement":` + statement + strings.Repeat(" ", MaxSize) + `}`,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
