package e2e

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
)

// taskRow is a row that breaks only what its own service uses.
type taskRow struct {
	element  string
	code     string
	resource func(*site) string
	stop     string
	reason   string
	fix      string
	event    bool
	runs     bool
	also     string
	breaker  bool                               // the service has a circuit breaker
	working  bool                               // the service works with good before it gets bad
	setUp    func(*site)                        // before any of it
	good     func(container, definition object) // task definition that works
	bad      func(container, definition object) // and the one that does not
	do       func(*site)                        // when it is broken, before bad is deployed
	with     func(*site) func(container, definition object)
}

const exited = `^Essential container in task exited$`

// permissions are what an execution role needs here, one by one.
var permissions = []string{
	"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "logs:CreateLogStream", "logs:PutLogEvents", "secretsmanager:GetSecretValue", "ssm:GetParameters",
}

var taskRows = append(permissionRows(), []taskRow{
	{element: "permission ecr:BatchGetImage, an explicit deny", code: "iam.explicit-deny", resource: roleARN, reason: `403 Forbidden$`, setUp: func(s *site) {
		s.newRole(permissions, `,{"Sid":"NoImages","Effect":"Deny","Action":"ecr:BatchGetImage","Resource":"*"}`)
	}},
	{element: "permission by the role's boundary", code: "iam.boundary", resource: roleARN, reason: `because no permissions boundary allows the ecr:GetAuthorizationToken action$`, setUp: func(s *site) {
		s.newRole(permissions, "")
		arn := got(s.iam.CreatePolicy(s.t.Context(), &iamapi.CreatePolicyRequest{PolicyName: "boundary", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*","ecr:Batch*","ecr:GetDownloadUrlForLayer","secretsmanager:*","ssm:*"],"Resource":"*"}]}`})).by(s).Policy.Arn
		s.ok(s.iam.PutRolePermissionsBoundary(s.t.Context(), &iamapi.PutRolePermissionsBoundaryRequest{RoleName: s.role, PermissionsBoundary: arn}))
	}},
	{element: "permission by the repository's policy", code: "iam.explicit-deny", reason: `403 Forbidden$`, setUp: func(s *site) {
		s.newRole(permissions, "")
		s.copyImage("guarded", "good")
		got(s.ecr.SetRepositoryPolicy(s.t.Context(), &ecrapi.SetRepositoryPolicyRequest{RepositoryName: "guarded", PolicyText: fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Principal":"*","Action":"ecr:*"},{"Sid":"NotThisRole","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::%s:role/%s"},"Action":"ecr:BatchGetImage"}]}`, s.ID, s.role)})).by(s)
	}},
	{element: "trust policy: a condition on another region", code: "iam.trust", event: true, reason: `failed to launch a task with \(error ECS was unable to assume the role`, setUp: func(s *site) {
		s.newRole(permissions, "")
		s.trust(s.role, `{"Service":"ecs-tasks.amazonaws.com"}`, `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:us-west-2:`+s.ID+`:*"}}`)
	}},
	{element: "execution role", code: "iam.trust", event: true, working: true, reason: `failed to launch a task with \(error ECS was unable to assume the role`, setUp: func(s *site) { s.newRole(permissions, "") }, do: func(s *site) {
		s.ok(s.iam.DeleteRolePolicy(s.t.Context(), &iamapi.DeleteRolePolicyRequest{RoleName: s.role, PolicyName: "all"}))
		s.ok(s.iam.DeleteRole(s.t.Context(), &iamapi.DeleteRoleRequest{RoleName: s.role}))
	}},
	{element: "image repository, a slip of its name", code: "reg.not-found", resource: definition, reason: `^CannotPullContainerError: pull image manifest has been retried 7 time\(s\): failed to resolve ref .*not found$`, bad: imageNamed("app:", "ap:")},
	{element: "image tag, a slip of its name", code: "reg.no-tag", resource: definition, reason: `^CannotPullContainerError: pull image manifest has been retried 7 time\(s\): failed to resolve ref .*:god: .*not found$`, bad: imageNamed(":good", ":god")},
	{element: "image tag, with a circuit breaker", code: "reg.no-tag", also: "dep.circuit", breaker: true, resource: definition, reason: `^CannotPullContainerError: .*:god: .*not found$`, bad: imageNamed(":good", ":god")},
	{element: "image architecture", code: "reg.arch", resource: definition, reason: `image Manifest does not contain descriptor matching platform 'linux/arm64'$`, bad: func(_, d object) {
		d["runtimePlatform"] = object{"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
	}},
	{element: "registry secret's shape", code: "reg.secret-shape", reason: `unable to get registry auth from asm: .*`, setUp: func(s *site) {
		s.newRole(permissions, "")
		s.ids["login"] = got(s.secrets.CreateSecret(s.t.Context(), &secretsmanagerapi.CreateSecretRequest{Name: "login", SecretString: `"username":"me","password":"secret"`})).by(s).ARN
		s.ok(s.iam.PutRolePolicy(s.t.Context(), &iamapi.PutRolePolicyRequest{RoleName: s.role, PolicyName: "login", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`}))
		// A registry outside of AWS, for which a loaded image stands. Its login is what
		// the fix says for a person to fill in.
		s.image = "registry.example.com/team/app:1"
		load := s.binary + " image load " + busyboxArchive(s.t, s.t.TempDir(), "sleep", "3600") + " --data-dir " + s.dataDir + " --name " + s.image
		if out := s.shell("echo PASSWORD | " + load + " --username USERNAME --password-stdin"); out.code != 0 {
			s.t.Fatal(out.out)
		}
	}, resource: id("login"), with: func(s *site) func(c, d object) {
		return func(c, _ object) { c["repositoryCredentials"] = object{"credentialsParameter": s.ids["login"]} }
	}},
	{element: "secret's JSON key", code: "sec.json-key", resource: definition, reason: `retrieved secret from Secrets Manager did not contain json key pasword$`, setUp: withOwnSecrets, with: func(s *site) func(c, d object) {
		return func(c, d object) {
			s.withSecrets(c, d)
			c["secrets"].(list)[0].(object)["valueFrom"] = s.ids["secret"] + ":pasword::"
		}
	}},
	{element: "secret, scheduled for deletion", code: "sec.not-found", resource: definition, reason: `unable to retrieve secret from asm: `, setUp: func(s *site) {
		withOwnSecrets(s)
		got(s.secrets.DeleteSecret(s.t.Context(), &secretsmanagerapi.DeleteSecretRequest{SecretId: s.ids["secret"]})).by(s)
	}, with: func(s *site) func(c, d object) { return s.withSecrets }},
	{element: "secret, made again with another ARN", code: "sec.not-found", resource: definition, reason: `ResourceNotFoundException: Secrets Manager can't find the specified secret\.`, setUp: func(s *site) {
		withOwnSecrets(s)
		s.ok(s.iam.PutRolePolicy(s.t.Context(), &iamapi.PutRolePolicyRequest{RoleName: s.role, PolicyName: "every-secret", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`}))
		got(s.secrets.DeleteSecret(s.t.Context(), &secretsmanagerapi.DeleteSecretRequest{SecretId: s.ids["secret"], ForceDeleteWithoutRecovery: ptr(true)})).by(s)
		got(s.secrets.CreateSecret(s.t.Context(), &secretsmanagerapi.CreateSecretRequest{Name: "secret-" + s.role, SecretString: `{"password":"new"}`})).by(s)
	}, with: func(s *site) func(c, d object) { return s.withSecrets }},
	{element: "parameter", code: "sec.not-found", resource: definition, reason: `unable to retrieve secrets from ssm: .*invalid ssm parameters: `, setUp: func(s *site) {
		withOwnSecrets(s)
		got(s.ssm.DeleteParameter(s.t.Context(), &ssmapi.DeleteParameterRequest{Name: s.ids["parameter"]})).by(s)
	}, with: func(s *site) func(c, d object) { return s.withSecrets }},
	{element: "log group, another name", code: "logs.no-group", reason: `ResourceNotFoundException: The specified log group does not exist. : exit status 1$`, bad: func(c, _ object) {
		c["logConfiguration"].(object)["options"].(object)["awslogs-group"] = "nowhere"
	}},
	{element: "permission logs:CreateLogGroup for awslogs-create-group", code: "iam.exec-logs", resource: roleARN, reason: `failed to create Cloudwatch log group: AccessDeniedException: .*logs:CreateLogGroup`, setUp: func(s *site) { s.newRole(permissions, "") }, bad: func(c, _ object) {
		o := c["logConfiguration"].(object)["options"].(object)
		o["awslogs-group"], o["awslogs-create-group"] = "made-by-the-task", "true"
	}},
	{element: "command", code: "run.no-cmd", resource: definition, reason: `^CannotStartContainerError: .*exec: "/bin/nothing": stat /bin/nothing: no such file or directory`, bad: func(c, _ object) { c["command"] = list{"/bin/nothing"} }},
	{element: "exit code", code: "run.exit", resource: definition, stop: "EssentialContainerExited", reason: exited, working: true, bad: shell("echo no database at db:5432 >&2; exit 7")},
	{element: "signal", code: "run.exit", resource: definition, stop: "EssentialContainerExited", reason: exited, working: true, bad: shell("sh -c 'kill -SEGV $$'; exit $?")},
	{element: "permission s3:PutObject, on the wrong role", code: "iam.wrong-role", resource: roleNamed("task"), stop: "EssentialContainerExited", reason: exited, setUp: func(s *site) {
		s.newRole(permissions, `,{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`)
		s.trustedRole("task")
		s.ids["bucket"] = "row-" + s.ID
		s.aws("s3api", "create-bucket", "--bucket", s.ids["bucket"], "--create-bucket-configuration", "LocationConstraint="+s.Region)
		s.image = s.push(probeArchive(s.t, s.t.TempDir()), "probe", "1")
	}, with: func(s *site) func(c, d object) {
		return func(c, d object) {
			c["command"] = list{"put", s.ids["bucket"]}
			d["taskRoleArn"] = roleNamed("task")(s)
		}
	}},
	{element: "memory", code: "run.oom", resource: definition, stop: "EssentialContainerExited", reason: exited, bad: func(c, d object) {
		shell("dd if=/dev/zero of=/dev/null bs=80M count=1 || exit 1; "+sleeper)(c, d)
		c["memory"] = 64
	}},
	{element: "read-only root file system", code: "run.read-only", resource: definition, stop: "EssentialContainerExited", reason: exited, bad: func(c, d object) {
		shell("touch /state || exit 1; "+sleeper)(c, d)
		c["readonlyRootFilesystem"] = true
	}},
	{element: "bind on 127.0.0.1", code: "run.bind-localhost", resource: definition, runs: true, bad: listens("127.0.0.1:8080")},
	{element: "wrong port", code: "run.wrong-port", resource: definition, runs: true, bad: listens("0.0.0.0:8081")},
	{element: "wrong port, with a health check", code: "run.wrong-port", resource: definition, stop: "ServiceSchedulerInitiated", reason: `^Task failed container health checks$`, bad: func(c, d object) {
		listens("0.0.0.0:8081")(c, d)
		c["healthCheck"] = object{"command": list{"CMD-SHELL", "busybox wget -q -O /dev/null http://127.0.0.1:8080/etc/passwd"}, "interval": 5, "timeout": 2, "retries": 1}
	}},
}...)

// permissionRows take the execution role's permissions away one by one.
func permissionRows() []taskRow {
	var rows []taskRow
	for _, action := range permissions {
		r := taskRow{element: "permission " + action, resource: roleARN, setUp: func(s *site) {
			var rest []string
			for _, a := range permissions {
				if a != action {
					rest = append(rest, a)
				}
			}
			s.newRole(rest, "")
			s.ids["secret"] = got(s.secrets.CreateSecret(s.t.Context(), &secretsmanagerapi.CreateSecretRequest{Name: s.role, SecretString: `{"password":"none"}`})).by(s).ARN
			s.ids["parameter"] = "/parameter/" + s.role
			got(s.ssm.PutParameter(s.t.Context(), &ssmapi.PutParameterRequest{Name: s.ids["parameter"], Value: "x", Type: "String"})).by(s)
		}, with: func(s *site) func(c, d object) { return s.withSecrets }}
		because := `is not authorized to perform: ` + action + ` on resource: .*because no identity-based policy allows the ` + action + ` action`
		switch service, _, _ := strings.Cut(action, ":"); {
		case action == "ecr:GetAuthorizationToken":
			r.code, r.reason = "iam.exec-ecr", because
		case service == "ecr":
			r.code, r.reason = "iam.exec-ecr", `^CannotPullContainerError: .*403 Forbidden$`
		case action == "logs:PutLogEvents":
			r.code, r.runs = "iam.exec-logs", true
			r.with = func(s *site) func(c, d object) {
				return func(c, d object) {
					s.withSecrets(c, d)
					shell("trap 'exit 0' TERM; while :; do echo line; sleep 0.2; done")(c, d)
				}
			}
		case service == "logs":
			r.code, r.reason = "iam.exec-logs", because
		default:
			r.code, r.reason = "iam.exec-secret", because
		}
		rows = append(rows, r)
	}
	return rows
}

func roleARN(s *site) string    { return roleNamed(s.role)(s) }
func definition(s *site) string { return s.ids["definition"] }

func roleNamed(name string) func(*site) string {
	return func(s *site) string { return "arn:aws:iam::" + s.ID + ":role/" + name }
}

// trustedRole makes a role that tasks may have.
func (s *site) trustedRole(name string) {
	s.t.Helper()
	got(s.iam.CreateRole(s.t.Context(), &iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`})).by(s)
}

// newRole makes an execution role of the row's own with these permissions, one
// inline policy.
func (s *site) newRole(actions []string, more string) {
	s.t.Helper()
	s.role = s.service
	s.trustedRole(s.role)
	s.ok(s.iam.PutRolePolicy(s.t.Context(), &iamapi.PutRolePolicyRequest{RoleName: s.role, PolicyName: "all",
		PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}` + more + `]}`}))
}

// withOwnSecrets makes a role, a secret and a parameter of the row's own.
func withOwnSecrets(s *site) {
	s.newRole(permissions[:5], "")
	s.secretsOf(s.role)
}

// copyImage gives the image another name, and makes it the site's.
func (s *site) copyImage(repository, tag string) {
	s.t.Helper()
	got(s.ecr.CreateRepository(s.t.Context(), &ecrapi.CreateRepositoryRequest{RepositoryName: repository})).by(s)
	s.pushTo(busyboxArchive(s.t, s.t.TempDir(), "sleep", "3600"), s.host()+"/"+repository+":"+tag)
	s.image = s.host() + "/" + repository + ":" + tag
}

func (s *site) host() string { return s.ID + ".dkr.ecr." + s.Region + ".amazonaws.com" }

// imageNamed changes the name of the image.
func imageNamed(from, to string) func(c, d object) {
	return func(c, _ object) { c["image"] = strings.Replace(c["image"].(string), from, to, 1) }
}

// shell is a container that runs a script.
func shell(script string) func(c, d object) {
	return func(c, _ object) { c["command"] = list{"sh", "-c", script} }
}

// listens is a container that says it listens on port 8080, and listens somewhere.
func listens(address string) func(c, d object) {
	return func(c, _ object) {
		c["command"] = list{"busybox", "httpd", "-f", "-p", address, "-h", "/"}
		c["portMappings"] = list{object{"containerPort": 8080, "protocol": "tcp"}}
		c["linuxParameters"] = object{"initProcessEnabled": true}
	}
}
