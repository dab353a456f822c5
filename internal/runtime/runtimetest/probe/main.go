// Command probe is the program in the containers of the conformance suite. Its
// first argument says what it does; see runtimetest.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// eaten is memory that is held until there is too much of it.
var eaten [][]byte

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"sleep"}
	}
	if err := run(args[0], args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

func run(verb string, args []string) error {
	text := strings.Join(args, " ")
	switch verb {
	case "exit": // exit N
		code, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		os.Exit(code)
	case "print":
		fmt.Println(text)
	case "repeat": // repeat N TEXT: on both streams in turn
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		for i := range n {
			to := os.Stdout
			if i%2 == 1 {
				to = os.Stderr
			}
			fmt.Fprintln(to, strings.Join(args[1:], " "))
		}
	case "complain":
		fmt.Fprintln(os.Stderr, text)
	case "echo": // stdin to stdout
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	case "sleep": // until a signal
		exitOnSignal()
	case "stubborn": // until SIGKILL
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "later": // later MILLISECONDS CODE
		ms, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return run("exit", args[1:])
	case "eat": // memory until it is too much
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			eaten = append(eaten, b)
		}
	case "cat":
		content, err := os.ReadFile(text)
		fmt.Print(string(content))
		return err
	case "write": // write FILE TEXT
		return os.WriteFile(args[0], []byte(strings.Join(args[1:], " ")), 0o600)
	case "grow": // add a byte to FILE and print its size
		f, err := os.OpenFile(text, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		f.WriteString("x")
		info, err := f.Stat()
		if err != nil {
			return err
		}
		fmt.Println(info.Size())
	case "list":
		names, err := filepath.Glob(text)
		fmt.Println(strings.Join(names, " "))
		return err
	case "facts":
		return facts()
	default:
		return fmt.Errorf("unknown verb %q", verb)
	}
	return nil
}

func exitOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1)
	fmt.Println("ready") // before, a signal would end the Go runtime in its own way
	s := (<-signals).(syscall.Signal)
	os.Exit(128 + int(s))
}

// facts prints what a process can know about itself, one "name=value" per line.
func facts() error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil {
		return err
	}
	netns, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	fmt.Printf("hostname=%s\ncwd=%s\nuid=%d\ngid=%d\ngroups=%v\nnofile=%d\nshm=%d\nnetns=%s\npid=%d\n",
		host, dir, os.Getuid(), os.Getgid(), groups, files.Max, int64(fs.Blocks)*fs.Bsize, netns, os.Getpid())
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		for _, name := range []string{"CapEff", "CapBnd", "Seccomp", "NoNewPrivs"} {
			if value, ok := strings.CutPrefix(line, name+":"); ok {
				fmt.Printf("%s=%s\n", name, strings.TrimSpace(value))
			}
		}
	}
	for _, entry := range os.Environ() {
		fmt.Println("env " + entry)
	}
	return nil
}
