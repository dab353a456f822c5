package roles

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	account = "111111111111"
	region  = "eu-west-1"
)

// world has the first seed's three roles, a task definition that uses two of
// them, a copy of one, and what was done.
func world(t *testing.T) *Finder {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	f := &Finder{DB: db, Access: access.NewAuthorizer(access.NewKeys(db, seal.Temporary()), decision.Discard)}
	trust := func(service string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}}`
	}
	role := func(name, id, service string, p state.PrincipalPolicies) *state.Role {
		return &state.Role{Account: account, Name: name, Path: "/", ID: id, CreatedAt: time.Now(), TrustPolicy: trust(service), PrincipalPolicies: p}
	}
	execution := role("dev-ExecutionRole-X", "AROAEXEC", "ecs-tasks.amazonaws.com", state.PrincipalPolicies{Attached: []string{"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"}})
	task := role("dev-TaskRole-X", "AROATASK", "ecs-tasks.amazonaws.com", state.PrincipalPolicies{Inline: []state.InlinePolicy{{Name: "app", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:PutLogEvents","s3:PutObject"],"Resource":"*"}]}`}}})
	scaling := role("dev-ScalingRole-X", "AROASCALE", "application-autoscaling.amazonaws.com", state.PrincipalPolicies{Attached: []string{"arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceAutoscaleRole"}})
	copied := role("pasted", "AROACOPY", "ecs-tasks.amazonaws.com", execution.PrincipalPolicies)
	copied.TrustPolicy = `{ "Statement": [{"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}}], "Version": "2012-10-17" }`
	definition := func(family string) *state.TaskDefinition {
		return &state.TaskDefinition{Account: account, Region: region, Family: family, Revision: 2, Status: "ACTIVE", ExecutionRoleARN: execution.ARN(), TaskRoleARN: task.ARN(),
			Containers: []state.ContainerDefinition{{Name: "app", Log: &state.LogConfiguration{Driver: "awslogs"}}}}
	}
	web, worker := definition("web"), definition("worker")
	worker.TaskRoleARN = ""
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for _, r := range []*state.Role{execution, task, scaling, copied} {
			state.Roles.Put(tx, r)
		}
		linked := role("AWSServiceRoleForECS", "AROASLR", "ecs.amazonaws.com", state.PrincipalPolicies{})
		linked.Path, linked.LinkedService = "/aws-service-role/ecs.amazonaws.com/", "ecs.amazonaws.com"
		state.Roles.Put(tx, linked)
		state.TaskDefinitions.Put(tx, web)
		state.TaskDefinitions.Put(tx, worker)
		state.Services.Put(tx, &state.Service{Account: account, Region: region, Cluster: "dev", Name: "shop", Status: "ACTIVE", LaunchSpec: state.LaunchSpec{TaskDefinition: web.ARN()}})
		state.Tasks.Put(tx, &state.Task{Account: account, Region: region, Cluster: "dev", ID: "1", TaskDefinition: web.ARN(), LastStatus: state.TaskRunning})
		state.StackResources.Put(tx, &state.StackResource{Account: account, Region: region, StackID: "arn:stack", StackName: "dev", LogicalID: "TaskRole", Live: state.Physical{ID: task.Name, Type: "AWS::IAM::Role"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	do := func(r *state.Role, action, resource string) {
		id := ofRole(r).identity
		id.Region = region
		f.Access.Check(caller.With(t.Context(), id), action, resource, nil)
	}
	do(execution, "ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:111111111111:repository/web")
	do(execution, "logs:CreateLogStream", "arn:aws:logs:eu-west-1:111111111111:log-group:web:log-stream:s")
	do(task, "s3:PutObject", "arn:aws:s3:::b/x")
	do(task, "s3:GetObject", "arn:aws:s3:::b/x")
	return f
}

func roleNamed(t *testing.T, r *Report, name string) Role {
	t.Helper()
	i := slices.IndexFunc(r.Roles, func(role Role) bool { return role.Name == name })
	if i < 0 {
		t.Fatalf("no role %s in %+v", name, r.Roles)
	}
	return r.Roles[i]
}

func TestExplainTellsRolesApart(t *testing.T) {
	r, err := world(t).Explain(account, "", false)
	if err != nil || len(r.Roles) != 4 || r.Kinds != nil {
		t.Fatalf("%d roles, kinds %v, %v", len(r.Roles), r.Kinds, err)
	}
	execution, task, scaling, pasted := roleNamed(t, r, "dev-ExecutionRole-X"), roleNamed(t, r, "dev-TaskRole-X"), roleNamed(t, r, "dev-ScalingRole-X"), roleNamed(t, r, "pasted")

	if execution.Kind.Name != "task execution role" || !execution.Used || execution.Without != "tasks of web and worker would not start: the image could not be pulled, no log line could be written" {
		t.Errorf("execution: %s, used %v, without: %s", execution.Kind.Name, execution.Used, execution.Without)
	}
	if execution.Shared != "web, worker share it: each has what the others need" || !slices.Equal(execution.Copies, []string{"pasted"}) {
		t.Errorf("shared %q, copies %q", execution.Shared, execution.Copies)
	}
	if got := execution.NamedBy[0].String(); got != "task definition web:2, as its task execution role (service shop, tasks: 1)" {
		t.Errorf("named by %s", got)
	}
	if task.Kind.Name != "task role" || task.Without != "tasks of web could no longer call s3:PutObject" || task.LogicalID != "TaskRole" || task.Shared != "" || len(task.Copies) > 0 {
		t.Errorf("task: %+v", task)
	}
	for _, note := range []string{"the awslogs driver writes with the execution role: this one did not need logs:PutLogEvents for it", "never used of app: logs:PutLogEvents"} {
		if !slices.Contains(task.Notes, note) {
			t.Errorf("no %q in %q", note, task.Notes)
		}
	}
	if scaling.Kind.Name != "autoscaling role" || scaling.Used || !slices.Equal(scaling.AssumedBy, []string{"the service application-autoscaling.amazonaws.com"}) || !strings.HasPrefix(scaling.Without, "nothing that happened here") {
		t.Errorf("scaling: %+v", scaling)
	}
	if pasted.Used || pasted.Kind.Name != "task execution role" || !slices.Equal(pasted.Copies, []string{"dev-ExecutionRole-X"}) {
		t.Errorf("pasted: %+v", pasted)
	}
}

func TestExplainStackAndAll(t *testing.T) {
	f := world(t)
	r, err := f.Explain(account, "dev", false)
	if err != nil || len(r.Roles) != 1 || r.Roles[0].LogicalID != "TaskRole" {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := f.Explain(account, "other", false); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stack without roles: %v", err)
	}
	r, err = f.Explain(account, "", true)
	if err != nil || len(r.Roles) != 5 || len(r.Kinds) != len(glossary) {
		t.Fatalf("%d roles, %d kinds, %v", len(r.Roles), len(r.Kinds), err)
	}
	if linked := roleNamed(t, r, "AWSServiceRoleForECS"); linked.Kind.Name != "service-linked role" {
		t.Errorf("%+v", linked)
	}
	for _, k := range r.Kinds {
		if want := k.Name == "task role" || k.Name == "task execution role"; k.Used != want {
			t.Errorf("%s: used %v", k.Name, k.Used)
		}
	}
}

func TestWhoMayAssume(t *testing.T) {
	cases := []struct{ statement, want string }{
		{`{"Effect":"Allow","Principal":{"Service":["ecs-tasks.amazonaws.com","events.amazonaws.com"]},"Condition":{"StringEquals":{"aws:SourceAccount":"1"},"ArnLike":{"aws:SourceArn":["a","b"]}}}`,
			"the service ecs-tasks.amazonaws.com, when aws:SourceArn ArnLike a or b and aws:SourceAccount StringEquals 1; the service events.amazonaws.com, when aws:SourceArn ArnLike a or b and aws:SourceAccount StringEquals 1"},
		{`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::222222222222:root","333333333333","arn:aws:iam::111111111111:role/r"]}}`,
			"principals of the account 222222222222 whose own policies allow it; principals of the account 333333333333 whose own policies allow it; arn:aws:iam::111111111111:role/r"},
		{`[{"Effect":"Allow","Principal":"*"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/u"}}]`, "anybody whose own policies allow it; not by arn:aws:iam::111111111111:user/u"},
		{`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/x"}}`, "users of the identity provider arn:aws:iam::111111111111:oidc-provider/x"},
		{`[]`, "nobody"},
	}
	for _, c := range cases {
		lines, _ := assumedBy(`{"Statement":` + c.statement + `}`)
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.statement, got, c.want)
		}
	}
}

func TestSuggestFindsPrincipals(t *testing.T) {
	f := world(t)
	for _, name := range []string{"dev-TaskRole-X", "DEV-taskrole-x", "role/dev-TaskRole-X", "arn:aws:iam::111111111111:role/dev-TaskRole-X", "TaskRole"} {
		s, err := f.Suggest(account, region, name, true)
		if err != nil || s.Name != "dev-TaskRole-X" || s.Actions != 1 || len(s.Replay.Differ) > 0 || !strings.Contains(s.JSON, `"Resource": "arn:aws:s3:::b/x"`) {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	for _, name := range []string{"nobody", "user/dev-TaskRole-X", "arn:aws:iam::222222222222:role/dev-TaskRole-X", "arn:aws:iam::111111111111:role/path/dev-TaskRole-X", ""} {
		if _, err := f.Suggest(account, region, name, false); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
