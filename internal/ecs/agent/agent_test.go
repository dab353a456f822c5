package agent

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

func TestFromProvisioningToStopped(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	w.secrets["arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf"] = `{"password":"hush","port":5432}`
	w.secrets["/plain"] = "value"
	task := w.task(func(d *state.TaskDefinition, t *state.Task) {
		t.TaskRoleARN = "arn:aws:iam::000000000000:role/task"
		d.Containers[0].Environment = []state.NameValue{{Name: "A", Value: "1"}}
		d.Containers[0].Secrets = []state.NameValue{
			{Name: "PASSWORD", Value: "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf:password::"},
			{Name: "PORT", Value: "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf:port::"}, {Name: "PARAMETER", Value: "/plain"}}
	})
	running := w.wait(task, state.TaskRunning)
	c := running.Containers[0]
	if c.LastStatus != "RUNNING" || c.ImageDigest == "" || !strings.HasPrefix(c.RuntimeID, task.ID+"-") || running.StartedAt.IsZero() || running.PullStoppedAt.IsZero() {
		t.Errorf("%+v", running)
	}
	if f := running.Interface; f.ID != "eni-1" || f.Status != "ATTACHED" || f.PrivateIP != "10.0.1.5" || running.Connectivity != "CONNECTED" {
		t.Errorf("interface %+v", f)
	}
	spec, _ := w.fake.Spec(c.RuntimeID)
	for _, want := range []string{"A=1", "PASSWORD=hush", "PORT=5432", "PARAMETER=value", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE", "AWS_REGION=us-east-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/" + task.CredentialsID,
		"ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/" + c.RuntimeID, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "HOSTNAME=ip-10-0-1-5.ec2.internal"} {
		if !slices.Contains(slices.Concat(spec.Environment, spec.Secrets), want) {
			t.Errorf("environment lacks %s: %q", want, spec.Environment)
		}
	}
	if !reflect.DeepEqual(spec.Ulimits, []runtime.Ulimit{{Name: "nofile", Soft: 65535, Hard: 65535}}) {
		t.Errorf("ulimits %v", spec.Ulimits)
	}
	resolv, _ := os.ReadFile(w.dir + "/" + task.ID + "/resolv.conf")
	if string(resolv) != "search ec2.internal\nnameserver 10.0.0.2\n" {
		t.Errorf("resolv.conf %q", resolv)
	}
	f, err := os.OpenFile(spec.LogPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("last words\n")
	f.Close()
	w.stop(task)
	stopped := w.wait(task, state.TaskStopped)
	if code := stopped.Containers[0].ExitCode; code == nil || *code != 143 || stopped.StopCode != "UserInitiated" || stopped.StoppedReason != "Task stopped by user" || stopped.ExecutionStoppedAt.IsZero() || stopped.Interface.Status != "DELETED" {
		t.Errorf("%+v", stopped)
	}
	if got := w.logs["p/app/"+task.ID]; !reflect.DeepEqual(got, []string{"last words"}) {
		t.Errorf("log %q", got)
	}
	if len(w.faces) != 0 {
		t.Errorf("interfaces left: %v", w.faces)
	}
	if left, _ := os.ReadDir(w.dir); len(left) != 1 || left[0].Name() != "trust" { // which is the image's
		t.Errorf("files left: %v", left)
	}
	// What is in the runtime already is still asked for, byte for byte of the way.
	w.mu.Lock()
	w.requests = nil
	w.mu.Unlock()
	again := w.wait(w.task(nil), state.TaskRunning)
	layers := 0
	for _, r := range w.requests {
		if strings.Contains(r, layerHost) {
			layers++
		}
	}
	if layers != 2 {
		t.Errorf("%d reads from the layer bucket for a cached image", layers)
	}
	w.stop(again)
	w.wait(again, state.TaskStopped)
}

func TestFailuresAsOnAWS(t *testing.T) {
	const secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf"
	withSecret := func(from string) func(*state.TaskDefinition, *state.Task) {
		return func(d *state.TaskDefinition, _ *state.Task) {
			d.Containers[0].Secrets = []state.NameValue{{Name: "S", Value: from}}
		}
	}
	withLogin := func(secret string) func(*state.TaskDefinition, *state.Task) {
		return func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].CredentialsParameter = secret }
	}
	withFile := func(arn string) func(*state.TaskDefinition, *state.Task) {
		return func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].EnvironmentFiles = []string{arn} }
	}
	option := func(name, value string) func(*state.TaskDefinition, *state.Task) {
		return func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].Log.Options[name] = value }
	}
	for name, c := range map[string]struct {
		prepare func(*world)
		change  func(*state.TaskDefinition, *state.Task)
		reason  string
		code    string
	}{
		"subnet full": {nil, func(_ *state.TaskDefinition, t *state.Task) { t.Subnet = "subnet-full" },
			"Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-full': InsufficientFreeAddressesInSubnet", "net.subnet-full"},
		"1 no path to ECR": {func(w *world) { w.cut["api.ecr.us-east-1.amazonaws.com"] = true }, nil,
			`ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: Post "https://api.ecr.us-east-1.amazonaws.com/": dial tcp 198.18.0.9:443: i/o timeout. Please check your task network configuration.`, "net.unreachable"},
		"1 wins over 13": {func(w *world) {
			w.cut["api.ecr.us-east-1.amazonaws.com"] = true
			w.deny["CreateLogStream"] = "ResourceNotFoundException: no"
		}, nil,
			`dial tcp 198.18.0.9:443: i/o timeout. Please check your task network configuration.`, "net.unreachable"},
		"2 no ecr:GetAuthorizationToken": {func(w *world) { w.deny["GetAuthorizationToken"] = "AccessDeniedException: User: x is not authorized" }, nil,
			"unable to retrieve ecr registry auth: service call has been retried 1 time(s): operation error ECR: GetAuthorizationToken, https response error StatusCode: 400, RequestID: REQ, api error AccessDeniedException: User: x is not authorized", "iam.exec-ecr"},
		"3 no ecr:BatchGetImage": {func(w *world) { w.deny["manifests"] = "denied" }, nil,
			"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref " + testImage + ": pulling from host " + ecrHost + " failed with status code [manifests 1]: 403 Forbidden", "iam.exec-ecr"},
		"4 no path to the registry": {func(w *world) { w.cut[ecrHost] = true }, nil,
			`CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref ` + testImage + `: failed to do request: Head "https://` + ecrHost + `/v2/app/manifests/1": dial tcp 198.18.0.9:443: i/o timeout`, "net.unreachable"},
		"5 no path to S3": {func(w *world) { w.cut[layerHost] = true }, nil,
			`CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://` + layerHost + `/`, "net.unreachable"},
		"6 no such tag": {nil, func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].Image = ecrHost + "/app:nope" },
			"CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref " + ecrHost + "/app:nope: " + ecrHost + "/app:nope: not found", "reg.no-tag"},
		"7 wrong architecture": {func(w *world) { w.push("arm", "linux", "arm64") }, func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].Image = ecrHost + "/app:arm" },
			"image Manifest does not contain descriptor matching platform 'linux/amd64'", "reg.arch"},
		"9 no path to Secrets Manager": {func(w *world) { w.cut["secretsmanager.us-east-1.amazonaws.com"] = true }, withSecret(secret),
			"unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret " + secret + " from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.", "net.unreachable"},
		"10 no secretsmanager:GetSecretValue": {func(w *world) { w.deny["GetSecretValue"] = "AccessDeniedException: User: x" }, withSecret(secret),
			"failed to fetch secret " + secret + " from secrets manager: AccessDeniedException: User: x", "iam.exec-secret"},
		"10 no such secret": {nil, withSecret(secret), "ResourceNotFoundException: Secrets Manager can't find the specified secret.", "sec.not-found"},
		"11 no such key": {func(w *world) { w.secrets[secret] = `{"a":"b"}` }, withSecret(secret + ":k::"),
			"retrieved secret from Secrets Manager did not contain json key k", "sec.json-key"},
		"11 not JSON":          {func(w *world) { w.secrets[secret] = "plain" }, withSecret(secret + ":k::"), "invalid character 'p' looking for beginning of value", "sec.json-key"},
		"11 bad ARN":           {nil, withSecret("arn:aws:secretsmanager:us-east-1:000000000000:secret:a:b"), "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again.", "sec.not-found"},
		"11 no such parameter": {nil, withSecret("/p"), "invalid ssm parameters: /p", "sec.not-found"},
		"10 no kms:Decrypt": {func(w *world) { w.deny["GetSecretValue"] = "AccessDeniedException: Access to KMS is not allowed" }, withSecret(secret),
			"failed to fetch secret " + secret + " from secrets manager: AccessDeniedException: Access to KMS is not allowed", "iam.exec-kms"},
		"10 no kms:Decrypt for a parameter": {func(w *world) {
			w.deny["GetParameters"] = "AccessDeniedException: User: x is not authorized to perform: kms:Decrypt on resource: y"
		}, withSecret("/p"),
			"unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User: x is not authorized to perform: kms:Decrypt on resource: y", "iam.exec-kms"},
		"12 no username": {func(w *world) { w.secrets["r"] = `{"password":"hush"}` }, withLogin("r"),
			"unable to get registry auth from asm: service call has been retried 1 time(s): asm fetching username: AuthorizationData is malformed, empty field", "reg.secret-shape"},
		"12 no password": {func(w *world) { w.secrets["r"] = `{"username":"me","password":""}` }, withLogin("r"),
			"asm fetching password: AuthorizationData is malformed, empty field", "reg.secret-shape"},
		"12 no braces": {func(w *world) { w.secrets["r"] = `"username": "me", "password": "hush"` }, withLogin("r"),
			"asm fetching authorization data: unable to unmarshal secret value, invalid schema", "reg.secret-shape"},
		"12 no such registry secret": {nil, withLogin("r"),
			"unable to get registry auth from asm: service call has been retried 1 time(s): asm fetching secret from the service for r: ResourceNotFoundException: Secrets Manager can't find the specified secret.", "sec.not-found"},
		"12 not allowed": {func(w *world) { w.deny["GetSecretValue"] = "AccessDeniedException: User: x" }, withLogin("r"),
			"asm fetching secret from the service for r: AccessDeniedException: User: x", "iam.exec-secret"},
		"17 no environment file": {nil, withFile("arn:aws:s3:::settings/none.env"),
			"ResourceInitializationError: failed to download env files: file download command: non empty error stream: service call has been retried 1 time(s): operation error S3: HeadObject, https response error StatusCode: 404, RequestID: REQ, api error NotFound: Not Found", "sec.env-file"},
		"17 not allowed": {func(w *world) { w.deny["s3"] = "no" }, withFile("arn:aws:s3:::settings/a.env"),
			"operation error S3: HeadObject, https response error StatusCode: 403, RequestID: REQ, api error Forbidden: Forbidden", "iam.exec-env-file"},
		"17 no path to S3": {func(w *world) { w.cut["settings.s3.us-east-1.amazonaws.com"] = true }, withFile("arn:aws:s3:::settings/a.env"),
			"ResourceInitializationError: failed to download env files: file download command: non empty error stream: RequestCanceled: request context canceled caused by: context deadline exceeded", "net.unreachable"},
		"13 no log group": {func(w *world) {
			w.deny["CreateLogStream"] = "ResourceNotFoundException: The specified log group does not exist."
		}, nil,
			"ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1", "logs.no-group"},
		"14 no path to logs": {func(w *world) { w.cut["logs.us-east-1.amazonaws.com"] = true }, nil,
			"ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : signal: killed", "net.unreachable"},
		"14 no path to an endpoint of its own": {func(w *world) { w.cut["logs.example"] = true }, option("awslogs-endpoint", "https://logs.example"), "The task cannot find the Amazon CloudWatch log group", "net.unreachable"},
		"15 no logs:CreateLogGroup":            {func(w *world) { w.deny["CreateLogGroup"] = "AccessDeniedException: User" }, option("awslogs-create-group", "true"), "AccessDeniedException: User : exit status 1", "iam.exec-logs"},
		"16 no region":                         {nil, option("awslogs-region", ""), "ResourceInitializationError: failed to validate logger args: unable to get awslogs driver arguments: awslogs-region is required", "logs.option"},
		"19 role not trusted":                  {func(w *world) { w.untrusted = true }, nil, "ECS was unable to assume the role '" + execRole + "' that was provided for this task.", "iam.trust"},
		"no such command": {nil, func(d *state.TaskDefinition, _ *state.Task) {
			d.Containers[0].Command = []string{"fail", `exec: "x": executable file not found in $PATH`}
		},
			`CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown`, "run.no-cmd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			defer w.run(w.agent)()
			stopped := w.wait(w.task(c.change), state.TaskStopped)
			if !strings.Contains(stopped.StoppedReason, c.reason) || stopped.StopCode != "TaskFailedToStart" || !stopped.StartedAt.IsZero() {
				t.Errorf("%s: %s", stopped.StopCode, stopped.StoppedReason)
			}
			if strings.Contains(stopped.StoppedReason, "X-Amz-Signature") {
				t.Error("the reason shows a signed link")
			}
			if codes := w.codes(); !slices.Equal(codes, []string{c.code}) {
				t.Errorf("decisions %q, want %s", codes, c.code)
			}
			if len(w.faces) != 0 {
				t.Error("an interface is left")
			}
		})
	}
}

