package gateway_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/gateway"
)

// TestAttackSessions: a session is what was sealed, whole, with its own key.
func TestAttackSessions(t *testing.T) {
	f := newFortress(t)
	admin := f.user(home, "admin", everything)
	f.role(home, "app", `{"Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`)
	session := func(g *fortress) sigv4.Credentials {
		c, err := g.keys.Issue(access.Session{Account: home, RoleARN: "arn:aws:iam::" + home + ":role/app", RoleID: "AROAX", Name: "s", Issued: time.Now(), Expires: time.Now().Add(time.Hour)})
		f.must(err)
		return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	}
	good, err := f.tokens.GetSessionToken(caller.With(t.Context(), caller.Identity{Account: home, Type: caller.User, ARN: "arn:aws:iam::" + home + ":user/admin", UserID: f.userID("admin")}), &stsapi.GetSessionTokenRequest{})
	f.must(err)
	mine := sigv4.Credentials{AccessKeyID: good.Credentials.AccessKeyId, SecretAccessKey: good.Credentials.SecretAccessKey, SessionToken: good.Credentials.SessionToken}
	if status, answer := f.query(mine, "sts", whoAmI, nil); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	with := func(change func(*sigv4.Credentials)) sigv4.Credentials { c := mine; change(&c); return c }
	flipped := func(at int) string {
		b, err := base64.StdEncoding.DecodeString(mine.SessionToken)
		f.must(err)
		b[at%len(b)] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	_, encoded := f.message(admin)
	for name, c := range map[string]sigv4.Credentials{
		"no token":                           with(func(c *sigv4.Credentials) { c.SessionToken = "" }),
		"a token without its key":            {AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey, SessionToken: mine.SessionToken},
		"a token of another Neargate":        session(newFortress(t)),
		"a session of a role that never was": session(f),
		"a token cut short":                  with(func(c *sigv4.Credentials) { c.SessionToken = c.SessionToken[:len(c.SessionToken)-8] }),
		"a token that is JSON": with(func(c *sigv4.Credentials) {
			c.SessionToken = base64.StdEncoding.EncodeToString([]byte(`{"Account":"` + home + `"}`))
		}),
		"a sealed message for a token": with(func(c *sigv4.Credentials) { c.SessionToken = encoded }),
		"first bit":                    with(func(c *sigv4.Credentials) { c.SessionToken = flipped(0) }),
		"a bit in the middle":          with(func(c *sigv4.Credentials) { c.SessionToken = flipped(len(c.SessionToken) / 3) }),
		"last bit":                     with(func(c *sigv4.Credentials) { c.SessionToken = flipped(1<<20 - 1) }),
	} {
		status, answer := f.query(c, "sts", whoAmI, nil)
		f.refused(name, status, answer, "InvalidClientTokenId")
	}
	status, answer := f.query(with(func(c *sigv4.Credentials) { c.SecretAccessKey = "guess" }), "sts", whoAmI, nil)
	f.refused("a token without its secret", status, answer, "SignatureDoesNotMatch")
}

func (f *fortress) userID(name string) string {
	out, err := f.iam.GetUser(caller.With(f.t.Context(), caller.ForRoot(home, "")), &iamapi.GetUserRequest{UserName: name})
	f.must(err)
	return out.User.UserId
}

// message gets an encoded authorization message, as EC2's denials carry them.
func (f *fortress) message(sigv4.Credentials) (string, string) {
	guest := caller.Identity{Account: home, Type: caller.User, ARN: "arn:aws:iam::" + home + ":user/none", UserID: "AIDANONE"}
	err := f.auth.Check(caller.With(f.t.Context(), guest), "ec2:DeleteVpc", "*", nil)
	if err == nil {
		f.t.Fatal("allowed")
	}
	_, encoded, _ := strings.Cut(err.Error(), "Encoded authorization failure message: ")
	return err.Error(), encoded
}

// TestAttackEscalation: nobody gets, through something that they may do, what
// they may not.
func TestAttackEscalation(t *testing.T) {
	f := newFortress(t)
	root := caller.With(t.Context(), caller.ForRoot(home, "us-east-1"))
	adminRole := f.role(home, "admin", `{"Effect":"Allow","Principal":{"Service":["ecs-tasks.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}`)
	f.must(f.iam.PutRolePolicy(root, &iamapi.PutRolePolicyRequest{RoleName: "admin", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + everything + `]}`}))
	deployer := f.user(home, "deployer", `{"Effect":"Allow","Action":["ecs:*","iam:CreateInstanceProfile","iam:AddRoleToInstanceProfile","sts:*"],"Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`)
	const denied = "is not authorized to perform: iam:PassRole on resource: "
	definition := func(role string) string {
		return `{"family":"f","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","` + role + `":"` + adminRole + `","containerDefinitions":[{"name":"c","image":"i"}]}`
	}
	for _, role := range []string{"taskRoleArn", "executionRoleArn"} {
		status, answer := f.json(deployer, "ecs", "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition", definition(role), nil)
		f.refused(role+" by RegisterTaskDefinition", status, answer, denied+adminRole)
	}
	admin := f.user(home, "boss", everything)
	if status, answer := f.json(admin, "ecs", "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition", definition("taskRoleArn"), nil); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	f.json(admin, "ecs", "AmazonEC2ContainerServiceV20141113.CreateCluster", "{}", nil)
	network := `"networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"]}}`
	for operation, body := range map[string]string{
		"UpdateService": `{"service":"s","taskDefinition":"f"}`,
		"RunTask":       `{"taskDefinition":"f","launchType":"FARGATE",` + network + `}`,
		"CreateService": `{"serviceName":"s","taskDefinition":"f","desiredCount":1,"launchType":"FARGATE",` + network + `}`,
	} {
		status, answer := f.json(deployer, "ecs", "AmazonEC2ContainerServiceV20141113."+operation, body, nil)
		f.refused("a definition that others registered, by "+operation, status, answer, denied+adminRole)
	}
	status, answer := f.json(deployer, "ecs", "AmazonEC2ContainerServiceV20141113.RunTask", `{"taskDefinition":"f","overrides":{"taskRoleArn":"`+adminRole+`"},"launchType":"FARGATE",`+network+`}`, nil)
	f.refused("an override", status, answer, denied+adminRole)
	if status, answer := f.query(deployer, "iam", url.Values{"Action": {"CreateInstanceProfile"}, "Version": {"2010-05-08"}, "InstanceProfileName": {"p"}}, nil); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	status, answer = f.query(deployer, "iam", url.Values{"Action": {"AddRoleToInstanceProfile"}, "Version": {"2010-05-08"}, "InstanceProfileName": {"p"}, "RoleName": {"admin"}}, nil)
	f.refused("an instance profile", status, answer, denied+adminRole)
	status, answer = f.query(deployer, "sts", url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {adminRole}, "RoleSessionName": {"s1"}}, nil)
	f.refused("a role that trusts services only", status, answer, "AccessDenied")
	for action, more := range map[string]url.Values{
		"PutUserPolicy":          {"UserName": {"deployer"}, "PolicyName": {"p"}, "PolicyDocument": {`{"Version":"2012-10-17","Statement":[` + everything + `]}`}},
		"AttachUserPolicy":       {"UserName": {"deployer"}, "PolicyArn": {"arn:aws:iam::aws:policy/AdministratorAccess"}},
		"CreateAccessKey":        {"UserName": {"boss"}},
		"UpdateAssumeRolePolicy": {"RoleName": {"admin"}, "PolicyDocument": {"{}"}},
		"AddUserToGroup":         {"UserName": {"deployer"}, "GroupName": {"admins"}},
	} {
		form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
		for k, v := range more {
			form[k] = v
		}
		status, answer := f.query(deployer, "iam", form, nil)
		f.refused(action, status, answer, "is not authorized to perform: iam:"+action)
	}
}

