package e2e

import (
	"os"
	"strings"
	"testing"
)

// oldCLI is Debian 12's aws CLI, 2.9, which knows no AWS_ENDPOINT_URL.
const oldCLI = "/usr/bin/aws"

// oldCalls runs in `neargate run` under `set -e`: every line must succeed, by AWS's own names.
const oldCalls = `set -e
test -z "$AWS_ENDPOINT_URL$AWS_ENDPOINT_URL_S3"
aws() { ` + oldCLI + ` --output text "$@"; }
aws sts get-caller-identity --query Account
aws s3 mb s3://old-$ID --region eu-central-1
echo "by its own name" >file && aws s3 cp --quiet file s3://old-$ID/a/b && aws s3 cp --quiet s3://old-$ID/a/b -
aws s3 ls s3://old-$ID/a/ | awk '{print "size", $3}'
aws s3 rb --force s3://old-$ID --region eu-central-1 | tail -1
aws cloudformation deploy --template-file vpc.yml --stack-name old | tail -1
aws elbv2 describe-account-limits --query 'Limits[?Name==` + "`target-groups`" + `].Name'
test $(aws ecr get-login-password | wc -c) -gt 100
TASK=$(aws ecs run-task --cluster tests --launch-type FARGATE --task-definition old --network-configuration "$NETWORK" --query 'tasks[0].taskArn')
aws ecs wait tasks-stopped --cluster tests --tasks $TASK
aws ecs describe-tasks --cluster tests --tasks $TASK --query 'tasks[0].containers[0].exitCode'
aws logs tail shell --format short | cut -d' ' -f2-
aws --region us-west-2 ec2 describe-vpcs --query 'Vpcs[0].CidrBlock'
! aws dynamodb list-tables 2>&1
`

// TestOldCLIByAWSNames is the aws CLI of Debian 12 as a client without endpoint settings.
func TestOldCLIByAWSNames(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(oldCLI); err != nil {
		t.Skip("skipped: this distribution has no aws CLI of version 2")
	}
	s := newShellTasks(t)
	s.define("old", "echo from the task; exit 5", "", "")
	s.write("vpc.yml", vpcOnly)
	script := s.write("calls.sh", oldCalls)
	inside := s.with("ID="+s.ID, "NETWORK="+s.defaultNetwork(), "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9")
	r := inside.insideRun("sh", script)
	want := strings.Join([]string{
		s.ID, "make_bucket: old-" + s.ID, "by its own name", "size 16", "remove_bucket: old-" + s.ID,
		"Successfully created/updated stack - old", "target-groups", "5", "from the task", "172.31.0.0/16", "",
		`An error occurred (UnknownOperationException) when calling the ListTables operation: Neargate does not carry out the service "dynamodb"`, "",
	}, "\n")
	if r.code != 0 || r.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s\n%s", r.code, r.out, want, s.logTail())
	}
	s.gone("old")
}
