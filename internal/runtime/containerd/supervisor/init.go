package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// InitName is the name under which the program is the first process of a
// container: it starts the command, forwards signals to it, reaps orphans and
// ends with the command's exit code.
const InitName = "neargate-init"

// initMain runs "-- command args...". Without a command it only reaps: that is
// the process which keeps the process namespace of a task.
func initMain(args []string) {
	signals := make(chan os.Signal, 128)
	signal.Notify(signals)
	child := 0
	if len(args) > 1 && args[0] == "--" {
		var err error
		if child, err = startChild(args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitCodeOf(err))
		}
	}
	for s := range signals {
		number, _ := s.(syscall.Signal)
		switch {
		case number == syscall.SIGCHLD:
			if code, ended := reap(child); ended {
				os.Exit(code)
			}
		case number == syscall.SIGURG: // Go's own
		case child != 0:
			syscall.Kill(child, number)
		case number == syscall.SIGTERM:
			os.Exit(0)
		}
	}
}

func startChild(args []string) (int, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return 0, err
	}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		attributes.Foreground, attributes.Ctty = true, 0
	}
	process, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: attributes,
	})
	if err != nil {
		return 0, err
	}
	return process.Pid, nil
}

// exitCodeOf is what a shell says of a command that cannot be started.
func exitCodeOf(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return 127
	}
	return 126
}

// reap collects all children that have ended, and says whether ours was one.
func reap(child int) (code int, ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return code, ended
		}
		if pid == child {
			code, ended = status.ExitStatus(), true
			if status.Signaled() {
				code = 128 + int(status.Signal())
			}
		}
	}
}
