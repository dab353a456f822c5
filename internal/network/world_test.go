package network

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

const internetAddr = networktest.InternetAddr

// world is a host, an internet, and an engine for VPCs on that host.
type world struct {
	*networktest.World
	*Kernel
	t       testing.TB
	options Options
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: networktest.New(t), t: t}
	w.options = Options{
		Site:   DefaultSite(w.Instance),
		HostNS: w.Host.Path,
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	w.start()
	t.Cleanup(func() {
		must(t, w.Purge(context.Background()))
		must(t, w.Close())
	})
	return w
}

// start opens an engine, as a new process would.
func (w *world) start() {
	w.t.Helper()
	k, err := Open(w.options)
	must(w.t, err)
	w.Kernel = k
}

// serve greets callers of an address in a namespace.
func (w *world) serve(path, address, greeting string) {
	w.t.Helper()
	networktest.Greet(w.t, networktest.Listen(w.t, path, address), greeting)
}

// call connects from an ENI and returns what it reads, "time-out", or the error.
func (w *world) call(eni, address string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
	defer cancel()
	c, err := w.Dialer(eni)(ctx, "tcp", address)
	if err != nil {
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	said, err := networktest.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return said
}

// expect fails the test when a call has another result.
func (w *world) expect(eni, address, want string) {
	w.t.Helper()
	if got := w.call(eni, address); got != want {
		w.t.Errorf("%s -> %s: got %q, want %q", eni, address, got, want)
	}
}

func (w *world) set(v VPC) {
	w.t.Helper()
	must(w.t, w.Set(context.Background(), v))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clone copies a VPC value far enough to change its groups and interfaces.
func clone(v VPC) VPC {
	v.ENIs = slices.Clone(v.ENIs)
	v.SecurityGroups = slices.Clone(v.SecurityGroups)
	v.RouteTables = slices.Clone(v.RouteTables)
	v.NetworkACLs = slices.Clone(v.NetworkACLs)
	v.Subnets = slices.Clone(v.Subnets)
	return v
}
