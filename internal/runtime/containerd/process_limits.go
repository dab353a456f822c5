package containerd

import (
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/pkg/cap"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// defaultCapabilities are Docker's.
var defaultCapabilities = []string{
	"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
	"CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// capabilitySet applies additions and removals to the default set, "ALL" first,
// as Docker does. What the host itself lacks is left out. The result is sorted.
func capabilitySet(add, drop []string) ([]string, error) {
	host, err := cap.Current()
	if err != nil {
		return nil, err
	}
	add, err = capabilityNames(add)
	if err != nil {
		return nil, err
	}
	drop, err = capabilityNames(drop)
	if err != nil {
		return nil, err
	}
	set := slices.Clone(defaultCapabilities)
	if slices.Contains(add, "ALL") {
		set = slices.Clone(host)
	}
	if slices.Contains(drop, "ALL") {
		set = nil
	}
	set = append(set, add...)
	set = slices.DeleteFunc(set, func(c string) bool {
		return c == "ALL" || slices.Contains(drop, c) || !slices.Contains(host, c)
	})
	slices.Sort(set)
	return slices.Compact(set), nil
}

func capabilityNames(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, name := range names {
		full := strings.ToUpper(name)
		if full != "ALL" && !strings.HasPrefix(full, "CAP_") {
			full = "CAP_" + full
		}
		if full != "ALL" && !slices.Contains(cap.Known(), full) {
			return nil, fmt.Errorf("%w: unknown capability %q", runtime.ErrInvalid, name)
		}
		out = append(out, full)
	}
	return out, nil
}

// hostLimits is what the host can give.
type hostLimits struct {
	cpus int64
	// openFiles is the most that any process may be given (fs.nr_open).
	openFiles uint64
	// raise: we may raise limits above our own hard ones.
	raise bool
	hard  map[string]uint64
}

var rlimitNumbers = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
	"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}

func readHostLimits() hostLimits {
	h := hostLimits{cpus: int64(goruntime.NumCPU()), openFiles: 1 << 20, hard: map[string]uint64{}}
	if content, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64); err == nil {
			h.openFiles = n
		}
	}
	if have, err := cap.Current(); err == nil {
		h.raise = slices.Contains(have, "CAP_SYS_RESOURCE")
	}
	for name, number := range rlimitNumbers {
		var limit unix.Rlimit
		if unix.Getrlimit(number, &limit) == nil {
			h.hard[name] = limit.Max
		}
	}
	return h
}

// clamp lowers a limit to what the host allows.
func (h hostLimits) clamp(name string, limit uint64) uint64 {
	if name == "nofile" {
		limit = min(limit, h.openFiles)
	}
	if !h.raise {
		limit = min(limit, h.hard[name])
	}
	return limit
}

const noLimit = ^uint64(0) // RLIM_INFINITY

// rlimits turns ulimits into the spec's form. Without one for open files a
// container gets Docker's 1048576 instead of containerd's 1024.
func rlimits(ulimits []runtime.Ulimit, host hostLimits) ([]specs.POSIXRlimit, error) {
	if !slices.ContainsFunc(ulimits, func(u runtime.Ulimit) bool { return u.Name == "nofile" }) {
		ulimits = append(slices.Clone(ulimits), runtime.Ulimit{Name: "nofile", Soft: 1 << 20, Hard: 1 << 20})
	}
	var out []specs.POSIXRlimit
	for _, u := range ulimits {
		if _, known := rlimitNumbers[u.Name]; !known {
			return nil, fmt.Errorf("%w: unknown ulimit %q", runtime.ErrInvalid, u.Name)
		}
		soft, hard := noLimit, noLimit
		if u.Hard >= 0 {
			hard = uint64(u.Hard)
		}
		if u.Soft >= 0 {
			soft = uint64(u.Soft)
		}
		if soft > hard {
			return nil, fmt.Errorf("%w: ulimit %s: soft limit above hard limit", runtime.ErrInvalid, u.Name)
		}
		hard = host.clamp(u.Name, hard)
		out = append(out, specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(u.Name), Soft: min(soft, hard), Hard: hard})
	}
	return out, nil
}
