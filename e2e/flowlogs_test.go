package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFlowLogsToS3 writes what a task's image pull sends and receives into a
// bucket, as AWS names and compresses the files.
func TestFlowLogsToS3(t *testing.T) {
	t.Parallel()
	s := newShellTasks(t)
	bucket := "flows-" + s.ID
	s.aws("s3api", "create-bucket", "--bucket", bucket, "--create-bucket-configuration", "LocationConstraint="+s.Region)
	vpc := s.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true", "--query", "Vpcs[0].VpcId", "--output", "text")
	log := s.aws("ec2", "create-flow-logs", "--resource-type", "VPC", "--resource-ids", vpc, "--traffic-type", "ALL", "--log-destination-type", "s3",
		"--log-destination", "arn:aws:s3:::"+bucket+"/vpcs/", "--query", "FlowLogIds[0]", "--output", "text")
	task := s.runTask(s.define("flows", sleeper, "", ""), "RUNNING")
	eni := task.detail("networkInterfaceId")
	name := regexp.MustCompile(`vpcs/AWSLogs/` + s.ID + `/vpcflowlogs/` + s.Region + `/\d{4}/\d\d/\d\d/` + s.ID + `_vpcflowlogs_` + s.Region + `_` + log + `_\d{8}T\d{4}Z_[0-9A-Z]{16}\.log\.gz`)
	https := regexp.MustCompile(`(?m)^2 ` + s.ID + ` ` + eni + ` \S+ \S+ \d+ 443 6 \d+ \d+ \d+ \d+ ACCEPT OK$`)
	s.eventually(30*time.Second, "a file with the pull's packets", func() error {
		listed := s.aws("s3", "ls", "--recursive", "s3://"+bucket)
		read := ""
		for _, key := range name.FindAllString(listed, -1) {
			read += s.shell("aws s3 cp s3://" + bucket + "/" + key + " - | gunzip").out
		}
		if !strings.HasPrefix(read, "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n") || !https.MatchString(read) {
			return fmt.Errorf("the interface is %s, the objects are\n%s\n%s", eni, listed, read)
		}
		return nil
	})
	s.aws("ecs", "stop-task", "--cluster", "tests", "--task", task.TaskArn)
}