// TestAttackOtherAccounts: what belongs to another account is closed, unless
// its owner opens it.
func TestAttackOtherAccounts(t *testing.T) {
	f := newFortress(t)
	owner, eve := f.user(home, "owner", everything), f.user(other, "eve", everything)
	if status, answer := f.s3(owner, "PUT", "/vault", "", nil); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	f.s3(owner, "PUT", "/vault/a", "secret text", nil)
	closed := f.role(home, "closed", `{"Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`)
	for _, c := range [][2]string{{"GET", "/vault/a"}, {"HEAD", "/vault/a"}, {"PUT", "/vault/a"}, {"DELETE", "/vault/a"}, {"GET", "/vault"}, {"DELETE", "/vault"}, {"GET", "/vault?policy"}, {"GET", "/vault?location"}} {
		if status, answer := f.s3(eve, c[0], c[1], "", nil); status != 403 || strings.Contains(answer, "secret text") {
			t.Errorf("%s %s: %d %s", c[0], c[1], status, answer)
		}
	}
	status, answer := f.s3(eve, "PUT", "/vault?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::vault/*"}]}`, nil)
	f.refused("a policy for another's bucket", status, answer, "AccessDenied")
	status, answer = f.query(eve, "sts", url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {closed}, "RoleSessionName": {"s1"}}, nil)
	f.refused("another's role", status, answer, "is not authorized to perform: sts:AssumeRole on resource: "+closed)
	for action, name := range map[string]string{"GetRole": "RoleName", "DeleteRole": "RoleName"} {
		status, answer := f.query(eve, "iam", url.Values{"Action": {action}, "Version": {"2010-05-08"}, name: {"closed"}}, nil)
		f.refused(action, status, answer, "NoSuchEntity")
	}
	status, answer = f.json(eve, "ecs", "AmazonEC2ContainerServiceV20141113.DeleteCluster", `{"cluster":"arn:aws:ecs:us-east-1:`+home+`:cluster/default"}`, nil)
	if status < 400 {
		t.Errorf("another's cluster: %d %s", status, answer)
	}
	// A service that works for everybody does not take one account's role for another's work.
	deputy := f.role(home, "deputy", `{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"`+home+`"},"ArnLike":{"aws:SourceArn":"arn:aws:ecs:us-east-1:`+home+`:*"}}}`)
	assume := func(sourceARN, account string) error {
		_, err := f.tokens.Sessions().AssumeForService(t.Context(), deputy, "ecs-tasks.amazonaws.com", sourceARN, account, "s", time.Hour)
		return err
	}
	f.must(assume("arn:aws:ecs:us-east-1:"+home+":task/c/1", home))
	for name, err := range map[string]error{
		"another account's task":         assume("arn:aws:ecs:us-east-1:"+other+":task/c/1", other),
		"its task under this account":    assume("arn:aws:ecs:us-east-1:"+other+":task/c/1", home),
		"a task of another region":       assume("arn:aws:ecs:eu-west-1:"+home+":task/c/1", home),
		"no task at all":                 assume("", home),
		"something that is not a task's": assume("arn:aws:sns:us-east-1:"+home+":topic", home),
	} {
		if err == nil {
			t.Errorf("the role was assumed for %s", name)
		}
	}
}

// TestAttackOperatorsKey: the well-known key works from this machine's loopback
// and nowhere else.
func TestAttackOperatorsKey(t *testing.T) {
	f := newFortress(t)
	operator := sigv4.Credentials{AccessKeyID: access.OperatorKeyID, SecretAccessKey: access.OperatorKeySecret}
	for _, address := range []string{"127.0.0.1:1", "127.8.9.10:1", "[::1]:1"} {
		f.address = address
		if status, answer := f.query(operator, "sts", whoAmI, nil); status != 200 {
			t.Errorf("%s: %d %s", address, status, answer)
		}
	}
	for _, address := range []string{"10.0.0.4:1", "192.168.1.2:1", "169.254.170.2:1", "203.0.113.1:1", "[2001:db8::1]:1", "[::ffff:10.0.0.1]:1", "", "127.0.0.1"} {
		f.address = address
		for name, attack := range map[string]func(*http.Request){
			"as it is": nil,
			"forwarded": func(r *http.Request) {
				r.Header.Set("X-Forwarded-For", "127.0.0.1")
				r.Header.Set("Forwarded", "for=127.0.0.1")
				r.Header.Set("X-Real-Ip", "127.0.0.1")
			},
		} {
			status, answer := f.query(operator, "sts", whoAmI, attack)
			f.refused(address+" "+name, status, answer, "InvalidClientTokenId")
		}
	}
	// From inside a VPC it does not help to come by the loopback address.
	f.address, f.inside = "127.0.0.1:1", &gateway.Origin{VPC: "vpc-1"}
	status, answer := f.query(operator, "sts", whoAmI, nil)
	f.refused("a container", status, answer, "InvalidClientTokenId")
}

// TestRevokedSessionsEndAtOnce: by the policy that the console writes, by
// deleting the role, the user or the key, and by switching the key off.
func TestRevokedSessionsEndAtOnce(t *testing.T) {
	f := newFortress(t)
	root := caller.With(t.Context(), caller.ForRoot(home, "us-east-1"))
	bob := f.user(home, "bob", everything)
	roleARN := f.role(home, "app", `{"Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`)
	policy := func(name, statement string) {
		f.must(f.iam.PutRolePolicy(root, &iamapi.PutRolePolicyRequest{RoleName: "app", PolicyName: name, PolicyDocument: `{"Version":"2012-10-17","Statement":[` + statement + `]}`}))
	}
	policy("may", everything)
	assume := func() sigv4.Credentials {
		out, err := f.tokens.AssumeRole(caller.With(t.Context(), caller.Identity{Account: home, Type: caller.User, ARN: "arn:aws:iam::" + home + ":user/bob"}), &stsapi.AssumeRoleRequest{RoleArn: roleARN, RoleSessionName: "s1"})
		f.must(err)
		return sigv4.Credentials{AccessKeyID: out.Credentials.AccessKeyId, SecretAccessKey: out.Credentials.SecretAccessKey, SessionToken: out.Credentials.SessionToken}
	}
	lists := func(name string, c sigv4.Credentials, want string) {
		t.Helper()
		status, answer := f.json(c, "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters", "{}", nil)
		if want == "" && status != 200 || want != "" && (status < 400 || !strings.Contains(answer, want)) {
			t.Errorf("%s: %d %s, want %q", name, status, answer, want)
		}
	}
	old := assume()
	lists("a session", old, "")
	policy("AWSRevokeOlderSessions", `{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"`+time.Now().Add(2*time.Second).UTC().Format("2006-01-02T15:04:05.000Z")+`"}}}`)
	lists("an older session after the revocation", old, "with an explicit deny in an identity-based policy")
	policy("AWSRevokeOlderSessions", `{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"`+time.Now().Add(-time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")+`"}}}`)
	lists("a session that is newer than the revocation", assume(), "")

	for _, name := range []string{"may", "AWSRevokeOlderSessions"} {
		f.must(f.iam.DeleteRolePolicy(root, &iamapi.DeleteRolePolicyRequest{RoleName: "app", PolicyName: name}))
	}
	lists("a session of a role that lost its policies", old, "because no identity-based policy allows")
	f.must(f.iam.DeleteRole(root, &iamapi.DeleteRoleRequest{RoleName: "app"}))
	lists("a session of a deleted role", old, "UnrecognizedClientException")
	f.role(home, "app", `{"Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`)
	policy("may", everything)
	lists("a session of a role that was made again", old, "UnrecognizedClientException")

	token, err := f.tokens.GetSessionToken(caller.With(t.Context(), caller.Identity{Account: home, Type: caller.User, ARN: "arn:aws:iam::" + home + ":user/bob", UserID: f.userID("bob")}), &stsapi.GetSessionTokenRequest{})
	f.must(err)
	session := sigv4.Credentials{AccessKeyID: token.Credentials.AccessKeyId, SecretAccessKey: token.Credentials.SecretAccessKey, SessionToken: token.Credentials.SessionToken}
	lists("a user's session", session, "")
	status, answer := f.query(session, "iam", url.Values{"Action": {"ListUsers"}, "Version": {"2010-05-08"}}, nil)
	f.refused("IAM with a user's session", status, answer, "InvalidClientTokenId")
	status, answer = f.query(session, "sts", url.Values{"Action": {"GetFederationToken"}, "Version": {"2011-06-15"}, "Name": {"fred"}}, nil)
	f.refused("a federated user by a user's session", status, answer, "Cannot call GetFederationToken with session credentials")
	f.must(f.iam.UpdateAccessKey(root, &iamapi.UpdateAccessKeyRequest{UserName: "bob", AccessKeyId: bob.AccessKeyID, Status: iamapi.StatusTypeInactive}))
	lists("a key that is switched off", bob, "UnrecognizedClientException")
	f.must(f.iam.UpdateAccessKey(root, &iamapi.UpdateAccessKeyRequest{UserName: "bob", AccessKeyId: bob.AccessKeyID, Status: iamapi.StatusTypeActive}))
	lists("a key that is on again", bob, "")
	f.must(f.iam.DeleteAccessKey(root, &iamapi.DeleteAccessKeyRequest{UserName: "bob", AccessKeyId: bob.AccessKeyID}))
	lists("a deleted key", bob, "UnrecognizedClientException")
	f.must(f.iam.DeleteUserPolicy(root, &iamapi.DeleteUserPolicyRequest{UserName: "bob", PolicyName: "p"}))
	f.must(f.iam.DeleteUser(root, &iamapi.DeleteUserRequest{UserName: "bob"}))
	lists("a session of a deleted user", session, "UnrecognizedClientException")
}
