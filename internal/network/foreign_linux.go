package network

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// A packet that is forwarded must pass the forward chains of all tables, and
// Docker, ufw and firewalld drop or reject there what they do not know. So a rule
// for our links, marked with our name, goes to the top of each of them.
// Rules of the older iptables-legacy are out of reach; `neargate doctor` finds them.

// passForeign adds our rules where they are not yet.
func (h *hostSide) passForeign(conn *nftables.Conn, families ...nftables.TableFamily) error {
	return h.foreign(conn, families, func(c *nftables.Chain, ours []*nftables.Rule) error {
		if len(ours) > 0 {
			return nil
		}
		links := h.site.uplinks() + "*"
		for _, r := range []FilterRule{
			{Match: []Match{OutLink(links), established}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(links)}, Verdict: Verdict{Kind: Accept}},
		} {
			conn.InsertRule(&nftables.Rule{Table: c.Table, Chain: c, Exprs: r.expressions(header4), UserData: h.mark()})
		}
		return conn.Flush()
	})
}

// leaveForeign takes them away again.
func (h *hostSide) leaveForeign(conn *nftables.Conn) error {
	all := []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyINet, nftables.TableFamilyIPv6}
	return h.foreign(conn, all, func(c *nftables.Chain, ours []*nftables.Rule) error {
		for _, r := range ours {
			if err := conn.DelRule(&nftables.Rule{Table: c.Table, Chain: c, Handle: r.Handle}); err != nil {
				return err
			}
		}
		return conn.Flush()
	})
}

// mark is the comment of our rules in tables of others.
func (h *hostSide) mark() []byte {
	return userdata.AppendString(nil, userdata.TypeComment, h.table())
}

// foreign calls do for each forward chain of others in tables of such families, with the rules in it that are ours.
func (h *hostSide) foreign(conn *nftables.Conn, families []nftables.TableFamily, do func(c *nftables.Chain, ours []*nftables.Rule) error) error {
	chains, err := conn.ListChains()
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range chains {
		if !slices.Contains(families, c.Table.Family) || !forwards(c) {
			continue
		}
		rules, err := conn.GetRules(c.Table, c)
		if errors.Is(err, unix.ENOENT) {
			continue // gone meanwhile
		}
		errs = append(errs, err)
		var ours []*nftables.Rule
		for _, r := range rules {
			if bytes.Equal(r.UserData, h.mark()) {
				ours = append(ours, r)
			}
		}
		errs = append(errs, do(c, ours))
	}
	return errors.Join(errs...)
}

// forwards reports whether a chain judges forwarded packets and is no Neargate's.
func forwards(c *nftables.Chain) bool {
	return c.Hooknum != nil && *c.Hooknum == *nftables.ChainHookForward && c.Type == nftables.ChainTypeFilter &&
		!strings.HasPrefix(c.Table.Name, tablePrefix)
}
