package access

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

// TestGlobalKeys: which global condition keys a request has, after "AWS global
// condition context keys". nil: the request does not have the key.
func TestGlobalKeys(t *testing.T) {
	issued := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	user := caller.Identity{Account: acct, Region: "eu-west-1", Type: caller.User, ARN: "arn:aws:iam::111111111111:user/team/bob", UserID: "AIDABOB", Tags: map[string]string{"Team": "red"}, SourceIP: netip.MustParseAddr("203.0.113.1"), SecureTransport: true, UserAgent: "aws-cli/2"}
	role := caller.Identity{Account: acct, Region: "eu-west-1", Type: caller.AssumedRole, ARN: "arn:aws:sts::111111111111:assumed-role/app/s1", RoleARN: roleARN, UserID: "AROAAPP:s1", IssuedAt: issued,
		SourceIP: netip.MustParseAddr("10.0.0.4"), SourceVPC: "vpc-1", SourceVPCE: "vpce-1", SourceIdentity: "bob", Provider: "arn:aws:iam::111111111111:oidc-provider/i"}
	via := user
	via.ViaService = "cloudformation.amazonaws.com"
	federated := caller.Identity{Account: acct, Type: caller.Federated, ARN: "arn:aws:sts::111111111111:federated-user/fred", UserARN: user.ARN, UserID: acct + ":fred", IssuedAt: issued}
	service := caller.ForService("ecs-tasks.amazonaws.com", acct, "eu-west-1")
	root, anonymous := caller.ForRoot(acct, "eu-west-1"), caller.Identity{Type: caller.Anonymous}
	for _, c := range []struct {
		who  caller.Identity
		key  string
		want []string
	}{
		{user, "aws:username", []string{"bob"}},
		{user, "aws:userid", []string{"AIDABOB"}},
		{user, "aws:principalarn", []string{user.ARN}},
		{user, "aws:principaltype", []string{"User"}},
		{user, "aws:principalaccount", []string{acct}},
		{user, "aws:principaltag/team", []string{"red"}},
		{user, "aws:principaltag/none", nil},
		{user, "aws:principalisawsservice", []string{"false"}},
		{user, "aws:sourceip", []string{"203.0.113.1"}},
		{user, "aws:vpcsourceip", nil},
		{user, "aws:sourcevpc", nil},
		{user, "aws:sourcevpce", nil},
		{user, "aws:tokenissuetime", nil},
		{user, "aws:multifactorauthpresent", nil},
		{user, "aws:securetransport", []string{"true"}},
		{user, "aws:requestedregion", []string{"eu-west-1"}},
		{user, "aws:useragent", []string{"aws-cli/2"}},
		{user, "aws:viaawsservice", []string{"false"}},
		{user, "aws:calledvia", nil},
		{user, "aws:resourceaccount", []string{"222222222222"}},
		{user, "aws:federatedprovider", nil},
		{user, "aws:sourceidentity", nil},
		{user, "s3:prefix", []string{"home/"}},
		{user, "aws:requesttag/team", []string{"blue"}},
		{via, "aws:viaawsservice", []string{"true"}},
		{via, "aws:calledvia", []string{"cloudformation.amazonaws.com"}},
		{via, "aws:calledviafirst", []string{"cloudformation.amazonaws.com"}},
		{via, "aws:calledvialast", []string{"cloudformation.amazonaws.com"}},
		{via, "aws:sourceip", nil},
		{role, "aws:username", nil},
		{role, "aws:userid", []string{"AROAAPP:s1"}},
		{role, "aws:principalarn", []string{roleARN}},
		{role, "aws:principaltype", []string{"AssumedRole"}},
		{role, "aws:tokenissuetime", []string{"2026-11-01T10:00:00Z"}},
		{role, "aws:multifactorauthpresent", []string{"false"}},
		{role, "aws:sourceip", nil},
		{role, "aws:vpcsourceip", []string{"10.0.0.4"}},
		{role, "aws:sourcevpc", []string{"vpc-1"}},
		{role, "aws:sourcevpce", []string{"vpce-1"}},
		{role, "aws:sourceidentity", []string{"bob"}},
		{role, "aws:federatedprovider", []string{"arn:aws:iam::111111111111:oidc-provider/i"}},
		{federated, "aws:principaltype", []string{"FederatedUser"}},
		{federated, "aws:principalarn", []string{federated.ARN}},
		{federated, "aws:userid", []string{acct + ":fred"}},
		{federated, "aws:username", nil},
		{root, "aws:principaltype", []string{"Account"}},
		{root, "aws:userid", []string{acct}},
		{root, "aws:username", nil},
		{anonymous, "aws:principaltype", []string{"Anonymous"}},
		{anonymous, "aws:userid", []string{"anonymous"}},
		{anonymous, "aws:principalarn", nil},
		{service, "aws:principalisawsservice", []string{"true"}},
		{service, "aws:principalservicename", []string{"ecs-tasks.amazonaws.com"}},
		{service, "aws:principalarn", nil},
	} {
		ctx := newContext(&c.who, map[string][]string{"s3:prefix": {"home/"}, "aws:RequestTag/Team": {"blue"}})
		ctx.owner, ctx.action = "222222222222", "s3:ListBucket"
		if got := ctx.Values(c.key); !slices.Equal(got, c.want) {
			t.Errorf("%s of %s is %q, want %q", c.key, c.who.Type, got, c.want)
		}
	}
	ctx := newContext(&user, nil)
	now, err := time.Parse(time.RFC3339, ctx.Values("aws:currenttime")[0])
	if err != nil || time.Since(now).Abs() > time.Hour || len(ctx.Values("aws:epochtime")) != 1 {
		t.Errorf("aws:CurrentTime is %v %v", now, err)
	}
	ctx.action = "iam:ListRoles"
	if got := ctx.Values("aws:requestedregion"); !slices.Equal(got, []string{"us-east-1"}) {
		t.Errorf("a global service is in %v", got)
	}
}
