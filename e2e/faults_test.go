package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/examples"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/client"
	"github.com/neargate/neargate/internal/testenv"
)

// faultKills is how many times the process is killed; NEARGATE_FAULT_KILLS
// overrides it, NEARGATE_FAULT_SEED the seed.
const faultKills = 200

// TestKillsAtEveryEffect kills the process (as by kill -9) at seeded places
// before and after store commits and effects on the host, while a stack is
// deployed, updated (a rolling update) and deleted again and again. After each
// kill it is started again and must bring what it was doing to its end: no
// container dies from a kill, nothing is lost, nothing is there twice.
func TestKillsAtEveryEffect(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	f.next = func() string { return strconv.Itoa(1 + f.random.IntN(60)) }
	f.cycles(f.wanted(faultKills))
	places := f.places()
	t.Logf("%d kills at %d places: %v", f.kills, len(places), places)
	for _, name := range []string{"store.before-commit", "store.after-commit"} {
		if f.kills >= faultKills && places[name] == 0 {
			t.Errorf("no kill at %s", name)
		}
	}
}

// TestKillsAtRandomTimes kills the process whenever chance wants.
func TestKillsAtRandomTimes(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	f.after = func() time.Duration { return time.Duration(20+f.random.IntN(2000)) * time.Millisecond }
	f.cycles(f.wanted(20))
	t.Logf("%d kills", f.kills)
}

// wanted is how many kills there are to be.
func (f *faulty) wanted(kills int) int {
	if n, err := strconv.Atoi(os.Getenv("NEARGATE_FAULT_KILLS")); err == nil {
		return n
	}
	return kills
}

// cycles makes, updates and deletes the stack until there were so many kills.
func (f *faulty) cycles(kills int) {
	f.restart() // with a place or time to be killed at
	for cycle := 0; f.kills < kills && !f.t.Failed(); cycle++ {
		f.t.Logf("cycle %d: %d kills so far", cycle, f.kills)
		f.deploy("512", "CREATE_COMPLETE")
		f.checkTasks(0)
		f.deploy("1024", "UPDATE_COMPLETE")
		f.checkTasks(2)
		f.remove()
		f.checkHost()
	}
}

// places counts the kills by the place where they came.
func (f *faulty) places() map[string]int {
	b, err := os.ReadFile(f.faultLog)
	if err != nil {
		f.t.Fatal(err)
	}
	out := map[string]int{}
	last := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == started && last != "" && last != started {
			out[last]++
		}
		last = line
	}
	return out
}

// started is the line between two lives in the log of places.
const started = "-- started"

// faulty is an instance that is killed again and again.
type faulty struct {
	*instance
	t        *testing.T
	random   *rand.Rand
	next     func() string        // where to kill next, if at a place
	after    func() time.Duration // when to kill next, if at a time
	faultLog string
	timer    *time.Timer
	cfn      cloudformationapi.API
	ecs      ecsapi.API
	ec2      ec2api.API
	logs     logsapi.API
	dir      string
	kills    int
	alive    []string // pids of containers that must not die
	first    []string // what an instance without a stack has on the host
}

func newFaulty(t *testing.T) *faulty {
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	seed := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("NEARGATE_FAULT_SEED"), 10, 64); err == nil {
		seed = n
	}
	n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	c := &client.Client{Endpoint: n.endpoint, Region: "us-east-1", Key: client.Operator}
	f := &faulty{
		instance: n, t: t, random: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), faultLog: filepath.Join(t.TempDir(), "places"),
		cfn: cloudformationapi.NewClient(c), ecs: ecsapi.NewClient(c), ec2: ec2api.NewClient(c), logs: logsapi.NewClient(c),
	}
	t.Cleanup(func() {
		if f.timer != nil {
			f.timer.Stop()
		}
		n.stop()
		if out, err := n.command("down", "--data").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	if err := os.CopyFS(f.dir, examples.IsolatedVPC); err != nil {
		t.Fatal(err)
	}
	// The image is pushed before the kills begin.
	if out, err := n.command("demo", "--image-only").CombinedOutput(); err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	f.first = f.leftovers()
	return f
}

// restart starts the instance with the next place or time at which it will be killed.
func (f *faulty) restart() {
	f.t.Helper()
	f.kill() // what is left of it: closes the log
	before := f.alive
	// A start itself may be killed, too.
	for {
		var env []string
		if f.next != nil {
			env = []string{"NEARGATE_FAULT=" + f.next(), "NEARGATE_FAULT_LOG=" + f.faultLog}
			f.note(started)
		}
		err := f.start(env...)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "signal: killed") {
			f.t.Fatalf("starting again: %v", err)
		}
		f.log.Close()
		f.kills++
	}
	if f.after != nil {
		process := f.cmd.Process
		f.timer = time.AfterFunc(f.after(), func() { process.Kill() })
	}
	now := f.apps()
	for _, pid := range before {
		if !slices.Contains(now, pid) {
			f.t.Errorf("kill %d: container process %s died", f.kills, pid)
		}
	}
}

func (f *faulty) note(line string) {
	log, err := os.OpenFile(f.faultLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close()
	fmt.Fprintln(log, line)
}

// apps are the pids of the containers' processes.
func (f *faulty) apps() []string { return f.processes(f.t, "/neargate demo-app") }

// until calls step until it reports that it is done; each time the instance has
// been killed it is started again.
func (f *faulty) until(what string, step func(ctx context.Context) (bool, error)) {
	f.t.Helper()
	var last error
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
		done, err := step(ctx)
		cancel()
		if done {
			return
		}
		last = err
		if f.dead() {
			f.kills++
			f.restart()
		}
	}
	f.t.Fatalf("%s: not within ten minutes; last: %v\n%s", what, last, f.logTail())
}

// dead reports whether the process has ended.
func (f *faulty) dead() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.cmd.Process.Pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}
