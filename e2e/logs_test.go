package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

// defaultNetwork is the network configuration of a task with a public IP in the
// account's default VPC.
func (a *account) defaultNetwork() string {
	a.t.Helper()
	subnet := a.aws("ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true", "--query", "Subnets[0].SubnetId", "--output", "text")
	return "awsvpcConfiguration={subnets=[" + subnet + "],assignPublicIp=ENABLED}"
}

// executionRole makes a role with AWS's managed policy for task execution.
func (a *account) executionRole(name string) string {
	a.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	arn := a.aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust, "--query", "Role.Arn", "--output", "text")
	a.aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	return arn
}

// runTask runs a task in the default VPC until check is content, and returns it.
func (a *account) runTask(definition string, until string) task {
	a.t.Helper()
	a.try("aws", "ecs", "create-cluster", "--cluster-name", "tests")
	out := awsJSON[struct {
		Tasks    []task
		Failures []json.RawMessage
	}](a, "ecs", "run-task", "--cluster", "tests", "--launch-type", "FARGATE", "--task-definition", definition, "--network-configuration", a.defaultNetwork())
	if len(out.Tasks) != 1 {
		a.t.Fatalf("run-task: %+v", out)
	}
	return a.waitTask("tests", out.Tasks[0].TaskArn, until)
}

func (a *account) waitTask(cluster, arn, status string) task {
	a.t.Helper()
	api := ecsapi.NewClient(&client.Client{Endpoint: a.endpoint, Region: a.Region, Key: sigv4.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret}})
	describe := func() task {
		a.t.Helper()
		return awsJSON[struct{ Tasks []task }](a, "ecs", "describe-tasks", "--cluster", cluster, "--tasks", arn).Tasks[0]
	}
	// The waiting itself is not by the CLI, whose start takes longer than a task's.
	a.eventually(90*time.Second, "task "+arn+" "+status, func() error {
		out, err := api.DescribeTasks(a.t.Context(), &ecsapi.DescribeTasksRequest{Cluster: cluster, Tasks: []string{arn}})
		if err != nil || len(out.Tasks) != 1 {
			return fmt.Errorf("describing it: %w", err)
		}
		now := out.Tasks[0].LastStatus
		if now == "STOPPED" && status != "STOPPED" {
			t := describe()
			a.t.Fatalf("the task stopped: %s: %s %+v\n%s", t.StopCode, t.StoppedReason, t.Containers, a.logTail())
		}
		if now != status {
			return fmt.Errorf("it is %s", now)
		}
		return nil
	})
	return describe()
}

// register registers a task definition from JSON and returns its ARN.
func (a *account) register(document string) string {
	a.t.Helper()
	path := a.write(fmt.Sprintf("definition-%d.json", time.Now().UnixNano()), document)
	return a.aws("ecs", "register-task-definition", "--cli-input-json", "file://"+path, "--query", "taskDefinition.taskDefinitionArn", "--output", "text")
}

func TestEveryLineIsStoredBeforeTheTaskIsStopped(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	image := a.push(busyboxArchive(t, a.dir, "sh"), "printer", "1")
	role := a.executionRole("execution")
	a.aws("logs", "create-log-group", "--log-group-name", "burst")
	// 10 MB: 100,000 lines of 100 bytes, and an immediate end.
	definition := a.register(fmt.Sprintf(`{"family":"burst","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"c","image":%q,"command":["sh","-c","yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456 | head -n 100000 | cat -n; echo last; exit 3"],
	 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"burst","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, role, image, a.Region))
	stopped := a.runTask(definition, "STOPPED")
	if c := stopped.Containers[0]; c.ExitCode == nil || *c.ExitCode != 3 || stopped.StopCode != "EssentialContainerExited" {
		t.Errorf("stop code %s, containers %+v", stopped.StopCode, stopped.Containers)
	}
	// The moment it is STOPPED everything is there.
	stream := "p/c/" + stopped.id()
	last := a.aws("logs", "get-log-events", "--log-group-name", "burst", "--log-stream-name", stream, "--limit", "2", "--query", "events[].message", "--output", "text")
	if !strings.HasSuffix(last, "last") || !strings.Contains(last, "100000") {
		t.Errorf("the last events are %q", last)
	}
	first := a.aws("logs", "get-log-events", "--log-group-name", "burst", "--log-stream-name", stream, "--limit", "1", "--start-from-head", "--query", "events[].message", "--output", "text")
	if !strings.Contains(first, "1\t0123") && !strings.Contains(first, "1") {
		t.Errorf("the first event is %q", first)
	}
	total := a.run("python3", "-c", `
import boto3, sys
logs = boto3.client("logs")
n, token = 0, None
while True:
    page = logs.get_log_events(logGroupName="burst", logStreamName=sys.argv[1], startFromHead=True, limit=10000, **({"nextToken": token} if token else {}))
    n += len(page["events"])
    if page["nextForwardToken"] == token: break
    token = page["nextForwardToken"]
print(n)`, stream)
	if total != "100001" {
		t.Errorf("%s events of 100001", total)
	}
}
