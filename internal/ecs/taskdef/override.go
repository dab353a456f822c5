package taskdef

import "github.com/neargate/neargate/internal/state"

// Overridden is a container's definition with an override put over it.
func Overridden(def state.ContainerDefinition, o state.ContainerOverride) state.ContainerDefinition {
	if len(o.Command) > 0 {
		def.Command = o.Command
	}
	if o.CPU != nil {
		def.CPU = *o.CPU
	}
	if o.Memory != nil {
		def.Memory = o.Memory
	}
	if o.MemoryReservation != nil {
		def.MemoryReservation = o.MemoryReservation
	}
	merged := append([]state.NameValue{}, def.Environment...)
	for _, e := range o.Environment {
		replaced := false
		for i := range merged {
			if merged[i].Name == e.Name {
				merged[i], replaced = e, true
			}
		}
		if !replaced {
			merged = append(merged, e)
		}
	}
	def.Environment = merged
	if len(o.EnvironmentFiles) > 0 {
		def.EnvironmentFiles = o.EnvironmentFiles
	}
	return def
}
