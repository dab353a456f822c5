package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The registers that rules load values into: a 16-byte one, and the 4-byte one
// that follows it (a link's name takes all of the first).
const (
	register     = 1
	afterLink    = 12
	maxElements  = 256 // of a set, in one message: its length is a 16-bit number
	netlinkSpace = 16 << 20
)

// firewall writes Filters into one table of one namespace.
type firewall struct {
	conn  *nftables.Conn
	table *nftables.Table
	// narrower says that the last change took something away or changed it, so
	// that what was allowed before may not be now.
	narrower bool
}

// newFirewall opens a table, which need not be there yet, of family ip or ip6.
func newFirewall(ns int, table string, family nftables.TableFamily) (*firewall, error) {
	conn, err := nftables.New(nftables.WithNetNSFd(ns), nftables.AsLasting(),
		nftables.WithSockOptions(func(c *netlink.Conn) error {
			_ = c.SetReadBuffer(netlinkSpace) // every message of a batch is acknowledged
			_ = c.SetWriteBuffer(netlinkSpace)
			return nil
		}))
	if err != nil {
		return nil, fmt.Errorf("network: open nftables: %w", err)
	}
	return &firewall{conn: conn, table: &nftables.Table{Name: table, Family: family}}, nil
}

func (w *firewall) close() { _ = w.conn.CloseLasting() }

// replace puts a filter in the place of whatever the table held, at once.
func (w *firewall) replace(f Filter) error {
	w.conn.AddTable(w.table) // so that it is there to be deleted
	w.conn.DelTable(w.table)
	w.conn.AddTable(w.table)
	err := w.change(Filter{}, f)
	w.narrower = true
	return err
}

// change turns one filter into another in a single transaction. Counters of
// what stays keep counting.
func (w *firewall) change(old, now Filter) error {
	w.narrower = false
	for _, c := range missing(now.Counters, old.Counters) {
		w.conn.AddObj(w.counter(c))
	}
	before, after := old.sets(), now.sets()
	for _, s := range now.Sets {
		if _, ok := before[s.Name]; !ok {
			if err := w.conn.AddSet(w.set(s), nil); err != nil {
				return err
			}
		}
	}
	w.changeChains(old, now)
	if err := w.changeElements(old, now); err != nil {
		return err
	}
	w.dropChains(old, now)
	for _, s := range old.Sets {
		if _, ok := after[s.Name]; !ok {
			w.conn.DelSet(w.set(s))
		}
	}
	for _, c := range missing(old.Counters, now.Counters) {
		w.conn.DeleteObject(w.counter(c))
	}
	if err := w.conn.Flush(); err != nil {
		return fmt.Errorf("network: change packet filter: %w", err)
	}
	return nil
}

// changeChains adds chains and fills those that are new or different.
func (w *firewall) changeChains(old, now Filter) {
	var fill []Chain
	chains := old.chains()
	for _, c := range now.Chains {
		before, ok := chains[c.Name]
		switch {
		case !ok:
			w.conn.AddChain(w.chain(c))
			fill = append(fill, c)
		case !slices.EqualFunc(before.Rules, c.Rules, FilterRule.equal):
			w.narrower = true
			w.conn.FlushChain(w.chain(c))
			fill = append(fill, c)
		}
	}
	for _, c := range fill {
		for _, r := range c.Rules {
			w.conn.AddRule(&nftables.Rule{Table: w.table, Chain: w.chain(c), Exprs: r.expressions(w.header())})
		}
	}
}

// dropChains empties all the chains that go before it deletes the first,
// because they refer to one another.
func (w *firewall) dropChains(old, now Filter) {
	var gone []Chain
	stay := now.chains()
	for _, c := range old.Chains {
		if _, ok := stay[c.Name]; !ok {
			w.narrower = true
			gone = append(gone, c)
			w.conn.FlushChain(w.chain(c))
		}
	}
	for _, c := range gone {
		w.conn.DelChain(w.chain(c))
	}
}

