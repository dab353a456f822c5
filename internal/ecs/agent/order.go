package agent

import (
	"time"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// seen is how a container of the task is, as the runtime says it.
type seen struct {
	runtime.Container        // State is "" while it does not exist
	health            string // as the record says
}

func (s seen) begun() bool { return s.State == runtime.Running || s.State == runtime.Stopped }

// blocked says why a container can never be started.
type blocked struct{ target, dependency, why string }

// startable returns the containers that may be started now, by index, how long
// the next startTimeout is away (0: none), and what can never be started.
func startable(d *state.TaskDefinition, now map[string]seen, at time.Time) (ready []int, wait time.Duration, never *blocked) {
	for i, c := range d.Containers {
		if now[c.Name].begun() {
			continue
		}
		may := true
		for _, dep := range c.DependsOn {
			other, _ := d.Container(dep.ContainerName)
			met, why := condition(dep.Condition, now[dep.ContainerName])
			if why != "" {
				return nil, 0, &blocked{c.Name, dep.ContainerName, why}
			}
			if met {
				continue
			}
			may = false
			if other.StartTimeout == nil || !now[dep.ContainerName].begun() {
				continue
			}
			left := time.Duration(*other.StartTimeout)*time.Second - at.Sub(now[dep.ContainerName].StartedAt)
			if left <= 0 {
				return nil, 0, &blocked{c.Name, dep.ContainerName, "it did not reach the condition " + dep.Condition + " within its startTimeout"}
			}
			if wait == 0 || left < wait {
				wait = left
			}
		}
		if may {
			ready = append(ready, i)
		}
	}
	return ready, wait, nil
}

// condition reports whether a dependency is met, or why it never will be.
func condition(name string, s seen) (met bool, why string) {
	switch name {
	case "START":
		return s.begun(), ""
	case "COMPLETE":
		return s.State == runtime.Stopped, ""
	case "SUCCESS":
		if s.State == runtime.Stopped && s.ExitCode != 0 {
			return false, "dependency did not exit successfully"
		}
		return s.State == runtime.Stopped, ""
	default: // HEALTHY
		switch {
		case s.State == runtime.Stopped:
			return false, "dependency exited before it was healthy"
		case s.health == "UNHEALTHY":
			return false, "dependency is unhealthy"
		}
		return s.health == "HEALTHY", ""
	}
}

// stoppable reports whether a running container may be stopped: whatever depends
// on it has ended.
func stoppable(d *state.TaskDefinition, name string, now map[string]seen) bool {
	for _, c := range d.Containers {
		if now[c.Name].State != runtime.Running {
			continue
		}
		for _, dep := range c.DependsOn {
			if dep.ContainerName == name {
				return false
			}
		}
	}
	return true
}
