package network

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/network/networktest"
)

// onHost runs a command in the namespace that plays the host.
func (w *world) onHost(name string, args ...string) string {
	w.t.Helper()
	out, err := exec.Command("nsenter", append([]string{"--net=" + w.Host.Path, name}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}

func (w *world) forwarding() (value string) {
	w.t.Helper()
	must(w.t, networktest.Enter(w.Host.Path, func() error {
		b, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		value = strings.TrimSpace(string(b))
		return err
	}))
	return value
}

// The last instance to go puts forwarding back as the first one found it.
func TestForwardingIsPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// A new namespace begins with the machine's setting, which is 1 beside a
	// running Neargate or Docker.
	must(t, networktest.Enter(w.Host.Path, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0o644)
	}))
	before := w.onHost("nft", "list", "ruleset") + w.onHost("ip", "-o", "address") + w.onHost("ip", "route")
	o := w.options
	o.Site.Instance += "b"
	second, err := Open(o)
	must(t, err)
	isolated := named("-i")
	isolated.RouteTables[0].Routes, isolated.RouteTables[1].Routes = nil, nil
	isolated.renumber(netip.Addr{})
	w.set(isolated)
	if got := w.forwarding(); got != "0" {
		t.Error("an isolated VPC switches forwarding on")
	}
	w.set(example())
	other := named("-b")
	other.renumber(addr("198.19.1.0"))
	must(t, second.Set(context.Background(), other))
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	must(t, w.Purge(context.Background()))
	if got := w.forwarding(); got != "1" {
		t.Error("an instance that goes takes forwarding from another")
	}
	must(t, second.Purge(context.Background()))
	must(t, second.Close())
	if got := w.forwarding(); got != "0" {
		t.Error("the last one leaves forwarding on")
	}
	if after := w.onHost("nft", "list", "ruleset") + w.onHost("ip", "-o", "address") + w.onHost("ip", "route"); after != before {
		t.Errorf("the host was\n%s\nand is\n%s", before, after)
	}
}

// Docker's and ufw's tables drop what they do not know.
func TestForeignFirewallLetsUsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onHost("nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add rule ip filter FORWARD oifname docker0 accept")
	w.onHost("nft", "add table inet firewalld; add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }; add rule inet firewalld filter_FORWARD reject")
	before := w.onHost("nft", "list", "ruleset")
	w.set(example())
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	must(t, w.Close())
	w.start()
	w.set(example())
	if got := strings.Count(w.onHost("nft", "list", "chain", "ip", "filter", "FORWARD"), "neargate-"); got != 2 {
		t.Errorf("%d rules of ours", got)
	}
	must(t, w.Purge(context.Background()))
	if after := w.onHost("nft", "list", "ruleset"); after != before {
		t.Errorf("the tables of others were\n%s\nand are\n%s", before, after)
	}
}
