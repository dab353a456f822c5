package runtime

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ParseSignal reads a signal as images and task definitions spell it: "SIGTERM",
// "TERM", "15", "SIGRTMIN+3". "" is SIGTERM. Error: ErrInvalid.
func ParseSignal(s string) (syscall.Signal, error) {
	if s == "" {
		return syscall.SIGTERM, nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		return checked(n, s)
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	for prefix, base := range map[string]int{"SIGRTMIN": 34, "SIGRTMAX": 64} {
		if offset, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.Atoi(offset)
			if offset == "" {
				n, err = 0, nil
			}
			if err == nil && base+n >= 34 {
				return checked(base+n, s)
			}
		}
	}
	return 0, fmt.Errorf("%w: unknown signal %q", ErrInvalid, s)
}

func checked(n int, s string) (syscall.Signal, error) {
	if n < 1 || n > 64 {
		return 0, fmt.Errorf("%w: unknown signal %q", ErrInvalid, s)
	}
	return syscall.Signal(n), nil
}
