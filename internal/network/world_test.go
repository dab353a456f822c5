package network

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/neargate/neargate/internal/testenv"
)

// world is a host and an internet of the test's own, and an engine between VPCs
// and that host. Nothing of it touches the network of the machine.
type world struct {
	*Kernel
	t        *testing.T
	options  Options
	host     *os.File
	internet *os.File
}

const internetAddr = "203.0.113.9"

// newWorld makes the two namespaces and connects them. The internet knows the
// host's address only: what comes back has been translated.
func newWorld(t *testing.T) *world {
	testenv.NeedRoot(t)
	before := listing(t)
	t.Cleanup(func() {
		if left := missing(listing(t), before); len(left) > 0 {
			t.Errorf("left behind on the host: %v", left)
		}
	})
	home, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	threads := threads{home}
	t.Cleanup(func() { home.Close() })
	instance := "t" + strings.ToLower(rand.Text()[:6])
	space := func(name string) *os.File {
		name = "ngtest-" + instance + "-" + name
		ns, err := threads.create(name, loopbackUp)
		must(t, err)
		t.Cleanup(func() { ns.Close(); must(t, removeNamespace(name)) })
		return ns
	}
	w := &world{t: t, host: space("host"), internet: space("internet")}
	host, err := routeHandle(w.host)
	must(t, err)
	defer host.Close()
	internet, err := routeHandle(w.internet)
	must(t, err)
	defer internet.Close()
	v := netlink.NewVeth(netlink.LinkAttrs{Name: "wan", Flags: net.FlagUp, TxQLen: -1, MTU: 1400})
	v.PeerName, v.PeerNamespace = "wan", netlink.NsFd(int(w.internet.Fd()))
	must(t, host.LinkAdd(v))
	address(t, host, "wan", "192.0.2.2/24")
	address(t, internet, "wan", "192.0.2.1/24")
	address(t, internet, "lo", internetAddr+"/32")
	wan, err := host.LinkByName("wan")
	must(t, err)
	must(t, host.RouteAdd(&netlink.Route{LinkIndex: wan.Attrs().Index, Dst: ipNet(defaultRoute), Gw: net.IPv4(192, 0, 2, 1)}))

	w.options = Options{Site: Site{Instance: instance, AWS: DefaultAWS, Uplinks: DefaultUplinks}, HostNS: namespaceDir + "ngtest-" + instance + "-host",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	w.start()
	t.Cleanup(func() {
		must(t, w.Purge(context.Background()))
		must(t, w.Close())
	})
	return w
}

// start opens an engine, as a new process would.
func (w *world) start() {
	k, err := Open(w.options)
	must(w.t, err)
	w.Kernel = k
}

func address(t *testing.T, h *netlink.Handle, link, cidr string) {
	l, err := h.LinkByName(link)
	must(t, err)
	must(t, h.AddrAdd(l, &netlink.Addr{IPNet: ipNet(prefix(cidr))}))
	must(t, h.LinkSetUp(l))
}

// serve answers every connection to an address in a namespace with a greeting
// and the caller's address.
func (w *world) serve(ns *os.File, address, greeting string) {
	w.t.Helper()
	var l net.Listener
	must(w.t, w.threads.enter(ns, func() (err error) {
		l, err = net.Listen("tcp4", address)
		return err
	}))
	greet(w.t, l, greeting)
}

func greet(t *testing.T, l net.Listener, greeting string) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			from := c.RemoteAddr().(*net.TCPAddr).IP.String()
			_, _ = io.WriteString(c, greeting+" to "+from+" at "+c.LocalAddr().(*net.TCPAddr).IP.String())
			_ = c.Close()
		}
	}()
}

// serveENI is serve inside an ENI's namespace.
func (w *world) serveENI(eni, address, greeting string) {
	w.t.Helper()
	ns, err := os.Open(w.NetNS(eni))
	must(w.t, err)
	defer ns.Close()
	w.serve(ns, address, greeting)
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
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return string(b)
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

// listing is what could be left behind: namespaces, links, nftables.
func listing(t *testing.T) []string {
	names, err := namespacesNamed("ng")
	must(t, err)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.Contains(n, "-t") })
	links, err := netlink.LinkList()
	must(t, err)
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Name, "ngt") {
			names = append(names, "link "+l.Attrs().Name)
		}
	}
	tables, err := exec.Command("nft", "list", "tables").Output()
	must(t, err)
	return append(names, slices.Collect(strings.Lines(string(tables)))...)
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
	return v
}
