package why

import (
	"fmt"
	"strconv"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/state"
)

// outOfMemory explains a container that the kernel killed for its memory.
func (n names) outOfMemory(t *state.Task, c state.Container, end decision.Decision, f *Finding) {
	f.Code = "run.oom"
	limit, whose := number(c.Memory), "its limit"
	if limit == 0 {
		limit, whose = number(t.Memory), "the task's limit"
	}
	f.Cause = fmt.Sprintf("container %s was killed because it used more memory than %s of %d MiB", c.Name, whose, limit)
	peak := limit
	for _, fact := range end.Facts {
		if fact.Name == factPeak {
			peak = max(peak, number(fact.Value))
			f.Cause += "; its peak was " + fact.Value + " MiB"
		}
	}
	// What it would have taken is not known: it was stopped at the peak. So twice that.
	want := 2 * peak
	cpu, memory := enough(number(t.CPU), max(want, number(t.Memory)))
	e := edit{container: c.Name, task: map[string]any{}}
	if memory != number(t.Memory) || cpu != number(t.CPU) {
		e.task["cpu"], e.task["memory"] = strconv.Itoa(cpu), strconv.Itoa(memory)
		e.cfn = fmt.Sprintf("Cpu: %d\nMemory: %d", cpu, memory)
		e.hcl = fmt.Sprintf("cpu    = %d\nmemory = %d", cpu, memory)
	}
	if c.Memory != "" {
		e.set = map[string]any{"memory": want}
		e.cfn = join(e.cfn, fmt.Sprintf("# and in the container definition of %s\nMemory: %d", c.Name, want))
		e.hcl = join(e.hcl, fmt.Sprintf("# and in the container definition of %s\nmemory = %d", c.Name, want))
	}
	f.Fixes = n.revise(t, e)
}

// factPeak is the name of the fact that tells how much memory a container had
// at most, in MiB.
const factPeak = "peak memory MiB"

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// enough is the smallest size of Fargate with that much memory: with the CPU
// that there is, or more where it must be.
func enough(cpu, mib int) (units, memory int) {
	for units = cpu; units <= 16384; units *= 2 {
		for memory = 512; memory <= 122880; memory += 512 {
			if memory >= mib && taskdef.CheckFargateSize(strconv.Itoa(units), strconv.Itoa(memory)) == nil {
				return units, memory
			}
		}
		if units == 0 {
			break
		}
	}
	return cpu, mib
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
