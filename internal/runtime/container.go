package runtime

import (
	"io"
	"syscall"
	"time"
)

// ContainerSpec describes a container. Zero values mean what the image says,
// or what Docker does when nothing is said.
type ContainerSpec struct {
	ID     string            // as TaskSpec.ID, unique in the runtime
	TaskID string            // an existing task
	Image  string            // digest of a known image
	Labels map[string]string // kept, for List; at most 4 KiB together

	// Args is the whole command line. Nil means the image's entrypoint and command.
	Args []string
	// Environment is added to the image's; later values win. NAME=value.
	Environment []string
	// Secrets is environment, too, and wins over it. It is kept only as long as the
	// container, and never where it would outlive the machine's next start.
	Secrets    []string
	WorkingDir string
	// User is uid, uid:gid, name or name:group; names are looked up in the image.
	User     string
	Hostname string

	ReadonlyRootfs bool
	Mounts         []Mount
	// ShmSize is the size of /dev/shm in bytes; 0 is 64 MiB.
	ShmSize int64

	// CPUShares is the weight among the task's containers, 1024 per core; 0 is 2,
	// the least.
	CPUShares int64
	// MemoryLimit in bytes: above it the kernel kills. 0 is only the task's.
	MemoryLimit int64
	// MemoryReservation in bytes: what is left to the container under pressure.
	MemoryReservation int64
	// Ulimits are clamped to what the host allows.
	Ulimits []Ulimit
	// Sysctls of the container's namespaces, "net.core.somaxconn" to value.
	Sysctls map[string]string

	// CapAdd and CapDrop change Docker's default set: "NET_ADMIN", "ALL" ...
	CapAdd, CapDrop []string

	// Init runs a small first process that reaps orphans and forwards signals.
	Init bool
	// Terminal gives the process a terminal as stdin, stdout and stderr.
	Terminal bool
	// LogPath is the absolute path of the file to which stdout and stderr are
	// appended, without the caller's doing, also while it is not running. The
	// file is made with mode 0600 if it is missing. "" discards the output. Once
	// the container is Stopped, all that it printed is in the file. Package
	// loglimit bounds it.
	LogPath string
}

// Mount puts something into a container's file system.
type Mount struct {
	Type     MountType
	Source   string // host path; for Bind only
	Target   string // absolute path in the container; made if missing
	ReadOnly bool
	// Size in bytes, for Tmpfs only; 0 is half of the host's memory.
	Size int64
	// Options are further mount options of a Tmpfs: "noexec", "mode=1777" ...
	Options []string
	// CopyFromImage fills an empty Source with what the image has at Target before
	// the first start, owner and mode included, as Docker fills a new volume.
	CopyFromImage bool
}

// MountType is the kind of a Mount.
type MountType string

// The kinds of mounts.
const (
	Bind  MountType = "bind"
	Tmpfs MountType = "tmpfs"
)

// Ulimit is a limit of setrlimit(2).
type Ulimit struct {
	Name       string // "nofile", "nproc" ...
	Soft, Hard int64  // -1 is unlimited
}

// State is where a container is in its life. It only moves forward, until Restart
// begins it anew.
type State string

// The states of a container.
const (
	Created State = "created" // no process has run yet
	Running State = "running"
	Stopped State = "stopped" // the first process has ended
)

// Container says how a container is.
type Container struct {
	ID, TaskID string
	Image      string
	Labels     map[string]string
	State      State
	PID        int // on the host, while Running
	// ExitCode is the process's, or 128 + the signal that ended it; 255 with
	// ExitUnknown. Valid when Stopped.
	ExitCode int
	// ExitUnknown: the machine went down under the container, or its supervisor
	// was killed; how it ended cannot be known.
	ExitUnknown bool
	// OOMKilled: the kernel killed a process in it for want of memory.
	OOMKilled bool
	// MemoryPeak is the most memory it had, in bytes; only of those that were killed
	// for it, and 0 if the kernel does not say.
	MemoryPeak uint64
	StartedAt  time.Time // of the last start; zero before
	FinishedAt time.Time // zero before
	// Restarts is how often it was started again; all the rest is of the last run.
	Restarts int
}

// ExecSpec is one more process in a container. What is left out is as the
// container's first process has it.
type ExecSpec struct {
	Args        []string
	Environment []string // added
	WorkingDir  string
	User        string
	// Timeout ends the process with SIGKILL; 0 is none.
	Timeout time.Duration
	// Stdin, Stdout and Stderr are optional. Without Stdout and Stderr the
	// first 64 KiB of both together are in ExecResult.Output.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal gives the process a terminal; everything it prints goes to Stdout.
	Terminal bool
	// Resize tells the terminal's size; optional.
	Resize <-chan WindowSize
}

// WindowSize is the size of a terminal in characters.
type WindowSize struct{ Columns, Rows uint16 }

// ExecResult is how an Exec ended.
type ExecResult struct {
	ExitCode int
	Output   []byte
	TimedOut bool // ExitCode is 137 then
}

// Stats is what a container uses, at one instant.
type Stats struct {
	At          time.Time
	CPU         time.Duration // used by all its processes since the start
	Memory      uint64        // bytes, without page cache that can be given back at once
	MemoryPeak  uint64        // 0 if the kernel does not say
	MemoryLimit uint64        // the container's own; 0 is none
	PIDs        uint64
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	Resync  EventKind = "resync" // look at everything again; all other fields are zero
	Started EventKind = "started"
	OOM     EventKind = "oom" // may come before or after Exited
	Exited  EventKind = "exited"
	Removed EventKind = "removed"
)

// Event is a hint that a container has changed; Inspect tells the truth.
type Event struct {
	Kind        EventKind
	ContainerID string
}

// ExitCode is what a process that a signal ended reports.
func ExitCode(signal syscall.Signal) int { return 128 + int(signal) }
