package access_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
	"github.com/neargate/neargate/internal/testenv"
)

// script: a role that may put one object, a bucket policy, a second account,
// presigned requests of both versions, anonymous requests.
const script = `
import sys, json, urllib.request, urllib.error, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
url, other_account, other_key, other_secret = sys.argv[1:]
def client(service, key="test", secret="test", token=None, **kw):
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **kw))
def refused(text, f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == "AccessDenied" and text in got["Message"], got
        return
    raise AssertionError("not refused")
def http(url, **kw):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, **kw)).status
    except urllib.error.HTTPError as e:
        return e.code
statement = lambda effect, action, resource, **kw: dict(Effect=effect, Action=action, Resource=resource, **kw)
policy = lambda *s: json.dumps({"Version": "2012-10-17", "Statement": s})
s3, iam = client("s3"), client("iam")
s3.create_bucket(Bucket="own")
s3.put_object(Bucket="own", Key="secret", Body=b"x")
trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
iam.create_role(RoleName="app", AssumeRolePolicyDocument=policy(trust))
iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=policy(statement("Allow", "s3:PutObject", "arn:aws:s3:::own/out/*")))
c = client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/app", RoleSessionName="t1")["Credentials"]
app = client("s3", c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
app.put_object(Bucket="own", Key="out/a b", Body=b"x")
text = 'User: arn:aws:sts::000000000000:assumed-role/app/t1 is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::own/secret" because no identity-based policy allows the s3:GetObject action'
refused(text, app.get_object, Bucket="own", Key="secret")
refused("s3:PutObject", app.put_object, Bucket="own", Key="elsewhere", Body=b"x")

# a presigned request may do what its signer may, in both versions
for version in [None, "s3v4"]:
    signer = client("s3", c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"], signature_version=version)
    put = signer.generate_presigned_url("put_object", Params=dict(Bucket="own", Key="out/p"), ExpiresIn=60)
    assert http(put, method="PUT", data=b"hello", headers={"Content-Type": ""} if not version else {}) == 200, version
    assert http(put.replace("/out/p", "/out/q"), method="PUT", data=b"hello", headers={"Content-Type": ""}) == 403
    assert http(signer.generate_presigned_url("get_object", Params=dict(Bucket="own", Key="secret"))) == 403
    assert http(client("s3", signature_version=version).generate_presigned_url("get_object", Params=dict(Bucket="own", Key="secret"))) == 200

# the second account: bucket policy and its own permission together
eve = client("s3", other_key, other_secret)
refused("Access Denied", eve.get_object, Bucket="own", Key="secret")
s3.put_bucket_policy(Bucket="own", Policy=policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::own/*", Principal={"AWS": other_account})))
assert eve.get_object(Bucket="own", Key="secret")["Body"].read() == b"x"
refused("Access Denied", eve.put_object, Bucket="own", Key="secret", Body=b"y")
assert http(url + "/own/secret") == 403

# an explicit deny binds even the owner's root user, who can still take it back
s3.put_bucket_policy(Bucket="own", Policy=policy(statement("Deny", "s3:*", ["arn:aws:s3:::own", "arn:aws:s3:::own/*"], Principal="*")))
refused("with an explicit deny in a resource-based policy", s3.get_object, Bucket="own", Key="secret")
s3.delete_bucket_policy(Bucket="own")
s3.get_object(Bucket="own", Key="secret")
`

func TestRolesAndBuckets(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		testenv.Missing(t, "python3 with boto3")
	}
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := blob.OpenObjects(t.TempDir(), blob.Key{})
	if err != nil {
		t.Fatal(err)
	}
	seal := seal.Temporary()
	keys := access.NewKeys(db, seal)
	auth := access.NewAuthorizer(keys, decision.Discard)
	gw := gateway.New(gateway.Config{Keys: keys, Checker: auth, Control: http.NotFoundHandler(), Region: "us-east-1", S3Path: s3.PathStyle})
	mount := func(model *wire.Service, handlers wire.Handlers, table authorize.Service) {
		gw.Mount(model, handlers, table)
		auth.Register(model.SigningName, table)
	}
	users, tokens := iam.New(db, seal, auth), sts.New(db, keys, auth)
	buckets, err := s3.New(s3.Config{DB: db, Objects: objects, Checker: auth})
	if err != nil {
		t.Fatal(err)
	}
	mount(iamapi.Model, iamapi.Bind(users), users.Authorization())
	mount(stsapi.Model, stsapi.Bind(tokens), tokens.Authorization())
	mount(s3api.Model, s3api.Bind(buckets), buckets.Authorization())
	srv := httptest.NewServer(gw)
	defer srv.Close()
	other, err := keys.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", script, srv.URL, other.AccountID, other.AccessKeyID, other.SecretAccessKey)
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
