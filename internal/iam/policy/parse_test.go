package policy

import (
	"errors"
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	wrap := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	ok := `"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`
	trust := `"Effect":"Allow","Action":"sts:AssumeRole"`
	cases := []struct {
		kind   Kind
		text   string
		want   string
		reason Reason
	}{
		{Managed, ``, syntaxText, InvalidJSON},
		{Managed, `{"Version"`, syntaxText, InvalidJSON},
		{Trust, `{"Version"`, "This policy contains invalid Json", InvalidJSON},
		{Managed, `[]`, syntaxText, Syntax},
		{Managed, wrap("{"+ok+"}") + "x", syntaxText, InvalidJSON},
		{Managed, `{"Version":"2012-10-17"}`, syntaxText, Syntax},
		{Managed, `{"Version":"2012-10-17","Statement":[]}`, syntaxText, Syntax},
		{Managed, `{"Version":"2012-10-17","Statement":["x"]}`, syntaxText, Syntax},
		{Managed, `{"Version":"2012-10-17","Statements":[{` + ok + `}]}`, syntaxText, Syntax},
		{Managed, `{"Version":"2012-10-17","Statement":{` + ok + `},"Statement":{` + ok + `}}`, syntaxText, InvalidJSON},
		{Managed, `{"Version":"2013-10-17","Statement":{` + ok + `}}`, syntaxText, BadVersion},
		{Managed, `{"Version":"2008-10-17","Statement":{` + ok + `}}`, "Policy document must be version 2012-10-17 or greater.", BadVersion},
		{Managed, `{"Statement":{` + ok + `}}`, "Policy document must be version 2012-10-17 or greater.", BadVersion},
		{Managed, wrap(`{"Effect":"allow","Action":"*","Resource":"*"}`), legacyText, Syntax},
		{Managed, wrap(`{"Effect":"Maybe","Action":"*","Resource":"*"}`), syntaxText, Syntax},
		{Managed, wrap(`{"Action":"*","Resource":"*"}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"Extra":1}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"NotAction":"s3:*"}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"NotResource":"*"}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"Sid":1}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"Sid":"a b"}`), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*", BadSID},
		{Managed, wrap(`{` + ok + `,"Sid":"a"},{` + ok + `,"Sid":"a"}`), "Statement IDs (SID) in a single policy must be unique.", BadSID},
		{Managed, wrap(`{` + ok + `,"Principal":"*"}`), "Policy document should not specify a principal.", ProhibitedField},
		{Managed, wrap(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions.", MissingField},
		{Managed, wrap(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Policy statement must contain actions.", MissingField},
		{Managed, wrap(`{"Effect":"Allow","Action":[1],"Resource":"*"}`), syntaxText, Syntax},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:GetObject"}`), "Policy statement must contain resources.", MissingField},
		{Managed, wrap(`{"Effect":"Allow","Action":"GetObject","Resource":"*"}`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", BadAction},
		{Managed, wrap(`{"Effect":"Allow","Action":"a:b:c","Resource":"*"}`), "Actions/Condition can contain only one colon.", BadAction},
		{Managed, wrap(`{"Effect":"Allow","Action":"s*:b","Resource":"*"}`), "Vendor s* is not valid", BadAction},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}`), `Resource bucket must be in ARN format or "*".`, BadResource},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:mars:s3:::b"}`), `Partition "mars" is not valid for resource "arn:mars:s3:::b".`, BadResource},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:eu-west-1::b"}`), "Resource arn:aws:s3:eu-west-1::b can not contain region information.", BadResource},
		{Managed, wrap(`{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam:eu-west-1:1:role/x"}`), "IAM resource arn:aws:iam:eu-west-1:1:role/x cannot contain region information.", BadResource},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws"}`), "Resource vendor must be fully qualified and cannot contain regexes.", BadResource},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws::::x"}`), legacyText, BadResource},
		{Managed, wrap(`{` + ok + `,"Condition":{"StringMaybe":{"aws:a":"b"}}}`), syntaxText, BadCondition},
		{Managed, wrap(`{` + ok + `,"Condition":{"NullIfExists":{"aws:a":"true"}}}`), syntaxText, BadCondition},
		{Managed, wrap(`{` + ok + `,"Condition":{"StringEquals":"x"}}`), syntaxText, Syntax},
		{Managed, wrap(`{` + ok + `,"Condition":{"StringEquals":{"aws:a":{}}}}`), syntaxText, BadCondition},
		{Managed, wrap(`{` + ok + `,"Condition":{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}}`), legacyText, BadCondition},
		{Managed, wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username"}`), syntaxText, Syntax},
		{Managed, strings.Repeat("[", 10000), syntaxText, InvalidJSON},
		{Managed, wrap(`{` + ok + `,"Condition":` + strings.Repeat(`{"a":`, 50) + `1` + strings.Repeat(`}`, 50) + `}`), syntaxText, InvalidJSON},
		{Managed, strings.Repeat(" ", MaxSize+1), "The policy is too large", TooLarge},
		{Trust, wrap(`{` + trust + `}`), "Missing required field Principal", MissingField},
		{Trust, wrap(`{` + trust + `,"Principal":{"Service":"ecs.amazonaws.com"},"Resource":"*"}`), "Has prohibited field Resource", ProhibitedField},
		{Trust, wrap(`{` + trust + `,"Principal":{"AWS":"bob"}}`), `Invalid principal in policy: "AWS":"bob"`, BadPrincipal},
		{Trust, wrap(`{` + trust + `,"Principal":{"AWS":"arn:aws:iam::111111111111:role/*"}}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:role/*"`, BadPrincipal},
		{Trust, wrap(`{` + trust + `,"Principal":{"Service":"ecs"}}`), `Invalid principal in policy: "Service":"ecs"`, BadPrincipal},
		{Trust, wrap(`{` + trust + `,"Principal":{"Cat":"x"}}`), `Invalid principal in policy: "Cat"`, BadPrincipal},
		{Trust, wrap(`{` + trust + `,"Principal":{}}`), "Invalid principal in policy", BadPrincipal},
		{Trust, wrap(`{"Effect":"Allow","Action":"s3:*","Principal":"*"}`), "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity", BadAction},
	}
	for _, c := range cases {
		_, err := Parse(c.text, c.kind)
		var e *Error
		if !errors.As(err, &e) || e.Message != c.want || e.Reason != c.reason {
			t.Errorf("%.200s\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
	}{
		{Inline, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		{Trust, `{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"","Effect":"Allow","Principal":{"Service":["ecs.amazonaws.com","ecs-tasks.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`},
		{Resource, `{"Version":"2012-10-17","Statement":[{"Sid":"any thing","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"},"NumericLessThan":{"s3:TlsVersion":1.2}}}]}`},
		{Resource, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*"}]}`},
	} {
		if _, err := Parse(c.text, c.kind); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

// FuzzParse: nothing panics, and what is accepted can be evaluated and explained.
func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["*","111111111111"],"Service":"a.b"},"NotAction":["s3:*"],"NotResource":"arn:aws:s3:::${aws:username, 'x'}/*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a*",true,1]},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2020-01-01"}}}]}`, "s3:GetObject", "arn:aws:s3:::b/k")
	f.Add(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, "iam:*", "*")
	f.Fuzz(func(t *testing.T, text, action, resource string) {
		for kind := Managed; kind <= Resource; kind++ {
			d, err := Parse(text, kind)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Message == "" || e.Reason == 0 {
					t.Fatalf("%v", err)
				}
				continue
			}
			set := &Set{Identity: []Source{{"p", d}}, Resource: &Source{"r", d}}
			req := &Request{Principal: asRole, Action: action, Resource: resource, Context: Keys{"aws:username": {resource}, "aws:tagkeys": {action, resource}}}
			if Evaluate(req, set).Allowed && len(Explain(req, set)) == 0 {
				t.Error("allowed without a statement")
			}
		}
	})
}
