package why

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// edit is a change to a task definition: members of one container, and of the
// task itself, as the API names them.
type edit struct {
	container string
	set       map[string]any
	task      map[string]any
	cfn, hcl  string // the same for templates
}

// revise are the fixes that change the task definition: in its template, or by a
// new revision on which the service, or the task again, is started.
func (n names) revise(t *state.Task, e edit) []decision.Fix {
	d := taskDefinition(n.tx, t.TaskDefinition)
	if d == nil {
		return nil
	}
	return n.set(t.TaskDefinition, snippet{cfn: e.cfn, hcl: e.hcl, cli: lines(newRevision(d, e), n.relaunch(t, d.Family))})
}

// newRevision is the command that registers the definition again with a change.
// The change is part of the query, so that the command can be read.
func newRevision(d *state.TaskDefinition, e edit) string {
	members := []string{"family:family", "networkMode:networkMode", "volumes:volumes"}
	have := map[string]bool{
		"cpu": d.CPU != "", "memory": d.Memory != "", "executionRoleArn": d.ExecutionRoleARN != "", "taskRoleArn": d.TaskRoleARN != "",
		"requiresCompatibilities": len(d.RequiresCompatibilities) > 0, "runtimePlatform": d.Platform != nil, "pidMode": d.PIDMode != "",
		"ephemeralStorage": d.EphemeralGiB > 0, "enableFaultInjection": d.EnableFaultInjection != nil,
	}
	for name := range e.task {
		have[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if v, changed := e.task[name]; changed {
			members = append(members, name+":"+literal(v))
		} else if have[name] {
			members = append(members, name+":"+name)
		}
	}
	containers := "containerDefinitions"
	switch {
	case len(e.set) == 0:
	case len(d.Containers) == 1:
		containers += "[].merge(@," + literal(e.set) + ")"
	default:
		one := literal(e.container)
		containers = fmt.Sprintf("[containerDefinitions[?name==%s].merge(@,%s),containerDefinitions[?name!=%s]][]", one, literal(e.set), one)
	}
	members = append(members, "containerDefinitions:"+containers)
	return fmt.Sprintf("aws ecs register-task-definition --cli-input-json \"$(aws ecs describe-task-definition --task-definition %s:%d --output json --query 'taskDefinition.{%s}')\" --query taskDefinition.taskDefinitionArn",
		d.Family, d.Revision, strings.Join(members, ","))
}

// literal is a value in a query that stands in single quotes.
func literal(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "``"
	}
	text := strings.NewReplacer("'", `\u0027`, "`", `\u0060`).Replace(string(raw))
	return "`" + text + "`"
}

// relaunch is the command that starts the service, or the task again, on a task
// definition: the newest of a family, or FAMILY:REVISION.
func (n names) relaunch(t *state.Task, definition string) string {
	if s := n.service(t); s != nil {
		return fmt.Sprintf("aws ecs update-service --cluster %s --service %s --task-definition %s --query service.taskDefinition", s.Cluster, s.Name, definition)
	}
	return fmt.Sprintf("aws ecs run-task --cluster %s --task-definition %s --launch-type FARGATE --network-configuration '%s' --query tasks[0].taskArn",
		t.Cluster, definition, awsvpc([]string{t.Subnet}, t.SecurityGroups, t.AssignPublicIP))
}

// retry is the command that makes the task be tried again as it is.
func (n names) retry(t *state.Task) string {
	if s := n.service(t); s != nil {
		return fmt.Sprintf("aws ecs update-service --cluster %s --service %s --force-new-deployment --query service.status", s.Cluster, s.Name)
	}
	return n.relaunch(t, shortDefinition(t.TaskDefinition))
}

// rollBack is the fix that returns to the revision that worked last.
func (n names) rollBack(t *state.Task) []decision.Fix {
	s := n.service(t)
	if s == nil {
		return nil
	}
	for _, d := range append(slices.Clone(s.Deployments), s.Past...) {
		if d.WasCompleted && d.TaskDefinition != t.TaskDefinition {
			revision := shortDefinition(d.TaskDefinition)
			return []decision.Fix{{Lang: LangCLI, Target: "back to the revision that worked", Text: n.relaunch(t, revision)}}
		}
	}
	return nil
}

// service is the task's service, nil for a task of its own.
func (n names) service(t *state.Task) *state.Service {
	if t.Service == "" {
		return nil
	}
	s, _ := state.Services.Get(n.tx, t.ServiceKey())
	return s
}

// awsvpc is a network configuration in the short form of the aws command.
func awsvpc(subnets, groups []string, public bool) string {
	assign := "DISABLED"
	if public {
		assign = "ENABLED"
	}
	return fmt.Sprintf("awsvpcConfiguration={subnets=[%s],securityGroups=[%s],assignPublicIp=%s}", strings.Join(subnets, ","), strings.Join(groups, ","), assign)
}

// shortDefinition is FAMILY:REVISION of a task definition's ARN.
func shortDefinition(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
