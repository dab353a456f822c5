package iam_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
	"github.com/neargate/neargate/internal/testenv"
)

// session is what a person does with boto3: users, keys, roles, sessions, and
// everything that must be refused on the way.
const session = `
import sys, json, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
url = sys.argv[1]
def client(service, key="test", secret="test", token=None):
    return boto3.client(service, endpoint_url=url, region_name="eu-west-1", aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}))
def refused(code, text, f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code and text in got["Message"], got
        return e.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("not refused: " + code)
iam, sts = client("iam"), client("sts")
assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"

iam.create_user(UserName="bob")
key = iam.create_access_key(UserName="bob")["AccessKey"]
bob = (key["AccessKeyId"], key["SecretAccessKey"])
assert key["AccessKeyId"].startswith("LKIA")
assert client("sts", *bob).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/bob"
assert refused("AccessDenied", "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action", client("iam", *bob).list_roles) == 403
assert refused("SignatureDoesNotMatch", "signature we calculated does not match", client("iam", bob[0], "wrong").list_roles) == 403
assert refused("InvalidClientTokenId", "The security token included in the request is invalid.", client("iam", "LKIANOBODYNOBODYNOBO", "x").list_roles) == 403
assert refused("InvalidClientTokenId", "security token", client("sts", *bob, token="forged").get_caller_identity) == 403

allow = lambda action, resource="*": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=allow(["sts:AssumeRole", "iam:ListRoles"]))
client("iam", *bob).list_roles()
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "a", "Value": "ü b"}])["Role"]
assert role["AssumeRolePolicyDocument"] == trust, role
assert iam.get_role(RoleName="app")["Role"]["Tags"] == [{"Key": "a", "Value": "ü b"}]
iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=allow("iam:GetRole", "arn:aws:iam::*:role/app"))
assert iam.get_role_policy(RoleName="app", PolicyName="p")["PolicyDocument"]["Statement"][0]["Action"] == "iam:GetRole"
iam.attach_role_policy(RoleName="app", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
c = client("sts", *bob).assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
assert c["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000000:assumed-role/app/s1"
c = c["Credentials"]
mine = lambda service: client(service, c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
assert mine("sts").get_caller_identity()["Arn"] == "arn:aws:sts::000000000000:assumed-role/app/s1"
mine("iam").get_role(RoleName="app")
refused("AccessDenied", "assumed-role/app/s1 is not authorized to perform: iam:GetRole on resource: arn:aws:iam::000000000000:role/other", mine("iam").get_role, RoleName="other")
refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/other", client("sts", *bob).assume_role, RoleArn="arn:aws:iam::000000000000:role/other", RoleSessionName="s1")
refused("InvalidClientTokenId", "security token", client("iam", c["AccessKeyId"], c["SecretAccessKey"]).list_roles)
refused("NoSuchEntity", "The role with name other cannot be found.", iam.get_role, RoleName="other")
refused("DeleteConflict", "must detach all policies first", iam.delete_role, RoleName="app")
refused("MalformedPolicyDocument", "This policy contains invalid Json", iam.create_role, RoleName="bad", AssumeRolePolicyDocument="{")

for i in range(7):
    iam.create_role(RoleName="r%d" % i, AssumeRolePolicyDocument=json.dumps(trust))
assert len([r for p in iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 3}) for r in p["Roles"]]) == 8
assert any(p["PolicyName"] == "AdministratorAccess" for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"])
iam.delete_role_policy(RoleName="app", PolicyName="p")
iam.detach_role_policy(RoleName="app", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
iam.delete_role(RoleName="app")
refused("InvalidClientTokenId", "The security token included in the request is invalid.", mine("iam").get_role, RoleName="app")
iam.update_access_key(UserName="bob", AccessKeyId=bob[0], Status="Inactive")
refused("InvalidClientTokenId", "security token", client("iam", *bob).list_roles)
iam.get_account_summary()
`

func TestBoto3(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		testenv.Missing(t, "python3 with boto3")
	}
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	seal := seal.Temporary()
	keys := access.NewKeys(db, seal)
	auth := access.NewAuthorizer(keys, decision.Discard)
	gw := gateway.New(gateway.Config{
		Keys: keys, Checker: auth, Control: http.NotFoundHandler(), Region: "eu-west-1",
		S3Path: func(string, string) (string, bool) { return "", false },
	})
	users := iam.New(db, seal, auth)
	tokens := sts.New(db, keys, auth)
	gw.Mount(iamapi.Model, iamapi.Bind(users), users.Authorization())
	gw.Mount(stsapi.Model, stsapi.Bind(tokens), tokens.Authorization())
	srv := httptest.NewServer(gw)
	defer srv.Close()
	cmd := exec.Command("python3", "-c", session, srv.URL)
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