func TestEndsOfContainers(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		do      func(*world, *state.Task)
		exit    int32
		reason  string
		code    string
	}{
		"exit 0": {[]string{"exit", "0"}, nil, 0, "", "run.exit"},
		"exit 3": {[]string{"exit", "3"}, nil, 3, "", "run.exit"},
		"out of memory": {nil, func(w *world, t *state.Task) { w.fake.OOM(w.wait(t, state.TaskRunning).Containers[0].RuntimeID) }, 137,
			"OutOfMemoryError: Container killed due to memory usage", "run.oom"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			defer w.run(w.agent)()
			task := w.task(func(d *state.TaskDefinition, _ *state.Task) { d.Containers[0].Command = c.command })
			if c.do != nil {
				c.do(w, task)
			}
			stopped := w.wait(task, state.TaskStopped)
			got := stopped.Containers[0]
			if stopped.StopCode != "EssentialContainerExited" || stopped.StoppedReason != "Essential container in task exited" || *got.ExitCode != c.exit || got.Reason != c.reason {
				t.Errorf("%+v", stopped)
			}
			if !slices.Contains(w.codes(), c.code) {
				t.Errorf("decisions %q", w.codes())
			}
		})
	}
}

func TestStubbornContainerIsKilled(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	timeout := int32(1)
	task := w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].Command, d.Containers[0].StopTimeout = []string{"stubborn"}, &timeout
	})
	w.wait(task, state.TaskRunning)
	began := time.Now()
	w.stop(task)
	stopped := w.wait(task, state.TaskStopped)
	if took := time.Since(began); took < time.Second || took > 3*time.Second || *stopped.Containers[0].ExitCode != 137 {
		t.Errorf("exit code %d after %v", *stopped.Containers[0].ExitCode, took)
	}
}

