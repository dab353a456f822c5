package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// probeSource is a static program that says what it sees from inside a task.
const probeSource = `package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	uri := os.Getenv("ECS_CONTAINER_METADATA_URI_V4")
	var task struct{ TaskARN, LaunchType string; Containers []struct{ Name string } }
	get(uri+"/task", &task)
	fmt.Println("metadata", task.TaskARN, task.LaunchType, len(task.Containers))
	for _, name := range os.Args[1:] {
		addrs, err := net.LookupHost(name)
		fmt.Println("lookup", name, addrs, err != nil)
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(name, "443"), 3*time.Second)
		if err == nil { conn.Close() }
		fmt.Println("dial", name, err == nil)
		client := &http.Client{Timeout: 5 * time.Second}
		res, err := client.Get("https://" + name + "/")
		fmt.Println("tls", name, err)
		if err == nil { io.Copy(io.Discard, res.Body); res.Body.Close() }
	}
	fmt.Println("credentials", os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "")
}

func get(url string, into any) {
	res, err := http.Get(url)
	if err != nil { fmt.Println("error", err); return }
	defer res.Body.Close()
	json.NewDecoder(res.Body).Decode(into)
}
`

// TestInsideTheIsolatedVPC looks out of a task of the seed's VPC, through a
// static program in an empty image.
func TestInsideTheIsolatedVPC(t *testing.T) {
	a := newAccount(t)
	dir := a.isolatedVPC()
	image := a.push(busyboxArchive(t, a.dir, "sleep", "1000"), "sample-app-repo", "sample")
	if r := a.samDeploy(dir, image); r.code != 0 {
		t.Fatalf("sam deploy: exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	s := a.deployedStack(image)
	probe := a.push(goArchive(t, a.dir, probeSource), "probe", "1")
	logs, sts := "logs."+a.Region+".amazonaws.com", "sts."+a.Region+".amazonaws.com"
	roleARN := a.aws("iam", "get-role", "--role-name", s.role, "--query", "Role.Arn", "--output", "text")
	definition := a.register(fmt.Sprintf(`{"family":"probe","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"probe","image":%q,"command":["/probe",%q,%q],"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":%q,"awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`,
		roleARN, probe, logs, sts, s.logs, a.Region))
	arn := a.aws("ecs", "run-task", "--cluster", s.cluster, "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+s.subnets[0]+"],securityGroups=["+s.taskGroup+"]}", "--query", "tasks[0].taskArn", "--output", "text")
	stopped := a.waitTask(s.cluster, arn, "STOPPED")
	out := a.aws("logs", "get-log-events", "--log-group-name", s.logs, "--log-stream-name", "p/probe/"+stopped.id(), "--start-from-head", "--query", "events[].message", "--output", "json")
	for _, want := range []string{
		"metadata " + arn + " FARGATE 1",
		"dial " + logs + " true",
		"tls " + logs + " <nil>",
		"dial " + sts + " false",
		"credentials false", // no task role
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	endpoint := a.aws("ec2", "describe-network-interfaces", "--filters", "Name=description,Values=VPC Endpoint Interface*", "--query", "NetworkInterfaces[].PrivateIpAddress", "--output", "text")
	lookup := ""
	for line := range strings.SplitSeq(out, "\n") {
		if strings.Contains(line, "lookup "+logs) {
			lookup = line
		}
	}
	found := 0
	for ip := range strings.FieldsSeq(endpoint) {
		if strings.Contains(lookup, ip) {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%s resolves to %q, want the endpoint's two addresses of %s", logs, lookup, endpoint)
	}
}
