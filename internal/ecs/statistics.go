package ecs

import (
	"strconv"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// statistics are the counts of a cluster by launch type, under AWS's names.
func statistics(running, pending, active, draining map[string]int) []ecsapi.KeyValuePair {
	var out []ecsapi.KeyValuePair
	for _, launch := range []struct{ key, name string }{{"EC2", "EC2"}, {"FARGATE", "Fargate"}, {"EXTERNAL", "External"}} {
		for _, count := range []struct {
			name string
			of   map[string]int
		}{{"running" + launch.name + "TasksCount", running}, {"pending" + launch.name + "TasksCount", pending}, {"active" + launch.name + "ServiceCount", active}, {"draining" + launch.name + "ServiceCount", draining}} {
			out = append(out, ecsapi.KeyValuePair{Name: count.name, Value: strconv.Itoa(count.of[launch.key])})
		}
	}
	return out
}