func TestStopWhileImagesArePulled(t *testing.T) {
	w := newWorld(t)
	w.agent.Pace.Attempt = time.Minute
	w.cut["api.ecr.us-east-1.amazonaws.com"] = true
	defer w.run(w.agent)()
	task := w.task(nil)
	w.wait(task, state.TaskPending)
	time.Sleep(20 * time.Millisecond)
	w.stop(task)
	if stopped := w.wait(task, state.TaskStopped); stopped.StopCode != "UserInitiated" {
		t.Errorf("%s: %s", stopped.StopCode, stopped.StoppedReason)
	}
}

func TestDependencies(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	task := w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].DependsOn = []state.Dependency{{ContainerName: "init", Condition: "SUCCESS"}, {ContainerName: "side", Condition: "START"}}
		d.Containers = append(d.Containers,
			state.ContainerDefinition{Name: "init", Image: testImage, Command: []string{"exit", "0"}},
			state.ContainerDefinition{Name: "side", Image: testImage, Essential: true})
	})
	running := w.wait(task, state.TaskRunning)
	order := func(verb string) (names []string) {
		for _, call := range w.fake.Calls() {
			for i, c := range running.Containers {
				if call == verb+" "+runtimeID(running, i) {
					names = append(names, c.Name)
				}
			}
		}
		return names
	}
	if started := order("Start"); len(started) != 3 || started[2] != "app" {
		t.Errorf("started %v", started)
	}
	w.stop(task)
	stopped := w.wait(task, state.TaskStopped)
	if ended := order("Signal"); !reflect.DeepEqual(ended, []string{"app", "side"}) {
		t.Errorf("signalled %v", ended)
	}
	if *stopped.Containers[1].ExitCode != 0 || *stopped.Containers[2].ExitCode != 143 {
		t.Errorf("%+v", stopped.Containers)
	}
}

