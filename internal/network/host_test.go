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

// What Docker's rules let pass and drop on the host stays so while Neargate is there.
func TestHostTrafficKeepsItsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	w.onHost("sysctl", "-qw", "net.ipv4.ip_forward=1")
	w.onHost("nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; "+
		"add rule ip filter FORWARD ct state established,related accept; add rule ip filter FORWARD iifname docker0 accept")
	w.onHost("nft", "add table ip nat; add chain ip nat POSTROUTING { type nat hook postrouting priority 100; policy accept; }; "+
		"add rule ip nat POSTROUTING ip saddr 172.16.0.0/12 oifname wan masquerade")
	docker, other := w.bridged("docker0", "172.17.0"), w.bridged("other0", "172.18.0")
	check := func(when string) {
		t.Helper()
		if got := from(t, docker, internetAddr+":80"); got != "internet to 192.0.2.2 at "+internetAddr {
			t.Errorf("%s: Docker's container: %q", when, got)
		}
		if got := from(t, other, internetAddr+":80"); got != "time-out" {
			t.Errorf("%s: what Docker's rules drop: %q", when, got)
		}
	}
	check("before")
	w.set(example())
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	check("with Neargate")
	must(t, w.Purge(context.Background()))
	check("after it")
}

// bridged makes a namespace behind a link of the host, and returns its path.
func (w *world) bridged(link, network string) string {
	w.t.Helper()
	name := "ngtest-" + w.Instance + "-" + link
	run := func(args ...string) {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			w.t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	run("netns", "add", name)
	w.t.Cleanup(func() { run("netns", "delete", name) })
	w.onHost("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
	w.onHost("ip", "address", "add", network+".1/24", "dev", link)
	w.onHost("ip", "link", "set", link, "up")
	run("-n", name, "address", "add", network+".2/24", "dev", "eth0")
	run("-n", name, "link", "set", "eth0", "up")
	run("-n", name, "route", "add", "default", "via", network+".1")
	return "/run/netns/" + name
}
