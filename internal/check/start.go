package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/registry"
)

// host is the public name of a service in the region.
func (c *checker) host(service string) string {
	return service + "." + c.options.Region + ".amazonaws.com"
}

// code returns the code of a service's error.
func code(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func deniedCode(err error) bool { return strings.HasPrefix(code(err), "AccessDenied") }

// registryLogin is what Fargate does first: a token of ECR, and the credentials
// of private registries.
func (w *walk) registryLogin() {
	for _, con := range w.def.Containers {
		if from := con.CredentialsParameter; from != "" && !isUnknown(from) {
			w.secret(con.Name, from, []string{"RepositoryCredentials", "CredentialsParameter"})
		}
		if _, region, ok := taskdef.ECRImage(con.Image); !ok && !isUnknown(con.Image) || ok && region != w.options.Region {
			continue
		}
		w.needed["ecr.api"] = true
		if isUnknown(con.Image) && !w.mayBeECR() {
			continue
		}
		session := w.through(w.role, w.host("api.ecr"))
		if w.role == nil {
			continue
		}
		if _, err := ecrapi.NewClient(w.instance).GetAuthorizationToken(session, &ecrapi.GetAuthorizationTokenRequest{}); deniedCode(err) && !isUnknown(con.Image) {
			w.permission("iam.exec-ecr", "pull images from ECR", []string{"ecr:GetAuthorizationToken"}, "*", err)
		}
	}
}

// mayBeECR reports whether an image that is not known can only come from ECR:
// tasks that reach no registry of the internet.
func (w *walk) mayBeECR() bool {
	for _, e := range w.enis {
		if _, _, ok := w.instance.Reach(e.id, "registry-1.docker.io", 443); ok {
			return false
		}
	}
	return len(w.enis) > 0
}

// secrets are what containers get as environment variables.
func (w *walk) secrets() {
	for _, con := range w.def.Containers {
		for _, s := range con.Secrets {
			if isUnknown(s.Value) {
				continue
			}
			if parsed, err := arn.Parse(s.Value); err == nil && parsed.Service == "secretsmanager" {
				w.secret(con.Name, s.Value, []string{"Secrets"})
			} else {
				w.parameter(con.Name, s.Value)
			}
		}
	}
}

// secret reads a secret as the execution role.
func (w *walk) secret(container, from string, property []string) {
	w.needed["secretsmanager"] = true
	id, key := from, ""
	if parts := strings.Split(from, ":"); len(parts) == 10 {
		id, key = strings.Join(parts[:7], ":"), parts[7]
	} else if len(parts) != 7 && strings.HasPrefix(from, "arn:") {
		w.find(Finding{Position: w.quoted(container, from, property), Severity: Error, Code: "sec.not-found", Resource: w.task.label(),
			Message: from + " is no ARN of a secret: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX[:json-key:version-stage:version-id], with all three colons or none",
			AWSSays: "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again."})
		return
	}
	if strings.HasPrefix(id, "arn:") && !w.instance.Mine(id) {
		return
	}
	session := w.through(w.role, w.host("secretsmanager"))
	if w.role == nil {
		w.missingSecret(w.instance.Operator(w.ctx), container, id, property)
		return
	}
	out, err := secretsmanagerapi.NewClient(w.instance).GetSecretValue(session, &secretsmanagerapi.GetSecretValueRequest{SecretId: id})
	switch {
	case deniedCode(err):
		w.permission("iam.exec-secret", "read the secret "+w.named(id), []string{"secretsmanager:GetSecretValue"}, id, err)
		w.missingSecret(w.instance.Operator(w.ctx), container, id, property)
	case err != nil:
		w.missingSecret(session, container, id, property)
	case key != "" && !isUnknown(key):
		w.jsonKey(container, id, key, out.SecretString, property)
	}
}

// missingSecret tells of a secret that does not exist.
func (w *walk) missingSecret(session context.Context, container, id string, property []string) {
	_, err := secretsmanagerapi.NewClient(w.instance).GetSecretValue(session, &secretsmanagerapi.GetSecretValueRequest{SecretId: id})
	if code(err) != "ResourceNotFoundException" || w.options.AssumeExisting {
		return
	}
	w.find(Finding{Position: w.quoted(container, id, property), Severity: Error, Code: "sec.not-found", Resource: w.task.label(),
		Message: fmt.Sprintf("container %s wants the secret %s, which is not made here", container, id),
		AWSSays: "ResourceNotFoundException: Secrets Manager can't find the specified secret.", Fix: secretFix(w.task.Stack.Lang, id)})
}

// jsonKey looks for a key in a secret whose value is known.
func (w *walk) jsonKey(container, id, key, content string, property []string) {
	if isUnknown(content) {
		return
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &object) == nil {
		if _, ok := object[key]; ok {
			return
		}
	}
	w.find(Finding{Position: w.quoted(container, key, property), Severity: Error, Code: "sec.json-key", Resource: w.task.label(),
		Message: fmt.Sprintf("the secret %s has no JSON key %s", w.named(id), key),
		AWSSays: "retrieved secret from Secrets Manager did not contain json key " + key})
}

// parameter reads a parameter of Systems Manager as the execution role.
func (w *walk) parameter(container, from string) {
	w.needed["ssm"] = true
	name := from
	if parsed, err := arn.Parse(from); err == nil {
		if !w.instance.Mine(from) {
			return
		}
		name = "/" + parsed.ID()
	}
	session := w.through(w.role, w.host("ssm"))
	if w.role == nil {
		return
	}
	resource := "arn:aws:ssm:" + w.options.Region + ":" + w.options.Account + ":parameter/" + strings.TrimPrefix(name, "/")
	ask := func(ctx context.Context, name string) (bool, error) {
		out, err := ssmapi.NewClient(w.instance).GetParameters(ctx, &ssmapi.GetParametersRequest{Names: []string{name}})
		return err == nil && len(out.Parameters) > 0, err
	}
	found, err := ask(session, name)
	if deniedCode(err) {
		w.permission("iam.exec-secret", "read the parameter "+name, []string{"ssm:GetParameters"}, resource, err)
		found, err = ask(w.instance.Operator(w.ctx), name)
	}
	if !found && err == nil {
		found, err = ask(w.instance.Operator(w.ctx), strings.TrimPrefix(name, "/"))
	}
	if !found && err == nil && !w.options.AssumeExisting {
		w.find(Finding{Position: w.quoted(container, from, []string{"Secrets"}), Severity: Error, Code: "sec.not-found", Resource: w.task.label(),
			Message: fmt.Sprintf("container %s wants the parameter %s, which is not made here", container, name), AWSSays: "invalid ssm parameters: " + name})
	}
}

// logs makes each container's log stream, and its group when it asks for that.
func (w *walk) logs() {
	for _, con := range w.def.Containers {
		if con.Log == nil || con.Log.Driver != "awslogs" {
			continue
		}
		o, property := con.Log.Options, []string{"LogConfiguration", "Options"}
		w.needed["logs"] = true
		missing := false
		for _, name := range []string{"awslogs-region", "awslogs-group", "awslogs-stream-prefix"} {
			if o[name] == "" {
				missing = true
				w.find(Finding{Position: w.container(con.Name, property...), Severity: Error, Code: "logs.option", Resource: w.task.label(),
					Message: fmt.Sprintf("the log options of container %s lack %s", con.Name, name),
					AWSSays: "ResourceInitializationError: failed to validate logger args: unable to get awslogs driver arguments: " + name + " is required",
					Fix:     Fix{Lang: w.task.Stack.Lang, Text: name + ": VALUE"}})
			}
		}
		group, region := o["awslogs-group"], o["awslogs-region"]
		if missing || isUnknown(group) || region != w.options.Region && !isUnknown(region) {
			w.otherRegion(con.Name, region)
			continue
		}
		w.logStream(con.Name, group, strings.EqualFold(o["awslogs-create-group"], "true"), w.through(w.role, w.host("logs")))
	}
}

// otherRegion warns of logs that go to another region than the one checked.
func (w *walk) otherRegion(container, region string) {
	if region != "" && !isUnknown(region) && region != w.options.Region && !w.guessed {
		w.find(Finding{Position: w.container(container, "LogConfiguration", "Options", "awslogs-region"), Severity: Warning, Code: "tpl.region", Resource: w.task.label(),
			Message: fmt.Sprintf("container %s logs to %s, and this is %s", container, region, w.options.Region)})
	}
}

// logStream is the log driver's part of a start.
func (w *walk) logStream(container, group string, create bool, session context.Context) {
	api := logsapi.NewClient(w.instance)
	arn := "arn:aws:logs:" + w.options.Region + ":" + w.options.Account + ":log-group:" + group
	if session != nil && create {
		if err := api.CreateLogGroup(session, &logsapi.CreateLogGroupRequest{LogGroupName: group}); deniedCode(err) {
			w.permission("iam.exec-logs", "create the log group "+group, []string{"logs:CreateLogGroup"}, arn+":*", err)
		}
	}
	operator := w.instance.Operator(w.ctx)
	if create { // whoever may not make it has been told of
		_ = api.CreateLogGroup(operator, &logsapi.CreateLogGroupRequest{LogGroupName: group})
	}
	stream := &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: "check/" + container + "/" + strings.ReplaceAll(w.task.label(), ":", "-")}
	if session != nil {
		if err := api.CreateLogStream(session, stream); deniedCode(err) {
			w.permission("iam.exec-logs", "write to the log group "+group, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, arn+":*", err)
		}
	}
	if err := api.CreateLogStream(operator, stream); code(err) == "ResourceNotFoundException" && !w.options.AssumeExisting {
		w.find(Finding{Position: w.container(container, "LogConfiguration", "Options", "awslogs-group"), Severity: Error, Code: "logs.no-group", Resource: w.task.label(),
			Message: fmt.Sprintf("container %s logs to the group %s, which is not made here", container, group),
			AWSSays: "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
			Fix:     logGroupFix(w.task.Stack.Lang, group)})
	}
}

