package e2e

import (
	"fmt"
	"strings"
)

// launchCalls runs a task in the isolated VPC whose three containers make the
// same calls with the task's role: boto3, a static Go program in an empty image,
// and Node. What they call is made here.
func (p *prober) launchCalls() string {
	p.t.Helper()
	name := "calls-" + p.ID
	p.aws("s3api", "create-bucket", "--bucket", name, "--create-bucket-configuration", "LocationConstraint="+p.Region)
	for _, key := range []string{"open", "closed"} {
		p.aws("s3api", "put-object", "--bucket", name, "--key", key, "--body", p.write(key, key))
	}
	python := p.push(pythonArchive(p.t, p.dir, "probe/calls.py"), name, "python")
	node := p.image[:strings.Index(p.image, "/")] + "/" + name + ":node"
	p.pushTo(nodeArchive(p.t, p.dir, "probe/calls.js"), node)
	p.aws("logs", "create-log-group", "--log-group-name", name)
	secret := p.aws("secretsmanager", "create-secret", "--name", name+"-open", "--secret-string", "open", "--query", "ARN", "--output", "text")
	p.aws("secretsmanager", "create-secret", "--name", name+"-closed", "--secret-string", "closed")

	role := p.aws("iam", "create-role", "--role-name", name, "--query", "Role.Arn", "--output", "text", "--assume-role-policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	where := ":" + p.Region + ":" + p.ID + ":"
	p.aws("iam", "put-role-policy", "--role-name", name, "--policy-name", "calls", "--policy-document", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Action":"s3:GetObject","Resource":%q},
	 {"Effect":"Allow","Action":"ecr:DescribeRepositories","Resource":%q},
	 {"Effect":"Allow","Action":"logs:DescribeLogStreams","Resource":%q},
	 {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":%q}]}`,
		"arn:aws:s3:::"+name+"/open", "arn:aws:ecr"+where+"repository/"+name, "arn:aws:logs"+where+"log-group:"+name+":*", secret))

	container := func(container, image, command string) string {
		return fmt.Sprintf(`{"name":%q,"image":%q,%s"essential":false,"environment":[{"name":"NAME","value":%q}],"logConfiguration":%s}`, container, image, command, name, p.logConfiguration())
	}
	// The task ends when the last of them has.
	definition := p.register(fmt.Sprintf(`{"family":"calls","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"1024","memory":"2048","executionRoleArn":%q,"taskRoleArn":%q,"containerDefinitions":[%s,%s,%s,
	 {"name":"last","image":%q,"command":["true"],"dependsOn":[{"containerName":"python","condition":"COMPLETE"},{"containerName":"go","condition":"COMPLETE"},{"containerName":"node","condition":"COMPLETE"}]}]}`,
		p.roleARN, role, container("python", python, ""), container("go", p.image, `"command":["calls"],`), container("node", node, ""), p.deployed.image))
	return p.launch(definition)
}

// checkCalls checks what the three clients were allowed and denied.
func (p *prober) checkCalls(arn string) {
	p.t.Helper()
	stopped := p.waitTask(p.cluster, arn, "STOPPED")
	if stopped.StopCode != "EssentialContainerExited" {
		p.t.Fatalf("the task stopped: %s %s %+v", stopped.StopCode, stopped.StoppedReason, stopped.Containers)
	}
	for _, client := range []string{"python", "go", "node"} {
		out := p.output(stopped, client)
		for call, want := range map[string]string{
			"s3 get": "ok", "s3 get other": "AccessDenied", "s3 put": "AccessDenied",
			"ecr describe": "ok", "ecr list": "AccessDeniedException",
			"logs describe": "ok", "logs create": "AccessDeniedException",
			"secret get": "ok", "secret get other": "AccessDeniedException",
		} {
			if line := client + " " + call + ": " + want; !strings.Contains(out+"\n", line+"\n") {
				p.t.Errorf("no %q in\n%s", line, out)
			}
		}
	}
}
