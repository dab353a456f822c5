package network

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/network/networktest"
)

// A proxy beside a task's processes gets what comes from outside for their port;
// what they say to themselves stays between them.
func TestRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := example()
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: TCP, FromPort: 8080, ToPort: 8080, Group: "sg-task"}}
	w.set(v)
	heard := func(eni, address, who string) {
		t.Helper()
		if got := w.call(eni, address); !strings.HasPrefix(got, who) {
			t.Errorf("%s -> %s: got %q, want %s", eni, address, got, who)
		}
	}
	w.serve(w.NetNS("eni-isolated"), "0.0.0.0:8080", "application")
	l, err := w.ListenInside(context.Background(), "eni-isolated", "tcp4", "10.0.3.10:0")
	must(t, err)
	networktest.Greet(t, l, "proxy")
	heard("eni-public", "10.0.3.10:8080", "application")
	proxy := netip.MustParseAddrPort(l.Addr().String()).Port()
	for range 2 { // it may be said again
		must(t, w.Redirect("eni-isolated", map[uint16]uint16{8080: proxy}))
	}
	heard("eni-public", "10.0.3.10:8080", "proxy to 10.0.1.10")
	heard("eni-isolated", "10.0.3.10:8080", "application")
	heard("eni-isolated", "127.0.0.1:8080", "application")
	must(t, w.Redirect("eni-isolated", nil))
	heard("eni-public", "10.0.3.10:8080", "application")
	if err := w.Redirect("eni-x", nil); !InsideGone(err) {
		t.Errorf("an interface that is not there: %v", err)
	}
}

// Names of endpoints lead to addresses of the loopback, which only the task itself reaches.
func TestListenInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(example())
	l, err := w.ListenInside(context.Background(), "eni-private", "tcp4", "127.255.0.1:80")
	must(t, err)
	networktest.Greet(t, l, "proxy")
	if got := w.call("eni-private", "127.255.0.1:80"); !strings.HasPrefix(got, "proxy") {
		t.Errorf("the task itself hears %q", got)
	}
	if got := w.call("eni-public", "127.255.0.1:80"); strings.HasPrefix(got, "proxy") {
		t.Errorf("another task hears %q", got)
	}
}
