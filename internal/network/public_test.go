package network

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// from connects from inside a namespace and returns what it reads, or "time-out".
func from(t *testing.T, path, address string) string {
	t.Helper()
	said := ""
	err := networktest.Enter(path, func() error {
		c, err := net.DialTimeout("tcp", address, 400*time.Millisecond)
		if err != nil {
			return err
		}
		said, err = networktest.ReadAll(c)
		return err
	})
	switch ne := net.Error(nil); {
	case errors.As(err, &ne) && ne.Timeout():
		return "time-out"
	case err != nil && !errors.Is(err, io.EOF):
		return err.Error()
	}
	return said
}

// renumber gives the public IPs of the VPC other values: those that follow base,
// or none.
func (v VPC) renumber(base netip.Addr) {
	for i, e := range v.ENIs {
		if e.PublicIP.IsValid() {
			base = base.Next()
			v.ENIs[i].PublicIP = base
		}
	}
}

// The machine is the internet: it reaches an interface at its public IP, with the
// address of all its callers, and where the security groups let it.
func TestHostReachesPublicIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := clone(example())
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-host", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("203.0.113.1/32")}}
	w.set(v)
	w.serve(w.NetNS("eni-public"), "0.0.0.0:80", "task")
	w.serve(w.NetNS("eni-public"), "0.0.0.0:81", "task")
	host := w.Host.Path
	expect := func(when, address, want string) {
		t.Helper()
		if got := from(t, host, address); got != want {
			t.Errorf("%s: host -> %s: got %q, want %q", when, address, got, want)
		}
	}
	const greeting = "task to 203.0.113.1 at 10.0.1.10"
	expect("allowed", "198.19.0.2:80", greeting)
	expect("no rule for the port", "198.19.0.2:81", "time-out")
	expect("a NAT gateway", "198.19.0.1:80", "time-out")

	must(t, w.Close())
	w.start()
	v = clone(v)
	v.ENIs[1].PublicIP = addr("198.19.0.7")
	w.set(v)
	expect("after a restart, by its new address", "198.19.0.7:80", greeting)
	if got := from(t, host, "198.19.0.2:80"); got != "time-out" && !strings.Contains(got, "unreachable") { // as the internet of the test says
		t.Errorf("after a restart, by its old address: %q", got)
	}

	v = clone(v)
	routes := v.RouteTables[0].Routes
	v.RouteTables[0].Routes = nil
	w.set(v)
	expect("without the route to the internet gateway", "198.19.0.7:80", "time-out")
	v = clone(v)
	v.RouteTables[0].Routes = routes
	v.renumber(netip.Addr{})
	w.set(v)
	if got := from(t, host, "198.19.0.7:80"); got == greeting {
		t.Error("an address that it gave back still answers")
	}
}

// From VPC to VPC by way of their internet gateways, with public IPs as sources;
// and in one VPC by the public IP of a neighbour.
func TestPublicIPsReachPublicIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := named("-a"), named("-b")
	b.renumber(addr("198.19.1.0"))
	b.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("198.19.0.0/24")}}
	w.set(a)
	w.set(b)
	w.serve(w.NetNS("eni-public-b"), "0.0.0.0:80", "b")
	w.expect("eni-public-a", "198.19.1.2:80", "b to 198.19.0.2 at 10.0.1.10")
	w.expect("eni-behind-a", "198.19.1.2:80", "b to 198.19.0.1 at 10.0.1.10") // the NAT gateway's
	w.expect("eni-behind-b", "198.19.1.2:80", "time-out")                     // 198.19.1.1 is not allowed
	w.expect("eni-isolated-a", "198.19.1.2:80", "time-out")
	w.expect("eni-public-a", "198.19.77.77:80", "time-out") // nobody's; it does not leave the machine
	b.SecurityGroups[0].Ingress[0].CIDR = prefix("198.19.1.1/32")
	w.set(b)
	w.expect("eni-behind-b", "198.19.1.2:80", "b to 198.19.1.1 at 10.0.1.10")
	must(t, w.Remove(context.Background(), b.ID))
	w.expect("eni-public-a", "198.19.1.2:80", "time-out")
}

// Health checkers come with addresses of their own, which security groups tell apart
// from this machine's.
func TestHealthCheckersReachPublicIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := clone(example())
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-checks", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("54.228.16.0/26")}}
	w.set(v)
	w.serve(w.NetNS("eni-public"), "0.0.0.0:80", "task")
	as := func(region string) (said string) {
		t.Helper()
		err := networktest.Enter(w.Host.Path, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			c, err := DialAsChecker(ctx, region, "198.19.0.2:80")
			if err != nil {
				return err
			}
			said, err = networktest.ReadAll(c)
			return err
		})
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err.Error()
		}
		return said
	}
	if got := as("eu-west-1"); got != "task to 54.228.16.1 at 10.0.1.10" {
		t.Errorf("a checker of Ireland: %q", got)
	}
	if got := as("us-east-1"); got != "time-out" {
		t.Errorf("a checker that no rule allows: %q", got)
	}
	if got := from(t, w.Host.Path, "198.19.0.2:80"); got != "time-out" {
		t.Errorf("the machine itself: %q", got)
	}
}
