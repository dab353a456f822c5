package metadata

import "time"

// Stats is the use of resources of one container, in the form of Docker's API,
// which the endpoint passes on. Sizes are bytes, times nanoseconds.
type Stats struct {
	Read     time.Time `json:"read"`
	PreRead  time.Time `json:"preread"`
	Name     string    `json:"name"`
	ID       string    `json:"id"`
	NumProcs int       `json:"num_procs"`

	CPU      CPUStats                `json:"cpu_stats"`
	PreCPU   CPUStats                `json:"precpu_stats"` // at PreRead
	Memory   MemoryStats             `json:"memory_stats"`
	BlockIO  BlockIOStats            `json:"blkio_stats"`
	PIDs     PIDsStats               `json:"pids_stats"`
	Storage  struct{}                `json:"storage_stats"`
	Networks map[string]NetworkStats `json:"networks,omitempty"` // by interface
	Rate     *NetworkRate            `json:"network_rate_stats,omitempty"`
}

// CPUStats is processor time since the container started.
type CPUStats struct {
	Usage      CPUUsage   `json:"cpu_usage"`
	System     uint64     `json:"system_cpu_usage,omitempty"` // of the whole machine
	Online     int        `json:"online_cpus,omitempty"`
	Throttling Throttling `json:"throttling_data"`
}

// CPUUsage is processor time of the container.
type CPUUsage struct {
	Total  uint64   `json:"total_usage"`
	PerCPU []uint64 `json:"percpu_usage,omitempty"`
	Kernel uint64   `json:"usage_in_kernelmode"`
	User   uint64   `json:"usage_in_usermode"`
}

// Throttling is how often the container had used up its share.
type Throttling struct {
	Periods   uint64 `json:"periods"`
	Throttled uint64 `json:"throttled_periods"`
	Time      uint64 `json:"throttled_time"`
}

// MemoryStats is memory now.
type MemoryStats struct {
	Usage    uint64            `json:"usage"`
	MaxUsage uint64            `json:"max_usage,omitempty"`
	Limit    uint64            `json:"limit"`
	Stats    map[string]uint64 `json:"stats,omitempty"` // as the kernel names them
}

// BlockIOStats is what was read and written.
type BlockIOStats struct {
	Bytes    []BlockIO `json:"io_service_bytes_recursive"`
	Serviced []BlockIO `json:"io_serviced_recursive"`
}

// BlockIO is one counter of a device.
type BlockIO struct {
	Major uint64 `json:"major"`
	Minor uint64 `json:"minor"`
	Op    string `json:"op"` // Read, Write
	Value uint64 `json:"value"`
}

// PIDsStats is how many processes there are.
type PIDsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
}

// NetworkStats are the counters of an interface.
type NetworkStats struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// NetworkRate is the traffic now.
type NetworkRate struct {
	Rx float64 `json:"rx_bytes_per_sec"`
	Tx float64 `json:"tx_bytes_per_sec"`
}
