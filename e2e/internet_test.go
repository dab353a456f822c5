package e2e

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/neargate/neargate/internal/network/networktest"
)

// makeBelieveInternet makes an internet with a listener that says "internet" to all
// who come, and returns the listener's address.
func makeBelieveInternet(t *testing.T) string {
	t.Helper()
	namespace, address := internetNamespace(t)
	address += ":80"
	networktest.Greet(t, networktest.Listen(t, namespace, address), "internet")
	return address
}

// internets is the last octet of the latest internet: each test has its own, and
// runs beside each other begin somewhere.
var internets = func() *atomic.Uint32 {
	random := make([]byte, 1)
	rand.Read(random)
	var at atomic.Uint32
	at.Store(uint32(random[0]))
	return &at
}()

// internetNamespace makes a network namespace that this machine reaches at one
// address of a range for documentation. It returns the namespace's path and the
// address. All ends with the test.
func internetNamespace(t *testing.T) (path, address string) {
	t.Helper()
	name := "ngi" + strings.ToLower(rand.Text()[:6])
	net := int(internets.Add(4)) & 0xfc // of 198.51.100.0/24, four addresses
	here, there := fmt.Sprintf("198.51.100.%d", net+1), fmt.Sprintf("198.51.100.%d", net+2)
	run(t, "ip", "netns", "add", name)
	t.Cleanup(func() { run(t, "ip", "netns", "delete", name) })
	run(t, "ip", "link", "add", name, "type", "veth", "peer", "name", "wan", "netns", name)
	t.Cleanup(func() { run(t, "ip", "link", "delete", name) })
	run(t, "ip", "address", "add", here+"/30", "dev", name)
	run(t, "ip", "link", "set", name, "up")
	run(t, "ip", "-n", name, "address", "add", there+"/30", "dev", "wan")
	run(t, "ip", "-n", name, "link", "set", "wan", "up")
	return "/run/netns/" + name, there
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
