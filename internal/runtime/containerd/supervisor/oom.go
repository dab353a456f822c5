package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomKills counts the processes of a cgroup that were killed for want of memory,
// on cgroup v1 or v2; 0 for a group that is not there.
func oomKills(group string) uint64 {
	if group == "" {
		return 0
	}
	const root = "/sys/fs/cgroup"
	content, err := os.ReadFile(filepath.Join(root, "memory", group, "memory.oom_control"))
	if err != nil {
		content, err = os.ReadFile(filepath.Join(root, group, "memory.events"))
	}
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			n, _ := strconv.ParseUint(count, 10, 64)
			return n
		}
	}
	return 0
}