// changeElements brings the members of sets up to date.
func (w *firewall) changeElements(old, now Filter) error {
	before, after := old.sets(), now.sets()
	for _, s := range old.Sets {
		if next, ok := after[s.Name]; ok {
			for part := range slices.Chunk(missing(s.Elements, next.Elements), maxElements) {
				w.narrower = true
				if err := w.conn.SetDeleteElements(w.set(s), elements(s.Kind, part)); err != nil {
					return err
				}
			}
		}
	}
	for _, s := range now.Sets {
		for part := range slices.Chunk(missing(s.Elements, before[s.Name].Elements), maxElements) {
			if err := w.conn.SetAddElements(w.set(s), elements(s.Kind, part)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *firewall) counter(name string) *nftables.CounterObj {
	return &nftables.CounterObj{Table: w.table, Name: name}
}

func (w *firewall) set(s Set) *nftables.Set {
	// The id only has to differ within a batch, and names decide anyway; given,
	// it keeps the library from counting in a variable that all connections share.
	address := w.header().datatype
	set := &nftables.Set{Table: w.table, Name: s.Name, ID: 1, KeyType: address}
	switch s.Kind {
	case BindingSet:
		set.KeyType, set.Concatenation = nftables.MustConcatSetType(nftables.TypeIFName, address), true
	case VerdictsMap:
		set.IsMap, set.DataType = true, nftables.TypeVerdict
	case AddressMap:
		set.IsMap, set.DataType = true, address
	}
	return set
}

func (w *firewall) chain(c Chain) *nftables.Chain {
	chain := &nftables.Chain{Table: w.table, Name: c.Name}
	if c.Hook == nil {
		return chain
	}
	policy := nftables.ChainPolicyAccept
	if c.Hook.Drop {
		policy = nftables.ChainPolicyDrop
	}
	chain.Type = nftables.ChainType(c.Hook.Type)
	chain.Hooknum = hookNumbers[c.Hook.Point]
	chain.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(c.Hook.Priority))
	chain.Policy = &policy
	return chain
}

var hookNumbers = map[string]*nftables.ChainHook{
	"prerouting":  nftables.ChainHookPrerouting,
	"input":       nftables.ChainHookInput,
	"forward":     nftables.ChainHookForward,
	"output":      nftables.ChainHookOutput,
	"postrouting": nftables.ChainHookPostrouting,
}

func elements(kind SetKind, all []Element) []nftables.SetElement {
	var out []nftables.SetElement
	for _, e := range all {
		a := e.Addr.AsSlice()
		n := nftables.SetElement{Key: a}
		switch kind {
		case BindingSet:
			n.Key = append(linkBytes(e.Link), a...)
		case VerdictsMap:
			n.VerdictData = &expr.Verdict{Kind: expr.VerdictJump, Chain: e.Chain}
		case AddressMap:
			n.Val = e.To.AsSlice()
		}
		out = append(out, n)
	}
	return out
}

// linkBytes is a link's name as the kernel compares it: 16 bytes.
func linkBytes(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

// expressions compiles a rule for packets with such a header.
func (r FilterRule) expressions(h header) []expr.Any {
	var all []expr.Any
	for _, m := range r.Match {
		all = append(all, h.compile(m)...)
	}
	if r.Mark != 0 {
		all = append(all, &expr.Ct{Key: expr.CtKeyMARK, Register: register},
			&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(^r.Mark), Xor: binaryutil.NativeEndian.PutUint32(r.Mark)},
			&expr.Ct{Key: expr.CtKeyMARK, Register: register, SourceRegister: true})
	}
	if r.PacketMark != 0 {
		all = append(all, &expr.Immediate{Register: register, Data: binaryutil.NativeEndian.PutUint32(r.PacketMark)}, &expr.Meta{Key: expr.MetaKeyMARK, Register: register, SourceRegister: true})
	}
	if r.Log != "" {
		all = append(all, &expr.Limit{Type: expr.LimitTypePkts, Rate: logRate, Burst: logBurst, Unit: expr.LimitTimeSecond},
			&expr.Log{Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX | 1<<unix.NFTA_LOG_SNAPLEN, Group: logGroup, Snaplen: logBytes, Data: []byte(r.Log)})
	}
	if r.Counter != "" {
		all = append(all, &expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: r.Counter})
	}
	return append(all, h.verdict(r.Verdict)...)
}

// compile turns a condition into what the kernel's machine runs.
func (h header) compile(m Match) []expr.Any {
	switch m := m.(type) {
	case InLink:
		return linkIs(expr.MetaKeyIIFNAME, string(m))
	case OutLink:
		return linkIs(expr.MetaKeyOIFNAME, string(m))
	case SourceAddr:
		return h.addressIn(h.source, netip.Prefix(m))
	case TargetAddr:
		return h.addressIn(h.target, netip.Prefix(m))
	case SourceIn:
		return []expr.Any{h.address(h.source, register), &expr.Lookup{SourceRegister: register, SetName: string(m)}}
	case TargetIn:
		return []expr.Any{h.address(h.target, register), &expr.Lookup{SourceRegister: register, SetName: string(m)}}
	case Unbound:
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: register}, h.address(h.source, afterLink),
			&expr.Lookup{SourceRegister: register, SetName: string(m), Invert: true}}
	case Protocol:
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, equals([]byte{byte(m)})}
	case Ports:
		return []expr.Any{transport(2, 2), &expr.Range{Op: expr.CmpOpEq, Register: register, FromData: port(m[0]), ToData: port(m[1])}}
	case ICMPKind:
		if m[1] < 0 {
			return []expr.Any{transport(0, 1), equals([]byte{byte(m[0])})}
		}
		return []expr.Any{transport(0, 2), equals([]byte{byte(m[0]), byte(m[1])})}
	case Tracked:
		return trackedAs(m)
	case PacketMark:
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyMARK, Register: register}, equals(binaryutil.NativeEndian.PutUint32(uint32(m)))}
	case ConnectionMark:
		return hasBits(expr.CtKeyMARK, uint32(m))
	}
	panic(fmt.Sprintf("network: no expression for %T", m))
}

