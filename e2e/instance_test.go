package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
)

// instance is a Neargate that a test started.
type instance struct {
	binary   string
	dataDir  string
	endpoint string
	listen   string
	cmd      *exec.Cmd
	log      *os.File
	ended    chan error // how the process ended
}

// shared is the instance of most tests.
var shared *instance

// sideBySide is how many tests run at once, whatever the number of processors:
// most of the time they wait for time-outs and clients.
const sideBySide = "5"

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		flag.Set("test.parallel", sideBySide)
	}
	os.Exit(runTests(m))
}

// given tells whether a flag is on the command line.
func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func runTests(m *testing.M) int {
	if os.Geteuid() != 0 || testing.Short() {
		return m.Run() // the tests skip themselves
	}
	dir, err := os.MkdirTemp("", "neargate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "neargate")
	build := exec.Command("go", "build", "-o", binary, "./cmd/neargate")
	build.Dir, build.Stderr, build.Env = testenv.Root(), os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building neargate:", err)
		return 1
	}
	shared = &instance{binary: binary, dataDir: filepath.Join(dir, "data"), listen: freePort()}
	if err := shared.start(); err != nil {
		fmt.Fprintln(os.Stderr, "starting neargate:", err)
		return 1
	}
	code := m.Run()
	shared.stop()
	if out, err := shared.command("down", "--data").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "neargate down: %v\n%s", err, out)
		code = 1
	}
	return code
}

// freePort returns a loopback address that nobody listens on, of ports that the
// kernel gives to no connection, so that it is still free after a kill.
func freePort() string {
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
}

// start runs `neargate up` in the foreground of a process of its own and waits
// until it is ready. env adds to its environment.
func (n *instance) start(env ...string) error {
	if err := os.MkdirAll(n.dataDir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(n.dataDir, "test.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n.log = log
	n.endpoint = "http://" + n.listen
	n.cmd = exec.Command(n.binary, "up", "--data-dir", n.dataDir, "--listen", n.listen)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.Env = append(os.Environ(), env...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	n.ended = ended
	go func() { ended <- n.cmd.Wait() }()
	for deadline := time.Now().Add(30 * time.Second); ; {
		out, err := n.command("status").CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("ended: %v\n%s", err, n.logTail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready: %s\n%s", out, n.logTail())
		}
	}
}

// stop ends the process as a person would.
func (n *instance) stop() { n.signal(syscall.SIGTERM) }

// kill ends the process as the kernel would.
func (n *instance) kill() { n.signal(syscall.SIGKILL) }

func (n *instance) signal(sig syscall.Signal) {
	if n.cmd == nil || n.cmd.Process == nil {
		return
	}
	n.cmd.Process.Signal(sig)
	for range 3000 {
		if syscall.Kill(n.cmd.Process.Pid, 0) != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	n.log.Close()
}

func (n *instance) logTail() string {
	b, err := os.ReadFile(filepath.Join(n.dataDir, "test.log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// command is a neargate command for this instance.
func (n *instance) command(args ...string) *exec.Cmd {
	return exec.Command(n.binary, append(args, "--data-dir", n.dataDir)...)
}

// account is an AWS account of a test, on an instance.
type account struct {
	*instance
	t               *testing.T
	ID, Key, Secret string
	Region          string
	dir             string   // scratch folder, also HOME of the clients
	extra           []string // more environment
	whole           []string // instead of all other environment, when set
}

// newAccount makes an account on the shared instance; without one the test is
// skipped (in CI: fails).
func newAccount(t *testing.T) *account {
	t.Helper()
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	return shared.newAccount(t)
}

func (n *instance) newAccount(t *testing.T) *account {
	t.Helper()
	out, err := n.command("account", "create").Output()
	if err != nil {
		t.Fatalf("account create: %v\n%s", err, n.logTail())
	}
	var made struct{ AccountId, AccessKeyId, SecretAccessKey string }
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatalf("account create printed %q: %v", out, err)
	}
	return &account{instance: n, t: t, ID: made.AccountId, Key: made.AccessKeyId, Secret: made.SecretAccessKey, Region: "eu-west-1", dir: t.TempDir()}
}

// env is what a person would export, and nothing more.
func (a *account) env() []string {
	if a.whole != nil {
		return a.whole
	}
	return append([]string{
		"PATH=" + clientPath(), "HOME=" + a.dir,
		"AWS_ENDPOINT_URL=" + a.endpoint, "AWS_ACCESS_KEY_ID=" + a.Key, "AWS_SECRET_ACCESS_KEY=" + a.Secret, "AWS_DEFAULT_REGION=" + a.Region,
		"SAM_CLI_TELEMETRY=0", "AWS_PAGER=", "NEARGATE_ENDPOINT=" + a.endpoint,
	}, a.extra...)
}

// clientPath finds the pinned clients of scripts/test-deps.sh before the machine's own.
func clientPath() string {
	root := testenv.Root()
	return strings.Join([]string{filepath.Join(root, "out/clients/aws/bin"), filepath.Join(root, "out/clients/sam/bin"), filepath.Join(root, "out/clients/crane/bin"), os.Getenv("PATH")}, ":")
}

// result is what a command did.
type result struct {
	out  string // standard output and error, in order
	code int
}

// try runs a client and returns what it did.
func (a *account) try(name string, args ...string) result {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 5*time.Minute)
	defer cancel()
	path := name
	for dir := range strings.SplitSeq(clientPath(), ":") {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			path = filepath.Join(dir, name)
			break
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Dir = a.env(), a.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	if err != nil && code < 0 {
		testenv.Missing(a.t, fmt.Sprintf("%s: %v\n%s", name, err, out.String()))
	}
	return result{out.String(), code}
}

// run runs a client, which must succeed, and returns its output.
func (a *account) run(name string, args ...string) string {
	a.t.Helper()
	r := a.try(name, args...)
	if r.code != 0 {
		a.t.Fatalf("%s %s: exit %d\n%s\n--- log of neargate\n%s", name, strings.Join(args, " "), r.code, r.out, a.logTail())
	}
	return strings.TrimRight(r.out, "\n")
}

// aws runs the aws CLI, which must succeed.
func (a *account) aws(args ...string) string {
	a.t.Helper()
	return a.run("aws", args...)
}

// awsJSON runs the aws CLI and reads its JSON output.
func awsJSON[T any](a *account, args ...string) T {
	a.t.Helper()
	var v T
	out := a.aws(append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		a.t.Fatalf("aws %s printed %q: %v", strings.Join(args, " "), out, err)
	}
	return v
}

// neargate runs a command of Neargate as this account.
func (a *account) neargate(args ...string) result {
	a.t.Helper()
	return a.try(a.binary, args...)
}

// write puts a file into the scratch folder and returns its path.
func (a *account) write(name, text string) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// eventually waits until check returns nil, longer when others use the machine:
// within is for a quiet one. It asks less and less often, since asking may be work.
func (a *account) eventually(within time.Duration, what string, check func() error) {
	a.t.Helper()
	var err error
	pause := 50 * time.Millisecond
	for deadline := time.Now().Add(4 * within); time.Now().Before(deadline); time.Sleep(pause) {
		if err = check(); err == nil {
			return
		}
		pause = min(pause*5/4, 500*time.Millisecond)
	}
	a.t.Fatalf("%s: not within %s: %v\n--- log of neargate\n%s", what, within, err, a.logTail())
}
