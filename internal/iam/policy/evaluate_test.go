package policy

import (
	"fmt"
	"strings"
	"testing"
)

const (
	acct  = "111111111111"
	other = "222222222222"
	role  = "arn:aws:iam::111111111111:role/app"
	sessn = "arn:aws:sts::111111111111:assumed-role/app/task"
	user  = "arn:aws:iam::111111111111:user/bob"
	s3Key = "arn:aws:s3:::bucket/key"
)

var (
	asRole  = Principal{Account: acct, ARN: sessn, RoleARN: role}
	asUser  = Principal{Account: acct, ARN: user}
	asRoot  = Principal{Account: acct, ARN: "arn:aws:iam::" + acct + ":root", Root: true}
	foreign = Principal{Account: other, ARN: "arn:aws:iam::" + other + ":user/eve"}
	service = Principal{Service: "ecs-tasks.amazonaws.com"}
	nobodyP = Principal{}
)

func doc(t testing.TB, kind Kind, statements ...string) *Document {
	t.Helper()
	d, err := Parse(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`, kind)
	if err != nil {
		t.Fatalf("%v in %s", err, statements)
	}
	return d
}

func src(t testing.TB, kind Kind, statements ...string) *Source {
	return &Source{"policy", doc(t, kind, statements...)}
}

const (
	allowAll  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allowGet  = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}`
	denyGet   = `{"Effect":"Deny","Action":"s3:get*","Resource":"*"}`
	allowPut  = `{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`
	grantAll  = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`
	grantAcct = `{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"*"}`
	grantRole = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/app"},"Action":"s3:GetObject","Resource":"*"}`
	grantSess = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/app/task"},"Action":"s3:GetObject","Resource":"*"}`
	grantUser = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"s3:GetObject","Resource":"*"}`
	grantEve  = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/eve"},"Action":"s3:GetObject","Resource":"*"}`
	grantSvc  = `{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"s3:GetObject","Resource":"*"}`
	blockRole = `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`
)

