package e2e

import (
	"maps"
	"regexp"
	"slices"
	"testing"
)

// badTask is a task definition that differs from a good one by what is named,
// and how it is refused. A nil takes a member away.
type badTask struct {
	task      map[string]any // members of the task definition
	container map[string]any // members of its container
	message   string         // regular expression
}

type (
	object = map[string]any
	list   = []any
)

var badTasks = []badTask{
	{object{"cpu": nil}, nil, `'cpu' be defined at the task level`},
	{object{"memory": nil}, nil, `'memory' be defined at the task level`},
	{object{"cpu": "300"}, nil, `No Fargate configuration exists for given values: 300 CPU, 512 memory`},
	{object{"memory": "4096"}, nil, `No Fargate configuration exists for given values: 256 CPU, 4096 memory`},
	{object{"cpu": "512"}, nil, `No Fargate configuration exists for given values: 512 CPU, 512 memory`},
	{object{"cpu": "16384", "memory": "1024"}, nil, `No Fargate configuration exists`},
	{object{"cpu": "abc"}, nil, `Invalid 'cpu' setting for task`},
	{object{"memory": "lots"}, nil, `Invalid 'memory' setting for task`},
	{object{"cpu": "-256"}, nil, `Invalid 'cpu' setting for task|No Fargate configuration exists`},
	{object{"cpu": "99999999999999999999"}, nil, `Invalid 'cpu' setting for task`},
	{object{"networkMode": "bridge"}, nil, `Fargate only supports network mode .awsvpc.`},
	{object{"networkMode": nil}, nil, `Fargate only supports network mode .awsvpc.`},
	{object{"networkMode": "foo"}, nil, `Value 'foo' at 'networkMode'`},
	{object{"family": "a b"}, nil, `Family contains invalid characters`},
	{object{"family": nil}, nil, `'family' failed to satisfy constraint: Member must not be null`},
	{object{"requiresCompatibilities": list{"FOO"}}, nil, `Value 'FOO' at 'requiresCompatibilities`},
	{object{"pidMode": "host"}, nil, `pidMode 'host'`},
	{object{"ipcMode": "host"}, nil, `ipcMode`},
	{object{"ephemeralStorage": object{"sizeInGiB": 5}}, nil, `at least 21`},
	{object{"runtimePlatform": object{"cpuArchitecture": "FOO"}}, nil, `Value 'FOO' at 'runtimePlatform.cpuArchitecture'`},
	{object{"runtimePlatform": object{"operatingSystemFamily": "WINDOWS_SERVER_2019_CORE"}}, nil, `WINDOWS_SERVER_2019_CORE`},
	{object{"executionRoleArn": "arn:aws:iam::111122223333:role/x"}, nil, `not authorized to perform: iam:PassRole`},
	{object{"volumes": list{object{"name": "v"}, object{"name": "v"}}}, nil, `'v' is used more than once`},
	{object{"volumes": list{object{"name": "v", "host": object{"sourcePath": "/etc"}}}}, nil, `host\.sourcePath`},
	{object{"tags": list{object{"key": "aws:x", "value": "y"}}}, nil, `reserved`},
	{object{"cpu": 256}, nil, `NUMBER_VALUE can not be converted to a String`},
	{object{"containerDefinitions": list{}}, nil, `Container list cannot be empty`},
	{object{"containerDefinitions": list{object{"name": "c", "image": "x"}, object{"name": "c", "image": "x"}}}, nil, `'c' is used more than once`},
	{object{"containerDefinitions": list{object{"name": "a", "image": "x", "portMappings": list{object{"containerPort": 80}}}, object{"name": "b", "image": "x", "portMappings": list{object{"containerPort": 80}}}}}, nil, `Port 80/tcp is mapped by containers 'a' and 'b'`},
	{object{"containerDefinitions": list{object{"name": "a", "image": "x", "dependsOn": list{object{"containerName": "b", "condition": "START"}}}, object{"name": "b", "image": "x", "dependsOn": list{object{"containerName": "a", "condition": "START"}}}}}, nil, `cycle`},
	{object{"containerDefinitions": list{object{"name": "a", "image": "x", "dependsOn": list{object{"containerName": "b", "condition": "HEALTHY"}}}, object{"name": "b", "image": "x"}}}, nil, `HEALTHY condition must have health check configured`},
	{nil, object{"name": nil}, `Container.name should not be null or empty`},
	{nil, object{"name": "a b"}, `Invalid container name 'a b'`},
	{nil, object{"image": nil}, `Container.image should not be null or empty`},
	{nil, object{"essential": false}, `At least one container must be marked as essential`},
	{nil, object{"memory": 3}, `Memory must be at least 4 MiB`},
	{nil, object{"memory": 1024}, `\(1024\) must not exceed the memory of the task \(512\)`},
	{nil, object{"memory": 100, "memoryReservation": 200}, `greater than or equal to 'memoryReservation'`},
	{nil, object{"cpu": 512}, `\(512\) must not exceed the cpu of the task \(256\)`},
	{nil, object{"cpu": -1}, `Invalid 'cpu' setting for container 'c'`},
	{nil, object{"portMappings": list{object{"containerPort": 80, "hostPort": 8080}}}, `host ports and container ports in port mappings must match`},
	{nil, object{"portMappings": list{object{"containerPort": 70000}}}, `containerPort must be between 1 and 65535`},
	{nil, object{"portMappings": list{object{"containerPort": 0}}}, `containerPort must be between 1 and 65535`},
	{nil, object{"portMappings": list{object{"containerPort": -5}}}, `containerPort must be between 1 and 65535`},
	{nil, object{"portMappings": list{object{"containerPort": 80}, object{"containerPort": 80}}}, `Port 80/tcp`},
	{nil, object{"portMappings": list{object{"containerPort": 80, "protocol": "sctp"}}}, `Value 'sctp'`},
	{nil, object{"dependsOn": list{object{"containerName": "c", "condition": "START"}}}, `'c' cannot depend on itself`},
	{nil, object{"dependsOn": list{object{"containerName": "z", "condition": "START"}}}, `'z' because it does not exist`},
	{nil, object{"logConfiguration": object{"logDriver": "awslogs"}}, `execution role ARN to support log driver awslogs`},
	{nil, object{"logConfiguration": object{"logDriver": "splunk"}}, `log driver 'splunk'`},
	{nil, object{"secrets": list{object{"name": "A", "valueFrom": "x"}}}, `executionRoleArn`},
	{nil, object{"privileged": true}, `privileged`},
	{nil, object{"links": list{"a"}}, `links`},
	{nil, object{"stopTimeout": 121}, `between 2 and 120`},
	{nil, object{"healthCheck": object{"command": list{}}}, `CMD or CMD-SHELL`},
	{nil, object{"healthCheck": object{"command": list{"CMD-SHELL", "x"}, "interval": 1}}, `interval must be between 5 and 300`},
	{nil, object{"mountPoints": list{object{"sourceVolume": "v", "containerPath": "/x"}}}, `Unknown volume 'v'`},
	{nil, object{"linuxParameters": object{"capabilities": object{"add": list{"SYS_ADMIN"}}}}, `SYS_ADMIN`},
	{nil, object{"ulimits": list{object{"name": "foo", "softLimit": 1, "hardLimit": 1}}}, `Value 'foo'`},
	{nil, object{"ulimits": list{object{"name": "nofile", "softLimit": 5, "hardLimit": 1}}}, `softLimit must not exceed hardLimit`},
	{nil, object{"systemControls": list{object{"namespace": "a", "value": "b"}}}, `namespace 'a'`},
	{nil, object{"firelensConfiguration": object{"type": "fluentbit"}}, `firelensConfiguration`},
	{nil, object{"environmentFiles": list{object{"type": "s3", "value": "x"}}}, `environmentFiles`},
	{nil, object{"user": object{"a": 1}}, `START_OBJECT can not be converted to a String`},
}

