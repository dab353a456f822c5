package agent

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/metadata"
)

func cpuStats(used time.Duration) metadata.CPUStats {
	return metadata.CPUStats{Usage: metadata.CPUUsage{Total: uint64(used)}, Online: runtime.NumCPU(), System: systemCPU()}
}

// systemCPU is the processor time of the whole machine since it started, in nanoseconds.
func systemCPU() uint64 {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	var ticks uint64
	for i, field := range strings.Fields(line) {
		if i == 0 || i > 7 { // guest time is part of user time
			continue
		}
		n, _ := strconv.ParseUint(field, 10, 64)
		ticks += n
	}
	return ticks * uint64(time.Second/100)
}

// interfaceCounters reads the counters of eth0 in the network namespace of a process.
func interfaceCounters(pid int) (metadata.NetworkStats, bool) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/dev")
	if err != nil {
		return metadata.NetworkStats{}, false
	}
	for line := range strings.Lines(string(content)) {
		name, rest, ok := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if !ok || strings.TrimSpace(name) != "eth0" || len(f) < 12 {
			continue
		}
		n := func(i int) uint64 { v, _ := strconv.ParseUint(f[i], 10, 64); return v }
		return metadata.NetworkStats{RxBytes: n(0), RxPackets: n(1), RxErrors: n(2), RxDropped: n(3), TxBytes: n(8), TxPackets: n(9), TxErrors: n(10), TxDropped: n(11)}, true
	}
	return metadata.NetworkStats{}, false
}

// diskUsage is the disk space that the files below a directory take, in bytes.
func diskUsage(dir string) int64 {
	total := int64(0)
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it may go while we look
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			if raw, ok := info.Sys().(*syscall.Stat_t); ok {
				total += raw.Blocks * 512
			}
		}
		return nil
	})
	return total
}