// header is where the addresses are in a packet, and what they are.
type header struct {
	source, target, length uint32 // bytes
	datatype               nftables.SetDatatype
	family                 uint32
}

var (
	header4 = header{12, 16, 4, nftables.TypeIPAddr, unix.NFPROTO_IPV4}
	header6 = header{8, 24, 16, nftables.TypeIP6Addr, unix.NFPROTO_IPV6}
)

// header is that of the packets which the table sees.
func (w *firewall) header() header {
	if w.table.Family == nftables.TableFamilyIPv6 {
		return header6
	}
	return header4
}

func (h header) address(offset, register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: h.length}
}

func transport(offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: length}
}

func equals(b []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: b}
}

func port(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func linkIs(key expr.MetaKey, name string) []expr.Any {
	data := []byte(strings.TrimSuffix(name, "*"))
	if len(data) == len(name) {
		data = linkBytes(name)
	}
	return []expr.Any{&expr.Meta{Key: key, Register: register}, equals(data)}
}

func (h header) addressIn(offset uint32, p netip.Prefix) []expr.Any {
	return []expr.Any{h.address(offset, register),
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: h.length, Mask: net.CIDRMask(p.Bits(), int(8*h.length)), Xor: make([]byte, h.length)},
		equals(p.Masked().Addr().AsSlice())}
}

func trackedAs(m Tracked) []expr.Any {
	bits := uint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	if m == invalid {
		bits = expr.CtStateBitINVALID
	}
	return hasBits(expr.CtKeySTATE, bits)
}

// hasBits asks whether any of some bits is set in what connection tracking says.
func hasBits(key expr.CtKey, bits uint32) []expr.Any {
	return []expr.Any{&expr.Ct{Key: key, Register: register},
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: make([]byte, 4)}}
}

func (h header) verdict(v Verdict) []expr.Any {
	switch v.Kind {
	case Continue:
		return nil
	case Accept:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
	case Drop:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
	case Jump:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: v.To}}
	case Goto:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: v.To}}
	case Return:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}
	case Masquerade:
		return []expr.Any{&expr.Masq{}}
	case SourceTo:
		return []expr.Any{&expr.Immediate{Register: register, Data: netip.MustParseAddr(v.To).AsSlice()}, h.translate(expr.NATTypeSourceNAT)}
	case TargetTo:
		to := netip.MustParseAddrPort(v.To)
		return []expr.Any{&expr.Immediate{Register: register, Data: to.Addr().AsSlice()}, &expr.Immediate{Register: afterLink, Data: port(int(to.Port()))},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: h.family, RegAddrMin: register, RegProtoMin: afterLink, Specified: true}}
	case SourceBy:
		return []expr.Any{h.address(h.source, register), mapped(v.To), h.translate(expr.NATTypeSourceNAT)}
	case TargetBy:
		return []expr.Any{h.address(h.target, register), mapped(v.To), h.translate(expr.NATTypeDestNAT)}
	case BySource:
		return []expr.Any{h.address(h.source, register), &expr.Lookup{SourceRegister: register, SetName: v.To, IsDestRegSet: true}}
	case ByTarget:
		return []expr.Any{h.address(h.target, register), &expr.Lookup{SourceRegister: register, SetName: v.To, IsDestRegSet: true}}
	}
	panic("network: no expression for verdict " + string(v.Kind))
}

// mapped looks up what is in the register; a rule ends there without an entry.
func mapped(set string) expr.Any {
	return &expr.Lookup{SourceRegister: register, DestRegister: register, IsDestRegSet: true, SetName: set}
}

func (h header) translate(kind expr.NATType) expr.Any {
	return &expr.NAT{Type: kind, Family: h.family, RegAddrMin: register}
}

func (r FilterRule) equal(o FilterRule) bool {
	return r.Mark == o.Mark && r.PacketMark == o.PacketMark && r.Log == o.Log && r.Counter == o.Counter && r.Verdict == o.Verdict && slices.Equal(r.Match, o.Match)
}

// sets and chains find by name.
func (f Filter) sets() map[string]Set {
	all := make(map[string]Set, len(f.Sets))
	for _, s := range f.Sets {
		all[s.Name] = s
	}
	return all
}

func (f Filter) chains() map[string]Chain {
	all := make(map[string]Chain, len(f.Chains))
	for _, c := range f.Chains {
		all[c.Name] = c
	}
	return all
}

// missing lists what is in a and not in b.
func missing[T comparable](a, b []T) []T {
	has := make(map[T]bool, len(b))
	for _, x := range b {
		has[x] = true
	}
	var out []T
	for _, x := range a {
		if !has[x] {
			out = append(out, x)
		}
	}
	return out
}
