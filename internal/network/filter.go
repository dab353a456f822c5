package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Filter is an nftables table of family ip or ip6, as data; its words are those of ip.
type Filter struct {
	Sets     []Set
	Counters []string
	Chains   []Chain
}

// Set is a named set of nftables, or a map from addresses to verdicts.
type Set struct {
	Name     string
	Kind     SetKind
	Elements []Element
}

// SetKind is the type of a set's elements.
type SetKind string

// The kinds of sets that a VPC needs.
const (
	AddressSet  SetKind = "ipv4_addr"
	BindingSet  SetKind = "ifname . ipv4_addr"
	VerdictsMap SetKind = "ipv4_addr : verdict"
	AddressMap  SetKind = "ipv4_addr : ipv4_addr"
)

// Element is a member of a set.
type Element struct {
	Link  string // BindingSet
	Addr  netip.Addr
	Chain string     // VerdictsMap: the chain to jump to
	To    netip.Addr // AddressMap
}

// Chain is a list of rules; a base chain when it has a Hook.
type Chain struct {
	Name  string
	Hook  *Hook
	Rules []FilterRule
}

// Hook is where a base chain sits.
type Hook struct {
	Type     string // filter, nat
	Point    string // prerouting, input, forward, output, postrouting
	Priority int
	Drop     bool // the policy
}

// FilterRule is a rule of a chain: what it matches, what it counts, and what
// becomes of the packet. One with a PacketMark marks it. One with a Log reports some of the packets that reach
// it and lets them go on; the kernel may lack the means for that. One with a Mark
// adds its bits to those of the connection.
type FilterRule struct {
	Match []Match
	Mark  uint32
	// PacketMark is for routing.
	PacketMark uint32
	Log        string
	Counter    string
	Verdict    Verdict
}

// Match is one condition of a FilterRule: one of the types below. Its String
// is nft's own notation.
type Match interface{ String() string }

// The conditions that a VPC needs.
type (
	// InLink and OutLink match a link's name; a trailing * makes it a prefix.
	InLink  string
	OutLink string
	// Source and Target match an address.
	SourceAddr netip.Prefix
	TargetAddr netip.Prefix
	// SourceIn matches when the source, TargetIn when the target is in a set.
	SourceIn string
	TargetIn string
	// Unbound matches when the pair of link and source is not in a set.
	Unbound string
	// Protocol matches a protocol number.
	Protocol int
	// Ports matches a range of destination ports.
	Ports [2]int
	// ICMPKind matches type and code of ICMP or ICMPv6; code -1 is any.
	ICMPKind [2]int
	// Tracked matches what connection tracking says.
	Tracked string
	// PacketMark matches a packet's mark, ConnectionMark a bit of its connection's.
	PacketMark     uint32
	ConnectionMark uint32
)

// The states that Tracked knows.
const (
	established Tracked = "established,related"
	invalid     Tracked = "invalid"
)

// What is reported of drops: a few packets per second and chain, to a group of
// the namespace's own.
const (
	logRate  = 5
	logBurst = 20
	logGroup = 78
	logBytes = 64 // of each packet: its headers
)

// Verdict is what a rule does.
type Verdict struct {
	Kind VerdictKind
	To   string // Jump, Goto: a chain; the maps: a VerdictsMap or AddressMap; SourceTo: an address; TargetTo: an address and a port
}

// VerdictKind is the kind of a Verdict.
type VerdictKind string

// The kinds of verdicts.
const (
	Continue   VerdictKind = "" // with the next rule
	Accept     VerdictKind = "accept"
	Drop       VerdictKind = "drop"
	Jump       VerdictKind = "jump"
	Goto       VerdictKind = "goto"
	Return     VerdictKind = "return"
	Masquerade VerdictKind = "masquerade"
	SourceTo   VerdictKind = "snat to"
	SourceBy   VerdictKind = "snat to ip saddr map" // goes on when the map does not have it
	TargetBy   VerdictKind = "dnat to ip daddr map" // likewise
	TargetTo   VerdictKind = "dnat to"
	BySource   VerdictKind = "ip saddr vmap" // jump to the chain of the source
	ByTarget   VerdictKind = "ip daddr vmap" // jump to the chain of the target
)

