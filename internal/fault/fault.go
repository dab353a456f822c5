// Package fault ends the process at chosen places, to prove that a crash there
// loses nothing and doubles nothing. Code that changes the disk or the host
// calls [Point] before and after; in normal life that is one atomic load.
//
// A test starts Neargate with NEARGATE_FAULT="N" to have it killed (SIGKILL, as
// by kill -9) at the N-th point that it passes, or "NAME:N" at the N-th point
// of that name. NEARGATE_FAULT_LOG names a file that gets a line per point.
package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var armed atomic.Bool

var plan struct {
	sync.Mutex
	name string
	left int
	log  *os.File
}

// Arm reads the plan from the environment. cmd/neargate calls it first thing.
// It returns an error when the plan cannot be understood.
func Arm() error {
	spec, path := os.Getenv("NEARGATE_FAULT"), os.Getenv("NEARGATE_FAULT_LOG")
	if spec == "" && path == "" {
		return nil
	}
	plan.Lock()
	defer plan.Unlock()
	if spec != "" {
		name, count, named := strings.Cut(spec, ":")
		if !named {
			name, count = "", spec
		}
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return fmt.Errorf("NEARGATE_FAULT=%q: want N or NAME:N", spec)
		}
		plan.name, plan.left = name, n
	}
	if path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("NEARGATE_FAULT_LOG: %w", err)
		}
		plan.log = f
	}
	armed.Store(true)
	return nil
}

// Point is a place at which the process may be ended.
func Point(name string) {
	if !armed.Load() {
		return
	}
	plan.Lock()
	defer plan.Unlock()
	if plan.log != nil {
		fmt.Fprintln(plan.log, name)
	}
	if plan.left == 0 || plan.name != "" && plan.name != name {
		return
	}
	if plan.left--; plan.left == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