// TestLogic follows the diagrams of "Policy evaluation logic".
func TestLogic(t *testing.T) {
	type p = []string
	cases := []struct {
		name                                            string
		who                                             Principal
		identity, boundary, session, resource, endpoint p
		required                                        bool
		want                                            string
	}{
		{"nothing", asUser, nil, nil, nil, nil, nil, false, "because no identity-based policy allows"},
		{"identity allows", asUser, p{allowGet}, nil, nil, nil, nil, false, "allow identity-based policy"},
		{"identity denies", asUser, p{allowGet, denyGet}, nil, nil, nil, nil, false, "with an explicit deny in an identity-based policy"},
		{"other action", asUser, p{allowPut}, nil, nil, nil, nil, false, "because no identity-based policy allows"},
		{"boundary misses", asUser, p{allowAll}, p{allowPut}, nil, nil, nil, false, "because no permissions boundary allows"},
		{"boundary denies", asUser, p{allowAll}, p{allowAll, denyGet}, nil, nil, nil, false, "with an explicit deny in a permissions boundary"},
		{"boundary alone", asUser, nil, p{allowAll}, nil, nil, nil, false, "because no identity-based policy allows"},
		{"session misses", asRole, p{allowAll}, nil, p{allowPut}, nil, nil, false, "because no session policy allows"},
		{"session denies", asRole, p{allowAll}, nil, p{allowAll, denyGet}, nil, nil, false, "with an explicit deny in a session policy"},
		{"session and identity", asRole, p{allowAll}, nil, p{allowGet}, nil, nil, false, "allow identity-based policy"},
		{"endpoint misses", asUser, p{allowAll}, nil, nil, nil, p{strings.Replace(grantAll, "GetObject", "PutObject", 1)}, false, "because no VPC endpoint policy allows"},
		{"endpoint allows", asUser, p{allowAll}, nil, nil, nil, p{grantAll}, false, "allow identity-based policy"},
		{"endpoint for another", asUser, p{allowAll}, nil, nil, nil, p{grantEve}, false, "because no VPC endpoint policy allows"},
		{"endpoint denies", asUser, p{allowAll}, nil, nil, nil, p{grantAll, blockRole}, false, "with an explicit deny in a VPC endpoint policy"},

		{"resource grants user", asUser, nil, nil, nil, p{grantUser}, nil, false, "allow resource-based policy"},
		{"resource grants user beyond boundary", asUser, nil, p{allowPut}, nil, p{grantUser}, nil, false, "allow resource-based policy"},
		{"resource grants all", asUser, nil, nil, nil, p{grantAll}, nil, false, "allow resource-based policy"},
		{"resource delegates to account", asUser, nil, nil, nil, p{grantAcct}, nil, false, "because no identity-based policy allows"},
		{"and identity allows", asUser, p{allowGet}, nil, nil, p{grantAcct}, nil, false, "allow identity-based policy"},
		{"resource grants role", asRole, nil, nil, nil, p{grantRole}, nil, false, "allow resource-based policy"},
		{"resource grants role, boundary misses", asRole, nil, p{allowPut}, nil, p{grantRole}, nil, false, "because no permissions boundary allows"},
		{"resource grants role, session misses", asRole, nil, nil, p{allowPut}, p{grantRole}, nil, false, "because no session policy allows"},
		{"resource grants session beyond both", asRole, nil, p{allowPut}, p{allowPut}, p{grantSess}, nil, false, "allow resource-based policy"},
		{"resource grants the best of several", asRole, nil, p{allowPut}, nil, p{grantAcct, grantRole, grantSess}, nil, false, "allow resource-based policy"},
		{"resource grants another user", asUser, nil, nil, nil, p{grantEve}, nil, false, "because no identity-based policy allows"},
		{"identity denies what resource grants", asUser, p{denyGet}, nil, nil, p{grantUser}, nil, false, "with an explicit deny in an identity-based policy"},
		{"resource denies", asUser, p{allowAll}, nil, nil, p{blockRole}, nil, false, "with an explicit deny in a resource-based policy"},

		{"root", asRoot, nil, nil, nil, nil, nil, false, "allow identity-based policy"},
		{"root is bound by resource denies", asRoot, nil, nil, nil, p{blockRole}, nil, false, "with an explicit deny in a resource-based policy"},

		{"required, missing", asUser, p{allowAll}, nil, nil, p{grantEve}, nil, true, "because no resource-based policy allows"},
		{"required, none at all", asUser, p{allowAll}, nil, nil, nil, nil, true, "because no resource-based policy allows"},
		{"required, account", asUser, nil, nil, nil, p{grantAcct}, nil, true, "because no identity-based policy allows"},
		{"required, account and identity", asUser, p{allowGet}, nil, nil, p{grantAcct}, nil, true, "allow identity-based policy"},
		{"required, root", asRoot, nil, nil, nil, p{grantSvc}, nil, true, "because no resource-based policy allows"},
		{"required, root named", asRoot, nil, nil, nil, p{grantAcct}, nil, true, "allow resource-based policy"},

		{"foreign, identity only", foreign, p{allowAll}, nil, nil, nil, nil, false, "because no resource-based policy allows"},
		{"foreign, resource only", foreign, nil, nil, nil, p{grantEve}, nil, false, "because no identity-based policy allows"},
		{"foreign, both", foreign, p{allowAll}, nil, nil, p{grantEve}, nil, false, "allow identity-based policy"},
		{"foreign, everyone", foreign, nil, nil, nil, p{grantAll}, nil, false, "because no identity-based policy allows"},
		{"foreign, boundary misses", foreign, p{allowAll}, p{allowPut}, nil, p{grantEve}, nil, false, "because no permissions boundary allows"},

		{"service granted", service, nil, nil, nil, p{grantSvc}, nil, true, "allow resource-based policy"},
		{"service not granted", service, nil, nil, nil, p{grantUser}, nil, true, "because no resource-based policy allows"},
		{"anonymous, public", nobodyP, nil, nil, nil, p{grantAll}, nil, false, "allow resource-based policy"},
		{"anonymous, private", nobodyP, nil, nil, nil, p{grantUser}, nil, false, "because no resource-based policy allows"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := &Set{ResourceRequired: c.required}
			if c.identity != nil {
				set.Identity = []Source{*src(t, Managed, c.identity...)}
			}
			if c.session != nil {
				set.Session = []Source{*src(t, Inline, c.session...)}
			}
			if c.boundary != nil {
				set.Boundary = src(t, Managed, c.boundary...)
			}
			if c.resource != nil {
				set.Resource = src(t, Resource, c.resource...)
			}
			if c.endpoint != nil {
				set.Endpoint = src(t, Resource, c.endpoint...)
			}
			r := Evaluate(&Request{Principal: c.who, Action: "s3:GetObject", Resource: s3Key, ResourceAccount: acct, Context: Keys{}}, set)
			got := "allow " + r.By.String()
			if !r.Allowed {
				got = strings.TrimSuffix(r.Because("s3:GetObject"), " the s3:GetObject action")
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if (r.Allowed || r.Explicit) && !r.Match.Found() && !c.who.Root {
				t.Error("no deciding statement")
			}
		})
	}
}