// images asks the registries for manifests and layers.
func (w *walk) images() {
	for _, con := range w.def.Containers {
		account, region, inECR := taskdef.ECRImage(con.Image)
		switch {
		case isUnknown(con.Image) && !inECR:
			w.needed["ecr.dkr"], w.needed["s3"] = true, true
			if w.mayBeECR() {
				w.arrives(w.options.Account + ".dkr." + w.host("ecr"))
				w.arrives("prod-" + w.options.Region + "-starport-layer-bucket." + w.host("s3"))
			}
		case inECR && region == w.options.Region:
			w.needed["ecr.dkr"], w.needed["s3"] = true, true
			session := w.through(w.role, account+".dkr."+w.host("ecr"))
			w.arrives("prod-" + w.options.Region + "-starport-layer-bucket." + w.host("s3"))
			if session != nil && account == w.options.Account {
				w.pull(con.Name, con.Image, session)
			}
		case !inECR:
			ref, err := registry.ParseReference(con.Image)
			if err != nil {
				w.find(Finding{Position: w.container(con.Name, "Image"), Severity: Error, Code: "reg.not-found", Resource: w.task.label(), Message: fmt.Sprintf("%q is no name of an image: %v", con.Image, err)})
				continue
			}
			host := ref.Host
			if host == "docker.io" {
				host = "registry-1.docker.io"
			}
			w.arrives(strings.Split(host, ":")[0])
		}
	}
}

