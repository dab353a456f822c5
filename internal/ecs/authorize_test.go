package ecs

import (
	"reflect"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
)

func TestEveryOperationHasARule(t *testing.T) {
	rules := newTest(t).Authorization().Rules
	for name, op := range ecsapi.Model.Operations {
		list, ok := rules[name]
		if !ok || len(list) == 0 {
			t.Errorf("%s has no rule", name)
			continue
		}
		// Rules must take an empty request: it is authorised before the handler looks at it.
		for _, r := range list {
			in := op.NewInput()
			if r.Resources != nil {
				r.Resources(caller.ForRoot("000000000000", "us-east-1"), in)
			}
			if r.Conditions != nil {
				r.Conditions(caller.ForRoot("000000000000", "us-east-1"), in)
			}
		}
	}
	for name := range rules {
		if ecsapi.Model.Operations[name] == nil {
			t.Errorf("rule of %s, which is no operation", name)
		}
	}
}

func TestResourcesAndConditions(t *testing.T) {
	s := newTest(t)
	s.register(t, "web")
	id := caller.ForRoot("000000000000", "us-east-1")
	rules := s.Authorization().Rules
	arn := func(resource string) string { return "arn:aws:ecs:us-east-1:000000000000:" + resource }
	for op, c := range map[string]struct {
		in         any
		resources  []string
		conditions map[string][]string
	}{
		"RunTask": {&ecsapi.RunTaskRequest{Cluster: "c", TaskDefinition: "web"}, []string{arn("task-definition/web:1")},
			map[string][]string{"ecs:cluster": {arn("cluster/c")}, "ecs:enable-execute-command": {"false"}}},
		"StopTask":      {&ecsapi.StopTaskRequest{Task: "abc"}, []string{arn("task/default/abc")}, map[string][]string{"ecs:cluster": {arn("cluster/default")}}},
		"DeleteService": {&ecsapi.DeleteServiceRequest{Cluster: arn("cluster/c"), Service: "s"}, []string{arn("service/c/s")}, map[string][]string{"ecs:cluster": {arn("cluster/c")}}},
		"DeleteCluster": {&ecsapi.DeleteClusterRequest{Cluster: "c"}, []string{arn("cluster/c")}, map[string][]string{}},
	} {
		r := rules[op][0]
		if got := r.Resources(id, c.in); !reflect.DeepEqual(got, c.resources) {
			t.Errorf("%s: resources %v", op, got)
		}
		if got := r.Conditions(id, c.in); !reflect.DeepEqual(got, c.conditions) {
			t.Errorf("%s: conditions %v", op, got)
		}
	}
}
