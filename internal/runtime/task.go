package runtime

// TaskSpec describes a group of containers.
type TaskSpec struct {
	// ID is 1 to 64 characters: letters and digits, with single . _ or - between them.
	ID string
	// CPU is the task's ceiling in units of 1/1024 of a core; 0 is none. A
	// ceiling above what the host has is no ceiling.
	CPU int64
	// Memory is the task's ceiling in bytes, all containers together; 0 is none.
	Memory int64
	// NetNS is the path of the network namespace that every container joins.
	// "" gives each container an empty one of its own.
	NetNS string
	// SharePID puts all containers of the task into one process namespace.
	SharePID bool
}
