package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/image"
)

// server is a process under measurement.
type server struct {
	cmd      *exec.Cmd
	endpoint string
	dataDir  string
	ready    time.Duration // from the start of the process
}

// startNeargate starts bin/neargate on a data directory of its own.
func startNeargate(ctx context.Context) (*server, error) {
	dir, err := os.MkdirTemp("", "neargate-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{dataDir: filepath.Join(dir, "data")}
	address := freeAddress()
	s.endpoint = "http://" + address
	s.cmd = exec.Command("bin/neargate", "up", "--data-dir", s.dataDir, "--listen", address)
	return s, s.start(ctx, "/_neargate/health")
}

// startFloor starts this program as the floor of the API bench.
func startFloor(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address := freeAddress()
	s := &server{endpoint: "http://" + address}
	s.cmd = exec.Command(self, "floor")
	s.cmd.Env = append(os.Environ(), "BENCH_ADDRESS="+address)
	return s, s.start(ctx, "/health")
}

func (s *server) start(ctx context.Context, health string) error {
	started := time.Now()
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for ctx.Err() == nil && time.Since(started) < 30*time.Second {
		res, err := http.Get(s.endpoint + health)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.ready = time.Since(started)
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%s is not ready after 30 s", s.cmd.Path)
}

// stop ends the process and removes what it made.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	if s.dataDir != "" {
		exec.Command("bin/neargate", "down", "--data", "--data-dir", s.dataDir).Run()
		os.RemoveAll(filepath.Dir(s.dataDir))
	}
}

// account makes an account on the instance and returns its keys.
func (s *server) account() (id, key, secret string, err error) {
	out, err := exec.Command("bin/neargate", "account", "create", "--data-dir", s.dataDir).Output()
	if err != nil {
		return "", "", "", err
	}
	var a struct{ AccountId, AccessKeyId, SecretAccessKey string }
	err = json.Unmarshal(out, &a)
	return a.AccountId, a.AccessKeyId, a.SecretAccessKey, err
}

// cpu returns the CPU time that the process has used.
func (s *server) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory returns the resident set in KiB.
func (s *server) memory() int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// load gives the instance the image of a layout under a name.
func (s *server) load(layout, name string) error {
	path := layout + ".tar"
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(image.Pack(layout, f), f.Close()); err != nil {
		return err
	}
	if out, err := exec.Command("bin/neargate", "image", "load", path, "--name", name, "--data-dir", s.dataDir).CombinedOutput(); err != nil {
		return fmt.Errorf("image load: %w: %s", err, out)
	}
	return nil
}

// why is Neargate's own explanation.
func (s *server) why(what string) string {
	out, _ := exec.Command("bin/neargate", "why", what, "--data-dir", s.dataDir).CombinedOutput() // an error is told in the output
	return string(out)
}