func TestDependencyThatFails(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	stopped := w.wait(w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].DependsOn = []state.Dependency{{ContainerName: "init", Condition: "SUCCESS"}}
		d.Containers = append(d.Containers, state.ContainerDefinition{Name: "init", Image: testImage, Command: []string{"exit", "1"}})
	}), state.TaskStopped)
	if stopped.StopCode != "TaskFailedToStart" || !strings.Contains(stopped.StoppedReason, "dependency did not exit successfully") || stopped.Containers[0].ExitCode != nil || *stopped.Containers[1].ExitCode != 1 {
		t.Errorf("%+v", stopped)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t)
	stop := w.run(w.agent)
	lives, dies := w.wait(w.task(nil), state.TaskRunning), w.wait(w.task(nil), state.TaskRunning)
	stop()
	w.fake.Exit(dies.Containers[0].RuntimeID, 23) // while nobody looks
	second := New(w.agent.Deps)
	defer w.run(second)()
	stopped := w.wait(dies, state.TaskStopped)
	if *stopped.Containers[0].ExitCode != 23 || stopped.StopCode != "EssentialContainerExited" {
		t.Errorf("%+v", stopped)
	}
	if now, _ := state.Tasks.Get(w.db.Read(), lives.Key()); now.LastStatus != state.TaskRunning || now.DesiredStatus != "RUNNING" {
		t.Errorf("the other task is %s", now.LastStatus)
	}
	creates := 0
	for _, call := range w.fake.Calls() {
		if strings.HasPrefix(call, "Create ") {
			creates++
		}
	}
	if creates != 2 || w.interfaces != 2 {
		t.Errorf("%d containers and %d interfaces were made", creates, w.interfaces)
	}
}

