package network

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/nftables"

	"github.com/neargate/neargate/internal/fault"
)

// acceptsRA, before the name of a link, is the name of an empty chain which
// remembers that the host learns its routers there. A host that forwards does not,
// unless it is told to.
const acceptsRA = "accept-ra-was-1-"

// hostFilter6 is hostFilter for IPv6. What leaves the machine has its address;
// what comes from it has the one address of the callers of this machine.
func hostFilter6(site Site) Filter {
	ours := site.uplinks() + "*"
	return Filter{Chains: []Chain{
		{Name: "input", Hook: &Hook{"filter", "input", 0, false}, Rules: []FilterRule{
			{Match: []Match{InLink(ours), established}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Drop}},
		}},
		{Name: "forward", Hook: &Hook{"filter", "forward", 0, false}, Rules: []FilterRule{
			{Match: []Match{InLink(ours), OutLink(ours), SourceAddr(site.IPv6), TargetAddr(site.IPv6)}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(ours), OutLink(ours)}, Verdict: Verdict{Kind: Drop}},
			{Match: []Match{InLink(ours), TargetAddr(site.IPv6)}, Verdict: Verdict{Kind: Drop}}, // never leaves the machine
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{OutLink(ours), established}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{OutLink(ours)}, Verdict: Verdict{Kind: Drop}},
		}},
		{Name: "postrouting", Hook: &Hook{"nat", "postrouting", 100, false}, Rules: []FilterRule{
			{Match: []Match{InLink(ours), OutLink(ours)}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Masquerade}},
			{Match: []Match{OutLink(ours)}, Verdict: Verdict{SourceTo, HostClient6.String()}},
		}},
	}}
}

// prepareSix is prepare for IPv6.
func (h *hostSide) prepareSix() error {
	return h.prepareOnce(&h.preparedSix, nftables.TableFamilyIPv6, h.forwardSix, nftables.TableFamilyIPv6)
}

// forwardSix remembers whether forwarding was off, and which links tell the host
// of its routers, before it switches forwarding on.
func (h *hostSide) forwardSix(w *firewall) error {
	memory, err := h.memorySix(w.conn)
	if err != nil {
		return err
	}
	f := hostFilter6(h.site)
	for _, name := range memory {
		f.Chains = append(f.Chains, Chain{Name: name})
	}
	if err := w.replace(f); err != nil {
		return err
	}
	fault.Point("network.host6")
	return h.threads.enter(h.ns, func() error {
		for _, name := range memory {
			if link, ok := strings.CutPrefix(name, acceptsRA); ok {
				if err := sysctl("ipv6/conf/"+link+"/accept_ra", "2"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return sysctl("ipv6/conf/all/forwarding", "1")
	})
}

// memorySix is what any instance has remembered of the host, or else what is to
// be remembered now: nothing when the host forwards IPv6 itself.
func (h *hostSide) memorySix(conn *nftables.Conn) ([]string, error) {
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyIPv6)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range chains {
		if strings.HasPrefix(c.Table.Name, tablePrefix) && (c.Name == forwardingWasOff || strings.HasPrefix(c.Name, acceptsRA)) {
			names = append(names, c.Name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		return slices.Compact(names), nil
	}
	err = h.threads.enter(h.ns, func() error {
		now, err := os.ReadFile("/proc/sys/net/ipv6/conf/all/forwarding")
		if err != nil || strings.TrimSpace(string(now)) != "0" {
			return err
		}
		names = append(names, forwardingWasOff)
		settings, err := filepath.Glob("/proc/sys/net/ipv6/conf/*/accept_ra")
		for _, path := range settings {
			link := filepath.Base(filepath.Dir(path))
			value, err := os.ReadFile(path)
			if err == nil && strings.TrimSpace(string(value)) == "1" && link != "default" && link != "lo" && !strings.HasPrefix(link, h.site.uplinks()) {
				names = append(names, acceptsRA+link)
			}
		}
		return err
	})
	return names, err
}

// dropTableSix takes our table away, and puts forwarding back when we switched
// it on and nobody else forwards.
func (h *hostSide) dropTableSix(conn *nftables.Conn) error {
	chains, err := conn.ListChains()
	if err != nil {
		return err
	}
	ours, others := false, false
	var memory []string
	for _, c := range chains {
		switch {
		case c.Table.Family == nftables.TableFamilyIPv4:
		case c.Table.Name == h.table():
			ours = true
			if c.Hooknum == nil {
				memory = append(memory, c.Name)
			}
		case strings.HasPrefix(c.Table.Name, tablePrefix), forwards(c):
			others = true
		}
	}
	if !ours {
		return nil
	}
	h.preparedSix = false
	if len(memory) > 0 && !others {
		err := h.threads.enter(h.ns, func() error {
			errs := []error{sysctl("ipv6/conf/all/forwarding", "0")}
			for _, name := range memory {
				if link, ok := strings.CutPrefix(name, acceptsRA); ok {
					if err := sysctl("ipv6/conf/"+link+"/accept_ra", "1"); !errors.Is(err, fs.ErrNotExist) {
						errs = append(errs, err)
					}
				}
			}
			return errors.Join(errs...)
		})
		if err != nil {
			return err
		}
	}
	conn.DelTable(&nftables.Table{Name: h.table(), Family: nftables.TableFamilyIPv6})
	return conn.Flush()
}
