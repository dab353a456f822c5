package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// walk follows the tasks of one task definition, as one service (or nobody) runs
// them, through their start.
type walk struct {
	*checker
	task    *planned // the task definition
	service *planned // nil: nobody runs it here, so nothing is known of its network
	def     *state.TaskDefinition
	role    context.Context // a session of the execution role; nil when there is none
	own     context.Context // a session of the task role
	enis    []eni
	net     []fault
}

// eni is the interface of a task in one of its subnets.
type eni struct{ id, subnet string }

// tasks follows every task definition that could be made.
func (c *checker) tasks() {
	for _, p := range slices.Clone(c.plan) {
		if p.Type != "AWS::ECS::TaskDefinition" || p.ID == "" {
			continue
		}
		users := c.users(p)
		if len(users) == 0 {
			users = []*planned{nil}
		}
		for _, service := range users {
			c.follow(p, service)
		}
	}
}

// users are the services that run a task definition.
func (c *checker) users(task *planned) []*planned {
	family := strings.Split(task.ID[strings.LastIndex(task.ID, "/")+1:], ":")[0]
	var out []*planned
	for _, p := range c.plan {
		if p.Type != "AWS::ECS::Service" {
			continue
		}
		if wanted := p.get("TaskDefinition").Str(); wanted == task.ID || wanted == family || strings.HasPrefix(wanted, family+":") {
			out = append(out, p)
		}
	}
	return out
}

func (c *checker) follow(task, service *planned) {
	def, ok := c.instance.Definition(task.ID)
	if !ok {
		return
	}
	w := &walk{checker: c, task: task, service: service, def: def}
	c.report.Tasks++
	w.interfaces()
	w.role = w.assumeRole(def.ExecutionRoleARN, "ExecutionRoleArn", "execution role")
	w.own = w.assumeRole(def.TaskRoleARN, "TaskRoleArn", "task role")
	w.registryLogin()
	w.secrets()
	w.logs()
	w.images()
	w.exec()
	w.balancers()
	w.network()
}

// interfaces makes an interface in each subnet whose id is known.
func (w *walk) interfaces() {
	if w.service == nil {
		return
	}
	config := []string{"NetworkConfiguration", "AwsvpcConfiguration"}
	subnets, groups := w.service.get(append(config, "Subnets")...), w.service.get(append(config, "SecurityGroups")...)
	if groups.HasUnknown() || slices.ContainsFunc(texts(groups), isUnknown) {
		return
	}
	public := w.service.get(append(config, "AssignPublicIp")...).Str() == "ENABLED"
	for _, subnet := range texts(subnets) {
		if w.byID[subnet] == nil && w.options.State == nil {
			continue
		}
		id, err := w.instance.Interface(w.ctx, w.service.label()+"/"+w.task.label()+"/"+subnet, subnet, texts(groups), public)
		if err == nil {
			w.enis = append(w.enis, eni{id, subnet})
		}
	}
	w.followed = w.followed || len(w.enis) > 0
}

// assumeRole returns a session of a role, nil when there is none or it cannot be assumed.
func (w *walk) assumeRole(arn, property, what string) context.Context {
	if arn == "" || isUnknown(arn) {
		return nil
	}
	session, err := w.instance.Assume(w.ctx, arn)
	if err == nil {
		return session
	}
	var no *access.NotAssumable
	if !errors.As(err, &no) || no.Reason == access.OtherAccount {
		return nil
	}
	f := Finding{Severity: Error, Code: "iam.trust", AWSSays: "ECS was unable to assume the role '" + arn + "' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."}
	if no.Reason == access.RoleMissing {
		if !w.options.AssumeExisting {
			f.Code, f.Message = "iam.no-role", fmt.Sprintf("the %s %s is not made here", what, arn)
			w.findAt(w.task, f, property)
		}
		return nil
	}
	role := w.roleOf(arn)
	if role == nil {
		return nil
	}
	f.Message = fmt.Sprintf("ECS cannot assume %s as the %s of %s: %s", role.label(), what, w.task.label(), strings.Replace(string(no.Reason), "the service", no.Service, 1))
	if no.Key != "" {
		f.Message += fmt.Sprintf(" (%s must be %s, and is %s)", no.Key, strings.Join(no.Wanted, " or "), strings.Join(no.Given, ", "))
	}
	f.Fix = trustFix(role, no)
	w.findAt(role, f, "AssumeRolePolicyDocument")
	return nil
}

// roleOf returns the planned role of an ARN.
func (c *checker) roleOf(arn string) *planned {
	p := c.byID[arn[strings.LastIndex(arn, "/")+1:]]
	if p == nil || p.Type != "AWS::IAM::Role" {
		return nil
	}
	return p
}

// container returns a place in the task definition: of a container's property.
func (w *walk) container(name string, property ...string) Position {
	for _, c := range items(w.task.get("ContainerDefinitions")) {
		if field(c, "Name").Str() != name && len(w.def.Containers) > 1 {
			continue
		}
		at := c
		for _, key := range property {
			below := field(at, key)
			if below == nil {
				break
			}
			at = below
			for _, e := range parentEntries(c, property, key) {
				if strings.EqualFold(e.Key, key) && e.Line > 0 {
					return Position{w.task.Position.File, e.Line, w.files.column(w.task.Position.File, e.Line, e.Key)}
				}
			}
		}
		return w.valueAt(w.task, at)
	}
	return w.place(w.task, "ContainerDefinitions")
}

// parentEntries are the entries of the object that the last key of a path is in;
// keys before it must be there.
func parentEntries(v *template.Value, path []string, key string) []template.Entry {
	if len(path) == 0 || path[len(path)-1] != key {
		return nil
	}
	for _, k := range path[:len(path)-1] {
		if v = field(v, k); v == nil {
			return nil
		}
	}
	return v.Entries
}

// through follows a request of the task from each of its subnets, and returns
// the session with the endpoint that it goes through. What does not arrive is
// noted; what it would be answered is asked all the same.
func (w *walk) through(session context.Context, host string) context.Context {
	for _, path := range w.arrives(host) {
		if session != nil {
			session = rehearsal.Through(session, path)
		}
	}
	return session
}

// arrives follows a request of the task from each of its subnets, and returns
// the ways of those that arrive.
func (w *walk) arrives(host string) (paths []rehearsal.Path) {
	for _, e := range w.enis {
		if path, ok := w.reach(e, host); ok {
			paths = append(paths, path)
		}
	}
	return paths
}