func TestJudge(t *testing.T) {
	at := time.Now()
	period := int32(10)
	h := &state.HealthCheck{Retries: 2}
	for name, c := range map[string]struct {
		have     state.Container
		check    *state.HealthCheck
		ok       bool
		status   string
		failures int32
	}{
		"ok":               {state.Container{HealthStatus: "UNKNOWN"}, h, true, "HEALTHY", 0},
		"first failure":    {state.Container{HealthStatus: "HEALTHY"}, h, false, "HEALTHY", 1},
		"last failure":     {state.Container{HealthStatus: "HEALTHY", HealthFailures: 1}, h, false, "UNHEALTHY", 2},
		"recovers":         {state.Container{HealthStatus: "UNHEALTHY", HealthFailures: 9}, h, true, "HEALTHY", 0},
		"start period":     {state.Container{HealthStatus: "UNKNOWN", StartedAt: at.Add(-5 * time.Second)}, &state.HealthCheck{Retries: 1, StartPeriod: &period}, false, "UNKNOWN", 0},
		"after the period": {state.Container{HealthStatus: "UNKNOWN", StartedAt: at.Add(-11 * time.Second)}, &state.HealthCheck{Retries: 1, StartPeriod: &period}, false, "UNHEALTHY", 1},
	} {
		if status, failures := judge(c.have, c.check, c.ok, at); status != c.status || failures != c.failures {
			t.Errorf("%s: %s %d", name, status, failures)
		}
	}
}