// TestStatements: one statement, one request, applies or not.
func TestStatements(t *testing.T) {
	keys := Keys{
		"aws:username": {"bob"}, "aws:principaltag/team": {"red"}, "aws:sourceip": {"10.1.2.3"}, "aws:currenttime": {"2026-11-22T05:00:00Z"},
		"aws:epochtime": {"1795323600"}, "aws:securetransport": {"true"}, "aws:tagkeys": {"a", "b"}, "s3:max-keys": {"10"},
		"aws:sourcearn": {"arn:aws:ecs:eu-west-1:111111111111:task/c/1"}, "aws:sourceaccount": {acct}, "s3:prefix": {"home/*"},
	}
	cases := []struct {
		statement string // without Effect
		action    string
		resource  string
		want      bool
	}{
		{`"Action":"s3:GetObject","Resource":"*"`, "S3:getobject", s3Key, true},
		{`"Action":"S3:GET*","Resource":"*"`, "s3:GetObject", s3Key, true},
		{`"Action":["ec2:*","s3:Get?bject"],"Resource":"*"`, "s3:GetObject", s3Key, true},
		{`"Action":"s3:*Object","Resource":"*"`, "s3:GetObjectAcl", s3Key, false},
		{`"NotAction":"iam:*","Resource":"*"`, "s3:GetObject", s3Key, true},
		{`"NotAction":["iam:*","s3:Get*"],"Resource":"*"`, "s3:GetObject", s3Key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/*"`, "s3:GetObject", "arn:aws:s3:::bucket/a/b/c", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/*"`, "s3:GetObject", "arn:aws:s3:::bucket", false},
		{`"Action":"*","Resource":"arn:aws:s3:::Bucket/*"`, "s3:GetObject", s3Key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::buck?t/k*y"`, "s3:GetObject", s3Key, true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/k?y"`, "s3:GetObject", "arn:aws:s3:::bucket/kéy", true},
		{`"Action":"*","NotResource":"arn:aws:s3:::bucket/*"`, "s3:GetObject", s3Key, false},
		{`"Action":"*","NotResource":"arn:aws:s3:::other/*"`, "s3:GetObject", s3Key, true},
		{`"Action":"ecs:*","Resource":"arn:aws:ecs:*:111111111111:task/*"`, "ecs:StopTask", "*", false},
		{`"Action":"ecs:*","Resource":"*"`, "ecs:ListClusters", "*", true},

		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"`, "s3:GetObject", "arn:aws:s3:::bucket/bob/x", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"`, "s3:GetObject", "arn:aws:s3:::bucket/eve/x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${AWS:UserName}"`, "s3:GetObject", "arn:aws:s3:::bucket/bob", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${aws:userid}/*"`, "s3:GetObject", "arn:aws:s3:::bucket//x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${aws:userid, 'guest'}/*"`, "s3:GetObject", "arn:aws:s3:::bucket/guest/x", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${s3:prefix}"`, "s3:GetObject", "arn:aws:s3:::bucket/home/x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${s3:prefix}"`, "s3:GetObject", "arn:aws:s3:::bucket/home/*", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${*}"`, "s3:GetObject", "arn:aws:s3:::bucket/x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${*}${?}${$}"`, "s3:GetObject", "arn:aws:s3:::bucket/*?$", true},
		{`"Action":"*","Resource":"arn:aws:s3:::bucket/${aws:tagkeys}"`, "s3:GetObject", "arn:aws:s3:::bucket/a", false},
		{`"Action":"*","NotResource":"arn:aws:s3:::bucket/${aws:userid}"`, "s3:GetObject", s3Key, false},

		{cond("StringEquals", "aws:PrincipalTag/Team", "red"), "", "", true},
		{cond("StringEquals", "aws:PrincipalTag/team", "Red"), "", "", false},
		{cond("StringEqualsIgnoreCase", "aws:PrincipalTag/team", "Red"), "", "", true},
		{cond("StringNotEquals", "aws:PrincipalTag/team", "red", "blue"), "", "", false},
		{cond("StringNotEquals", "aws:PrincipalTag/none", "red"), "", "", true},
		{cond("StringEquals", "aws:PrincipalTag/none", "red"), "", "", false},
		{cond("StringEqualsIfExists", "aws:PrincipalTag/none", "red"), "", "", true},
		{cond("StringEqualsIfExists", "aws:PrincipalTag/team", "blue"), "", "", false},
		{cond("StringLike", "aws:PrincipalTag/team", "r*"), "", "", true},
		{cond("StringEquals", "aws:PrincipalTag/team", "r*"), "", "", false},
		{cond("StringNotLike", "aws:PrincipalTag/team", "b*"), "", "", true},
		{cond("StringEquals", "aws:username", "${aws:username}"), "", "", true},
		{cond("StringNotEquals", "aws:username", "${aws:userid}"), "", "", false},
		{cond("stringequals", "AWS:USERNAME", "bob"), "", "", true},
		{cond("Null", "aws:PrincipalTag/none", "true"), "", "", true},
		{cond("Null", "aws:PrincipalTag/team", "true"), "", "", false},
		{cond("Null", "aws:PrincipalTag/team", "false"), "", "", true},
		{cond("Bool", "aws:SecureTransport", "true"), "", "", true},
		{cond("Bool", "aws:SecureTransport", "false"), "", "", false},
		{cond("NumericLessThanEquals", "s3:max-keys", "10"), "", "", true},
		{cond("NumericLessThan", "s3:max-keys", "10"), "", "", false},
		{cond("NumericGreaterThan", "s3:max-keys", "9.5"), "", "", true},
		{cond("NumericEquals", "s3:max-keys", "10.0"), "", "", true},
		{cond("NumericNotEquals", "s3:max-keys", "11"), "", "", true},
		{cond("NumericEquals", "aws:username", "11"), "", "", false},
		{cond("DateLessThan", "aws:CurrentTime", "2026-11-22T06:00:00+00:30"), "", "", true},
		{cond("DateGreaterThan", "aws:EpochTime", "2026-11-22T05:00:00Z"), "", "", false},
		{cond("DateGreaterThanEquals", "aws:EpochTime", "2026-11-22"), "", "", true},
		{cond("IpAddress", "aws:SourceIp", "10.0.0.0/8"), "", "", true},
		{cond("IpAddress", "aws:SourceIp", "10.1.2.3"), "", "", true},
		{cond("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", "192.168.0.0/16"), "", "", false},
		{cond("IpAddress", "aws:SourceIp", "2001:db8::/32"), "", "", false},
		{cond("ArnLike", "aws:SourceArn", "arn:aws:ecs:eu-west-1:111111111111:*"), "", "", true},
		{cond("ArnEquals", "aws:SourceArn", "arn:aws:ecs:*:*:task/*"), "", "", true},
		{cond("ArnLike", "aws:SourceArn", "arn:aws:ecs:*"), "", "", false},
		{cond("ArnNotLike", "aws:SourceArn", "arn:aws:lambda:*:*:*"), "", "", true},
		{cond("ForAllValues:StringEquals", "aws:TagKeys", "a", "b", "c"), "", "", true},
		{cond("ForAllValues:StringEquals", "aws:TagKeys", "a"), "", "", false},
		{cond("ForAllValues:StringEquals", "aws:none", "a"), "", "", true},
		{cond("ForAnyValue:StringEquals", "aws:TagKeys", "b"), "", "", true},
		{cond("ForAnyValue:StringEquals", "aws:none", "b"), "", "", false},
		{cond("ForAnyValue:StringNotEquals", "aws:TagKeys", "b"), "", "", true},
		{cond("ForAllValues:StringNotEquals", "aws:TagKeys", "b"), "", "", false},
		{cond("ForAnyValue:StringLikeIfExists", "aws:none", "b"), "", "", false},
		{`"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob","aws:SourceAccount":"111111111111"},"Bool":{"aws:SecureTransport":true}}`, "", "", true},
		{`"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob","aws:SourceAccount":"222222222222"}}`, "", "", false},
	}
	for _, c := range cases {
		if c.action == "" {
			c.action, c.resource = "s3:GetObject", s3Key
		}
		set := &Set{Identity: []Source{*src(t, Managed, `{"Effect":"Allow",`+c.statement+`}`)}}
		req := &Request{Principal: asUser, Action: c.action, Resource: c.resource, Context: keys}
		if got := Evaluate(req, set).Allowed; got != c.want {
			t.Errorf("%s on %s %s: %v\n%v", c.statement, c.action, c.resource, got, Explain(req, set))
		}
	}
}

func cond(operator, key string, values ...string) string {
	return fmt.Sprintf(`"Action":"*","Resource":"*","Condition":{"%s":{"%s":["%s"]}}`, operator, key, strings.Join(values, `","`))
}

func TestNotPrincipal(t *testing.T) {
	deny := func(principals ...string) string {
		return `{"Effect":"Deny","NotPrincipal":{"AWS":["` + strings.Join(principals, `","`) + `"]},"Action":"*","Resource":"*"}`
	}
	for _, c := range []struct {
		who  Principal
		s    string
		want bool
	}{
		{asUser, deny(user, acct), true},
		{asUser, deny(user), false},
		{asUser, deny(acct), false},
		{asRole, deny(sessn, role, acct), true},
		{asRole, deny(role, acct), false},
		{asRoot, deny(acct), true},
	} {
		set := &Set{Identity: []Source{*src(t, Managed, allowAll)}, Resource: src(t, Resource, c.s)}
		if got := Evaluate(&Request{Principal: c.who, Action: "s3:GetObject", Resource: s3Key, Context: Keys{}}, set).Allowed; got != c.want {
			t.Errorf("%s %s: %v", c.who.ARN, c.s, got)
		}
	}
}

func TestExplain(t *testing.T) {
	d, err := Parse("{\n \"Version\":\"2012-10-17\",\n \"Statement\":[\n  {\"Sid\":\"A\",\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"*\",\n   \"Condition\":{\"StringEquals\":{\"aws:SourceAccount\":\"222222222222\"}}},\n  {\"Sid\":\"B\",\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::x/*\"}]}", Managed)
	if err != nil {
		t.Fatal(err)
	}
	req := &Request{Principal: asUser, Action: "s3:GetObject", Resource: s3Key, Context: Keys{"aws:sourceaccount": {acct}}}
	lines := Explain(req, &Set{Identity: []Source{{"user/bob", d}}})
	if len(lines) != 2 {
		t.Fatal(lines)
	}
	for i, want := range []string{
		"user/bob statement A (line 4): its condition does not hold: StringEquals aws:SourceAccount wants 222222222222, the request has 111111111111",
		"user/bob statement B (line 6): names another resource",
	} {
		if got := lines[i].String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
