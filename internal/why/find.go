package why

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// findService finds a service by NAME or CLUSTER/NAME.
func findService(tx *store.Tx, account, region, name string) *state.Service {
	for s := range state.Services.All(tx, state.Prefix(account, region)) {
		if s.Name == name || s.Cluster+"/"+s.Name == name {
			return s
		}
	}
	return nil
}

// findTask finds a task by its id or the start of one (6 characters and more).
func findTask(tx *store.Tx, account, region, id string) *state.Task {
	if len(id) < 6 {
		return nil
	}
	for t := range state.Tasks.All(tx, state.Prefix(account, region)) {
		if strings.HasPrefix(t.ID, id) {
			return t
		}
	}
	return nil
}

// findStack finds a stack by name; a deleted one when there is no other.
func findStack(tx *store.Tx, account, region, name string) *state.Stack {
	for s := range state.Stacks.By(tx, "name", state.Key(account, region, name)) {
		return s
	}
	var newest *state.Stack
	for s := range state.Stacks.All(tx, state.Prefix(account, region)) {
		if s.Name == name && (newest == nil || s.Created.After(newest.Created)) {
			newest = s
		}
	}
	return newest
}

// taskDefinition returns the task definition of an ARN, nil when it is gone.
func taskDefinition(tx *store.Tx, arn string) *state.TaskDefinition {
	var account, region string
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		region, account = parts[3], parts[4]
	}
	family, revision, _ := strings.Cut(shortDefinition(arn), ":")
	n, _ := strconv.Atoi(revision)
	d, _ := state.TaskDefinitions.Get(tx, state.TaskDefinitionKey(account, region, family, n))
	return d
}
