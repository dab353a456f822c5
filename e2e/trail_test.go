package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// trailTemplate is a trail and the bucket that it delivers to, with the policy
// that AWS asks for.
const trailTemplate = `
Resources:
  Files: {Type: AWS::S3::Bucket}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Files
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: cloudtrail.amazonaws.com}, Action: s3:GetBucketAcl, Resource: !GetAtt Files.Arn}
          - Effect: Allow
            Principal: {Service: cloudtrail.amazonaws.com}
            Action: s3:PutObject
            Resource: !Sub "${Files.Arn}/AWSLogs/${AWS::AccountId}/*"
            Condition:
              StringEquals:
                s3:x-amz-acl: bucket-owner-full-control
                aws:SourceArn: !Sub "arn:aws:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/all"
  Trail:
    Type: AWS::CloudTrail::Trail
    DependsOn: Policy
    Properties:
      TrailName: all
      S3BucketName: !Ref Files
      IsLogging: true
      IsMultiRegionTrail: true
      EventSelectors:
        - DataResources: [{Type: AWS::S3::Object, Values: ["arn:aws:s3"]}]
Outputs:
  Files: {Value: !Ref Files}
`

// TestTrail looks calls up, and reads the files that a trail delivers: every call
// with who made it, refused ones too, and no secret in them.
func TestTrail(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.aws("cloudformation", "deploy", "--stack-name", "trail", "--template-file", a.write("trail.yml", trailTemplate))
	a.aws("secretsmanager", "create-secret", "--name", "db", "--secret-string", "hunter2hunter2")
	a.aws("iam", "create-user", "--user-name", "ann")
	keys := awsJSON[struct {
		AccessKey struct{ AccessKeyId, SecretAccessKey string }
	}](a, "iam", "create-access-key", "--user-name", "ann")
	ann := a.with("AWS_ACCESS_KEY_ID="+keys.AccessKey.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+keys.AccessKey.SecretAccessKey)
	if r := ann.try("aws", "ecs", "stop-task", "--task", "none"); r.code == 0 {
		t.Fatal("ann may stop tasks")
	}

	type event struct{ EventName, Username, ReadOnly, AccessKeyId, CloudTrailEvent string }
	lookup := func(region, attribute string) []event {
		return awsJSON[struct{ Events []event }](a, "cloudtrail", "lookup-events", "--region", region, "--lookup-attributes", attribute).Events
	}
	refused := lookup(a.Region, "AttributeKey=EventName,AttributeValue=StopTask")
	if len(refused) != 1 || refused[0].Username != "ann" || refused[0].AccessKeyId != keys.AccessKey.AccessKeyId || !strings.Contains(refused[0].CloudTrailEvent, `"errorCode":"AccessDeniedException"`) {
		t.Errorf("ann's call is %+v", refused)
	}
	made := lookup(a.Region, "AttributeKey=EventName,AttributeValue=CreateBucket")
	if len(made) != 1 || !strings.Contains(made[0].CloudTrailEvent, `"invokedBy":"cloudformation.amazonaws.com"`) {
		t.Errorf("the stack's call is %+v", made)
	}
	vpc := a.aws("ec2", "create-vpc", "--cidr-block", "10.9.0.0/24", "--query", "Vpc.VpcId", "--output", "text")
	if byName := lookup(a.Region, "AttributeKey=ResourceName,AttributeValue="+vpc); len(byName) != 1 || byName[0].EventName != "CreateVpc" {
		t.Errorf("what made %s is %+v", vpc, byName)
	}
	if users := lookup("us-east-1", "AttributeKey=EventName,AttributeValue=CreateAccessKey"); len(users) != 1 || strings.Contains(users[0].CloudTrailEvent, keys.AccessKey.SecretAccessKey) {
		t.Errorf("IAM's call is %+v", users)
	}

	bucket := a.aws("cloudformation", "describe-stacks", "--stack-name", "trail", "--query", "Stacks[0].Outputs[0].OutputValue", "--output", "text")
	var files string
	a.eventually(30*time.Second, "the files have every call", func() error {
		files = a.run("python3", "-c", `
import boto3, gzip, json, sys
bucket = boto3.resource("s3").Bucket(sys.argv[1])
for o in bucket.objects.filter(Prefix="AWSLogs/"):
    if o.key.endswith(".json.gz"):
        for r in json.loads(gzip.decompress(o.get()["Body"].read()))["Records"]:
            print(o.key.split("/")[3], r["eventSource"], r["eventName"], r["userIdentity"]["type"], json.dumps(r["requestParameters"]))
`, bucket)
		for _, want := range []string{
			a.Region + " secretsmanager.amazonaws.com CreateSecret Root", a.Region + " ecs.amazonaws.com StopTask IAMUser",
			"us-east-1 iam.amazonaws.com CreateUser Root", a.Region + " s3.amazonaws.com PutObject AWSService",
		} {
			if !strings.Contains(files, want) {
				return fmt.Errorf("no %q in\n%s", want, files)
			}
		}
		return nil
	})
	if strings.Contains(files, "hunter2") {
		t.Errorf("a secret is in the files:\n%s", files)
	}
	a.aws("cloudtrail", "delete-trail", "--name", "all")
}
