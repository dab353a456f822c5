package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/testenv"
)

// TestMain also is the process that TestCrashAnywhere kills.
func TestMain(m *testing.M) {
	if o := os.Getenv("NEARGATE_TEST_NETWORK"); o != "" {
		if err := life(o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// changed is the example with an interface, a route and a group less, and others more.
func changed() VPC {
	v := clone(example())
	v.ENIs = append(v.ENIs[:3:3], v.ENIs[4:]...)
	v.ENIs = append(v.ENIs, ENI{ID: "eni-more", Kind: Attached, Subnet: "subnet-nat", IP: addr("10.0.2.10"), Groups: []string{"sg-task"}})
	v.RouteTables[2] = RouteTable{ID: "rtb-isolated"}
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("10.0.0.0/16")}}
	return v
}

// life does everything that an engine does.
func life(options string) error {
	var o Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return err
	}
	if err := fault.Arm(); err != nil {
		return err
	}
	k, err := Open(o)
	if err != nil {
		return err
	}
	ctx := context.Background()
	other := VPC{ID: "vpc-other", CIDRs: example().CIDRs, Subnets: example().Subnets[:1]}
	return errors.Join(k.Set(ctx, example()), k.Set(ctx, changed()), k.Set(ctx, other), k.Remove(ctx, other.ID), k.Set(ctx, VPC{ID: "vpc-a"}), k.Remove(ctx, "vpc-a"), k.Purge(ctx))
}

// Killed at any point of its life, the next process finds its way: everything
// works, and nothing is left at the end.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	self, err := os.Executable()
	must(t, err)
	killed := 0
	for n := 1; ; n++ {
		done := false
		t.Run(fmt.Sprint("point ", n), func(t *testing.T) {
			w := newWorld(t)
			options, err := json.Marshal(Options{Site: w.options.Site, HostNS: w.options.HostNS})
			must(t, err)
			child := exec.Command(self)
			child.Env = append(os.Environ(), "NEARGATE_TEST_NETWORK="+string(options), fmt.Sprintf("NEARGATE_FAULT=%d", n))
			out, err := child.CombinedOutput()
			var exit *exec.ExitError
			switch {
			case err == nil:
				done = true
			case !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
				t.Fatalf("%v: %s", err, out)
			}
			if n%3 == 0 {
				return // purge at once
			}
			w.set(changed())
			must(t, w.Keep(context.Background(), []string{"vpc-a"}))
			w.serve(w.NetNS("eni-isolated"), "0.0.0.0:80", "task")
			w.serve(w.Internet.Path, "0.0.0.0:80", "internet")
			w.expect("eni-more", "10.0.3.10:80", "task to 10.0.2.10 at 10.0.3.10")
			w.expect("eni-more", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
			names, err := namespacesNamed(w.site.namespaces())
			must(t, err)
			if len(names) != len(w.vpcs["vpc-a"].applied.Links)+1 {
				t.Errorf("strays: %v", names)
			}
		})
		if t.Failed() || done {
			break
		}
		killed++
	}
	if killed < 20 {
		t.Errorf("only %d points were passed", killed)
	}
	t.Logf("killed %d times", killed)
}
