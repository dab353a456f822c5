package taskdef

import "github.com/neargate/neargate/internal/state"

// checkDependencies checks that every dependency can be met.
func checkDependencies(d *state.TaskDefinition) error {
	for _, c := range d.Containers {
		for _, dep := range c.DependsOn {
			other, ok := d.Container(dep.ContainerName)
			switch {
			case !ok:
				return clientError("Cannot depend on container '%s' because it does not exist", dep.ContainerName)
			case other.Name == c.Name:
				return clientError("Container '%s' cannot depend on itself", c.Name)
			case (dep.Condition == "SUCCESS" || dep.Condition == "COMPLETE") && other.Essential:
				return clientError("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
			case dep.Condition == "HEALTHY" && other.HealthCheck == nil:
				return clientError("A dependency container with HEALTHY condition must have health check configured")
			case dep.Condition != "START" && dep.Condition != "COMPLETE" && dep.Condition != "SUCCESS" && dep.Condition != "HEALTHY":
				return clientError("Invalid dependency condition '%s' of container '%s'", dep.Condition, c.Name)
			}
		}
	}
	if name := cycle(d); name != "" {
		return clientError("Container dependencies must not form a cycle: '%s' depends on itself", name)
	}
	return nil
}

// cycle returns a container that depends on itself by way of others, or "".
func cycle(d *state.TaskDefinition) string {
	const open, done = 1, 2
	mark := map[string]int{}
	var visit func(string) string
	visit = func(name string) string {
		switch mark[name] {
		case open:
			return name
		case done:
			return ""
		}
		mark[name] = open
		c, _ := d.Container(name)
		for _, dep := range c.DependsOn {
			if found := visit(dep.ContainerName); found != "" {
				return found
			}
		}
		mark[name] = done
		return ""
	}
	for _, c := range d.Containers {
		if found := visit(c.Name); found != "" {
			return found
		}
	}
	return ""
}