func (m InLink) String() string     { return fmt.Sprintf("iifname %q", string(m)) }
func (m OutLink) String() string    { return fmt.Sprintf("oifname %q", string(m)) }
func (m SourceAddr) String() string { return "ip saddr " + netip.Prefix(m).String() }
func (m TargetAddr) String() string { return "ip daddr " + netip.Prefix(m).String() }
func (m SourceIn) String() string   { return "ip saddr @" + string(m) }
func (m TargetIn) String() string   { return "ip daddr @" + string(m) }
func (m Unbound) String() string    { return "iifname . ip saddr != @" + string(m) }
func (m Protocol) String() string   { return fmt.Sprintf("ip protocol %d", int(m)) }
func (m Ports) String() string {
	if m[0] == m[1] {
		return fmt.Sprintf("th dport %d", m[0])
	}
	return fmt.Sprintf("th dport %d-%d", m[0], m[1])
}
func (m ICMPKind) String() string {
	if m[1] < 0 {
		return fmt.Sprintf("icmp type %d", m[0])
	}
	return fmt.Sprintf("icmp type %d icmp code %d", m[0], m[1])
}
func (m Tracked) String() string        { return "ct state " + string(m) }
func (m PacketMark) String() string     { return fmt.Sprintf("meta mark %#x", uint32(m)) }
func (m ConnectionMark) String() string { return fmt.Sprintf("ct mark & %#x != 0", uint32(m)) }

func (v Verdict) String() string {
	switch v.Kind {
	case Jump, Goto, SourceTo:
		return string(v.Kind) + " " + v.To
	case BySource, ByTarget, SourceBy, TargetBy:
		return string(v.Kind) + " @" + v.To
	}
	return string(v.Kind)
}

func (r FilterRule) String() string {
	var words []string
	for _, m := range r.Match {
		words = append(words, m.String())
	}
	if r.Mark != 0 {
		words = append(words, fmt.Sprintf("ct mark set ct mark or %#x", r.Mark))
	}
	if r.PacketMark != 0 {
		words = append(words, fmt.Sprintf("meta mark set %#x", r.PacketMark))
	}
	if r.Log != "" {
		words = append(words, fmt.Sprintf("limit rate %d/second burst %d packets log group %d prefix %q", logRate, logBurst, logGroup, r.Log))
	}
	if r.Counter != "" {
		words = append(words, "counter name "+r.Counter)
	}
	if r.Verdict.Kind != Continue {
		words = append(words, r.Verdict.String())
	}
	return strings.Join(words, " ")
}

// withoutLogs is the filter for a kernel that cannot report.
func (f Filter) withoutLogs() Filter {
	f.Chains = slices.Clone(f.Chains)
	for i, c := range f.Chains {
		f.Chains[i].Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r FilterRule) bool { return r.Log != "" })
	}
	return f
}

func (h Hook) String() string {
	policy := "accept"
	if h.Drop {
		policy = "drop"
	}
	return fmt.Sprintf(" type %s hook %s priority %d policy %s", h.Type, h.Point, h.Priority, policy)
}

func (e Element) String() string {
	switch {
	case e.Link != "":
		return fmt.Sprintf("%s . %s", e.Link, e.Addr)
	case e.To.IsValid():
		return fmt.Sprintf("%s : %s", e.Addr, e.To)
	case e.Chain != "":
		return fmt.Sprintf("%s : jump %s", e.Addr, e.Chain)
	}
	return e.Addr.String()
}

// String is the table as text.
func (f Filter) String() string {
	var b strings.Builder
	for _, s := range f.Sets {
		fmt.Fprintf(&b, "set %s (%s)", s.Name, s.Kind)
		for i, e := range s.Elements {
			b.WriteString([]string{" ", ", "}[min(i, 1)])
			b.WriteString(e.String())
		}
		b.WriteString("\n")
	}
	for _, c := range f.Chains {
		fmt.Fprintf(&b, "chain %s", c.Name)
		if c.Hook != nil {
			b.WriteString(c.Hook.String())
		}
		b.WriteString("\n")
		for _, r := range c.Rules {
			fmt.Fprintf(&b, "  %s\n", r)
		}
	}
	return b.String()
}
