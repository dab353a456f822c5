package agent

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// definitionOf is the definition of a task with the task's overrides applied.
// Nil when it is gone, which does not happen while the task lives.
func definitionOf(tx *store.Tx, t *state.Task) *state.TaskDefinition {
	family, digits, _ := strings.Cut(t.TaskDefinition[strings.LastIndexByte(t.TaskDefinition, '/')+1:], ":")
	revision, _ := strconv.Atoi(digits)
	d, ok := state.TaskDefinitions.Get(tx, state.TaskDefinitionKey(t.Account, t.Region, family, revision))
	if !ok {
		return nil
	}
	with := *d
	with.Containers = append([]state.ContainerDefinition(nil), d.Containers...)
	for _, o := range t.Overrides.Containers {
		for i, c := range with.Containers {
			if c.Name == o.Name {
				with.Containers[i] = taskdef.Overridden(c, o)
			}
		}
	}
	return &with
}