// pull checks what an image of this account's ECR needs.
func (w *walk) pull(container, image string, session context.Context) {
	name := strings.FieldsFunc(image[strings.Index(image, "/")+1:], func(r rune) bool { return r == ':' || r == '@' })[0]
	if isUnknown(name) {
		return
	}
	repository := "arn:aws:ecr:" + w.options.Region + ":" + w.options.Account + ":repository/" + name
	var lacks []string
	var refusal error
	for _, action := range []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} {
		if err := w.instance.May(session, action, repository); deniedCode(err) {
			lacks, refusal = append(lacks, action), err
		}
	}
	if lacks != nil {
		w.permission("iam.exec-ecr", "pull images from ECR", lacks, repository, refusal)
	}
	_, err := ecrapi.NewClient(w.instance).DescribeRepositories(w.instance.Operator(w.ctx), &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{name}})
	if code(err) == "RepositoryNotFoundException" && !w.options.AssumeExisting {
		w.find(Finding{Position: w.container(container, "Image"), Severity: Note, Code: "reg.not-found", Resource: w.task.label(),
			Message: fmt.Sprintf("the repository %s is not made here: it must exist, with its image, before the tasks start", name),
			Fix:     Fix{Lang: "cli", Text: "aws ecr create-repository --repository-name " + name}})
	}
}

// named is the name of a planned resource, or else its id.
func (c *checker) named(id string) string {
	if p, ok := c.byID[id]; ok {
		return p.label()
	}
	return id
}

// quoted finds the place in a container's properties that has a text, or stands
// for it; the property itself when none has.
func (w *walk) quoted(container, text string, property []string) Position {
	for _, c := range items(w.task.get("ContainerDefinitions")) {
		if field(c, "Name").Str() != container && len(w.def.Containers) > 1 {
			continue
		}
		v := c
		for _, key := range property {
			v = field(v, key)
		}
		for _, item := range slices.Concat(items(v), []*templateValue{v}) {
			for _, e := range entriesOf(item) {
				if strings.Contains(e.Value.Str(), text) && e.Value.Line > 0 {
					return Position{w.task.Position.File, e.Value.Line, e.Value.Column}
				}
			}
		}
	}
	return w.container(container, property...)
}
