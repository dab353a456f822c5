package containerd

import (
	"context"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/runtime"
)

// Stats implements runtime.Containers. It reads the container's cgroup, without
// asking the shim.
func (r *Runtime) Stats(ctx context.Context, id string) (runtime.Stats, error) {
	c, err := r.Inspect(ctx, id)
	if err != nil {
		return runtime.Stats{}, err
	}
	if c.State != runtime.Running {
		return runtime.Stats{}, fmt.Errorf("container %s: %w", id, runtime.ErrNotRunning)
	}
	return r.cgroups.stats(r.containerGroup(c.TaskID, id), time.Now()), nil
}

// unlimited is above what v1 prints for "no limit" (the largest page multiple
// of an int64, less on kernels with larger pages).
const unlimited = 1 << 60

func (t cgroupTree) stats(group string, now time.Time) runtime.Stats {
	s := runtime.Stats{At: now, PIDs: t.number("pids", group, "pids.current")}
	var used, cache uint64
	if t.unified {
		s.CPU = time.Duration(t.keyed("", group, "cpu.stat")["usage_usec"]) * time.Microsecond
		s.MemoryPeak = t.number("", group, "memory.peak") // since Linux 5.19
		s.MemoryLimit = t.number("", group, "memory.max")
		used, cache = t.number("", group, "memory.current"), t.keyed("", group, "memory.stat")["inactive_file"]
	} else {
		s.CPU = time.Duration(t.number("cpuacct", group, "cpuacct.usage"))
		s.MemoryPeak = t.number("memory", group, "memory.max_usage_in_bytes")
		s.MemoryLimit = t.number("memory", group, "memory.limit_in_bytes")
		used, cache = t.number("memory", group, "memory.usage_in_bytes"), t.keyed("memory", group, "memory.stat")["total_inactive_file"]
	}
	if s.MemoryLimit >= unlimited {
		s.MemoryLimit = 0
	}
	s.Memory = used - min(cache, used)
	return s
}
