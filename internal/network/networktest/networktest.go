// Package networktest makes a host and an internet for tests of VPCs: two
// network namespaces of the test's own, connected with each other and with
// nothing else, so that no test touches the network of the machine. It also
// finds out what a test leaves behind. Tests of every package above network use it.
package networktest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/testenv"
)

// The addresses of the make-believe internet. It knows the host as HostAddr and
// has no route to anything behind it.
const (
	InternetAddr  = "203.0.113.9"
	HostAddr      = "192.0.2.2"
	InternetAddr6 = "3fff::9"
	HostAddr6     = "3fff:0:1::2"
)

// World is a host and an internet.
type World struct {
	Instance string // an id for names, unique to the test
	Host     *Namespace
	Internet *Namespace
}

// New makes a world, which ends with the test. The test fails if namespaces,
// links or nftables of its instance are left then. It needs root.
func New(t testing.TB) *World {
	t.Helper()
	testenv.NeedRoot(t)
	w := &World{Instance: "t" + strings.ToLower(rand.Text()[:6])}
	t.Cleanup(func() {
		if left := w.leftovers(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	w.Host, w.Internet = w.namespace(t, "host"), w.namespace(t, "internet")
	ip(t, "-n", w.Host.name, "link", "add", "wan", "mtu", "1400", "type", "veth", "peer", "name", "wan", "netns", w.Internet.name)
	for _, a := range []struct{ ns, link, address string }{
		{w.Host.name, "lo", ""}, {w.Host.name, "wan", HostAddr + "/24"},
		{w.Internet.name, "lo", InternetAddr + "/32"}, {w.Internet.name, "wan", "192.0.2.1/24"},
	} {
		if a.address != "" {
			ip(t, "-n", a.ns, "address", "add", a.address, "dev", a.link)
		}
		ip(t, "-n", a.ns, "link", "set", a.link, "up")
	}
	ip(t, "-n", w.Host.name, "route", "add", "default", "via", "192.0.2.1")
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		w.addSix(t)
	}
	return w
}

// addSix gives host and internet their IPv6 addresses.
func (w *World) addSix(t testing.TB) {
	t.Helper()
	for _, a := range []struct{ ns, link, address string }{
		{w.Host.name, "wan", HostAddr6 + "/64"}, {w.Internet.name, "lo", InternetAddr6 + "/128"}, {w.Internet.name, "wan", "3fff:0:1::1/64"},
	} {
		ip(t, "netns", "exec", a.ns, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/"+a.link+"/disable_ipv6")
		ip(t, "-n", a.ns, "address", "add", a.address, "dev", a.link, "nodad")
	}
	ip(t, "-n", w.Host.name, "route", "add", "default", "via", "3fff:0:1::1")
}

// Namespace is a named network namespace.
type Namespace struct {
	Path string
	name string
}

func (w *World) namespace(t testing.TB, name string) *Namespace {
	t.Helper()
	name = "ngtest-" + w.Instance + "-" + name
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "delete", name) })
	return &Namespace{Path: "/run/netns/" + name, name: name}
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// Enter runs fn on a thread inside a network namespace.
func Enter(path string, fn func() error) error {
	ns, err := os.Open(path)
	if err != nil {
		return err
	}
	defer ns.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}

// Listen opens a TCP listener inside a network namespace, which closes with the test.
func Listen(t testing.TB, path, address string) net.Listener {
	t.Helper()
	var l net.Listener
	err := Enter(path, func() (err error) {
		l, err = net.Listen("tcp"+family(address), address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// family is "6" for addresses like "[::]:80".
func family(address string) string {
	if strings.HasPrefix(address, "[") {
		return "6"
	}
	return "4"
}

// Greet answers each connection with "GREETING to CLIENT at LOCAL" and closes it.
func Greet(t testing.TB, l net.Listener, greeting string) {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(c, "%s to %s at %s", greeting, host(c.RemoteAddr()), host(c.LocalAddr()))
			_ = c.Close()
		}
	}()
}

func host(a net.Addr) string { return a.(*net.TCPAddr).IP.String() }

// ReadAll returns what a connection says until it ends, and closes it.
func ReadAll(c net.Conn) (string, error) {
	defer c.Close()
	b, err := io.ReadAll(c)
	return string(b), err
}

// leftovers lists what carries the instance's id: namespaces here, links and
// tables also in this process's own network namespace.
func (w *World) leftovers() []string {
	left, _ := filepath.Glob("/run/netns/*" + w.Instance + "*")
	for _, command := range [][]string{{"ip", "-o", "link"}, {"nft", "list", "tables"}} {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			left = append(left, fmt.Sprintf("%v: %v", command, err))
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, w.Instance) {
				left = append(left, strings.TrimSpace(line))
			}
		}
	}
	slices.Sort(left)
	return left
}
