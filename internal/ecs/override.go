package ecs

import (
	"encoding/json"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/state"
)

const maxOverrides = 8192 // characters, as JSON

// override applies the overrides of a RunTask call to a new task.
func override(t *state.Task, d *state.TaskDefinition, in *ecsapi.TaskOverride) error {
	if in == nil {
		return nil
	}
	raw, _ := json.Marshal(in)
	switch {
	case len(raw) > 4*maxOverrides: // the Go encoding is wordier than the API's
		return invalid("Container Overrides length must be at most %d", maxOverrides)
	case len(in.InferenceAcceleratorOverrides) > 0:
		return unsupported("inferenceAcceleratorOverrides")
	}
	cpu, memory, err := taskdef.Size(in.Cpu, in.Memory)
	if err != nil {
		return err
	}
	o := state.TaskOverrides{CPU: cpu, Memory: memory, TaskRoleARN: in.TaskRoleArn, ExecutionRoleARN: in.ExecutionRoleArn}
	replace(&t.CPU, cpu)
	replace(&t.Memory, memory)
	replace(&t.TaskRoleARN, in.TaskRoleArn)
	replace(&t.ExecutionRoleARN, in.ExecutionRoleArn)
	if err := taskdef.CheckFargateSize(t.CPU, t.Memory); err != nil {
		return err
	}
	if in.EphemeralStorage != nil {
		o.EphemeralGiB = in.EphemeralStorage.SizeInGiB
		if o.EphemeralGiB < 21 || o.EphemeralGiB > 200 {
			return invalid("EphemeralStorage size should be at least 21 and at most 200")
		}
		t.EphemeralGiB = o.EphemeralGiB
	}
	for _, c := range in.ContainerOverrides {
		i := t.Container(c.Name)
		switch {
		case c.Name == "":
			return invalid("Container override is missing the name of the container.")
		case i < 0:
			return invalid("Override for container named %s is not a container in the TaskDefinition.", c.Name)
		case len(c.ResourceRequirements) > 0:
			return unsupported("overrides of resourceRequirements")
		}
		co := state.ContainerOverride{Name: c.Name, Command: c.Command, CPU: c.Cpu, Memory: c.Memory, MemoryReservation: c.MemoryReservation}
		for _, e := range c.Environment {
			co.Environment = append(co.Environment, state.NameValue{Name: e.Name, Value: e.Value})
		}
		for _, f := range c.EnvironmentFiles {
			co.EnvironmentFiles = append(co.EnvironmentFiles, f.Value)
		}
		switch err := taskdef.CheckEnvironmentFiles(co.EnvironmentFiles); {
		case err != nil:
			return err
		case len(co.EnvironmentFiles) > 0 && t.ExecutionRoleARN == "":
			return invalid("When you are specifying container environmentFiles, you must also specify a value for 'executionRoleArn'.")
		}
		o.Containers = append(o.Containers, co)
		def, _ := d.Container(c.Name)
		have := t.Containers[i]
		sized := newContainer(taskdef.Overridden(def, co))
		have.CPU, have.Memory, have.MemoryReservation = sized.CPU, sized.Memory, sized.MemoryReservation
		t.Containers[i] = have
	}
	t.Overrides = o
	return nil
}

func replace(have *string, with string) {
	if with != "" {
		*have = with
	}
}