// definition is the good task definition with the changes.
func (b badTask) definition() object {
	change := func(good, by object) object {
		maps.Copy(good, by)
		maps.DeleteFunc(good, func(_ string, v any) bool { return v == nil })
		return good
	}
	container := change(object{"name": "c", "image": "x"}, b.container)
	return change(object{"family": "bad", "requiresCompatibilities": list{"FARGATE"}, "networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": list{container}}, b.task)
}

// TestBadTaskDefinitions registers task definitions with every kind of invalid combination.
func TestBadTaskDefinitions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	codes := []string{"ClientException", "InvalidParameterException", "SerializationException", "AccessDeniedException"}
	a.unharmed(func() {
		var calls []apiCall
		for _, b := range badTasks {
			calls = append(calls, apiCall{"ecs", "RegisterTaskDefinition", b.definition()})
		}
		for i, r := range a.boto3(calls...) {
			b := badTasks[i]
			if r.Status != 400 || !slices.Contains(codes, r.Code) || !regexp.MustCompile(b.message).MatchString(r.Message) {
				t.Errorf("%v %v: %s\nwant 400: %s", b.task, b.container, r, b.message)
			}
		}
	})
}

// TestBadLaunches asks for tasks and services that cannot be.
func TestBadLaunches(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	good := badTask{}.definition()
	good["family"] = "good"
	vpc := object{"awsvpcConfiguration": object{"subnets": list{"subnet-0123456789abcdef0"}}}
	for i, r := range a.boto3(apiCall{"ecs", "CreateCluster", object{"clusterName": "c"}}, apiCall{"ecs", "RegisterTaskDefinition", good}) {
		if r.Status != 200 {
			t.Fatalf("call %d: %s", i, r)
		}
	}
	rows := []struct {
		operation     string
		input         object
		code, message string
	}{
		{"RunTask", object{"cluster": "nope", "taskDefinition": "good", "launchType": "FARGATE", "networkConfiguration": vpc}, "ClusterNotFoundException", `Cluster not found`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "nope", "launchType": "FARGATE", "networkConfiguration": vpc}, "ClientException", `(?i)TaskDefinition not found|Unable to describe`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good:99", "launchType": "FARGATE", "networkConfiguration": vpc}, "ClientException", `(?i)TaskDefinition not found|Unable to describe`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE"}, "InvalidParameterException", `Network Configuration must be provided`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE", "networkConfiguration": object{"awsvpcConfiguration": object{"subnets": list{}}}}, "InvalidParameterException", `(?i)subnets`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE", "networkConfiguration": vpc}, "InvalidParameterException", `subnet-0123456789abcdef0`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "EC2", "networkConfiguration": vpc}, "InvalidParameterException", `No Container Instances were found`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE", "count": 11, "networkConfiguration": vpc}, "InvalidParameterException", `(?i)count`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE", "count": -1, "networkConfiguration": vpc}, "InvalidParameterException", `(?i)count`},
		{"RunTask", object{"cluster": "c", "taskDefinition": "good", "launchType": "FARGATE", "networkConfiguration": vpc, "overrides": object{"containerOverrides": list{object{"name": "z", "command": list{"x"}}}}}, "InvalidParameterException", `'?z'?|subnet`},
		{"StopTask", object{"cluster": "c", "task": "0123456789abcdef0123456789abcdef"}, "InvalidParameterException", `task was not found`},
		{"DescribeTasks", object{"cluster": "c", "tasks": list{}}, "InvalidParameterException", `(?i)tasks`},
		{"CreateService", object{"cluster": "c", "serviceName": "a b", "taskDefinition": "good", "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": vpc}, "InvalidParameterException", `a b|(?i)service name`},
		{"CreateService", object{"cluster": "c", "serviceName": "s", "taskDefinition": "good", "desiredCount": -1, "launchType": "FARGATE", "networkConfiguration": vpc}, "InvalidParameterException", `(?i)desiredCount|desired count`},
		{"CreateService", object{"cluster": "c", "serviceName": "s", "taskDefinition": "good", "launchType": "FARGATE", "schedulingStrategy": "DAEMON", "networkConfiguration": vpc}, "InvalidParameterException", `daemon scheduling strategy`},
		{"CreateService", object{"cluster": "c", "serviceName": "s", "taskDefinition": "good", "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": vpc, "deploymentConfiguration": object{"minimumHealthyPercent": 100, "maximumPercent": 100}}, "InvalidParameterException", `(?i)percent|subnet`},
		{"UpdateService", object{"cluster": "c", "service": "nope", "desiredCount": 1}, "ServiceNotFoundException", ``},
		{"DeleteCluster", object{"cluster": "nope"}, "ClusterNotFoundException", `Cluster not found`},
		{"DeregisterTaskDefinition", object{"taskDefinition": "good"}, "Exception", `(?i)revision`},
	}
	a.unharmed(func() {
		var calls []apiCall
		for _, r := range rows {
			calls = append(calls, apiCall{"ecs", r.operation, r.input})
		}
		for i, r := range a.boto3(calls...) {
			want := rows[i]
			if r.Status != 400 || !regexp.MustCompile(want.code).MatchString(r.Code) || !regexp.MustCompile(want.message).MatchString(r.Message) {
				t.Errorf("%s %v: %s\nwant 400 %s: %s", want.operation, want.input, r, want.code, want.message)
			}
		}
	})
}
