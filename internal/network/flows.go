package network

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// A node of a network load balancer that preserves its clients' addresses opens
// connections from these addresses (DialerFor). Its sockets mark their packets with
// the node's own address, by which the packet filter knows the node whose groups
// judge; and the connection with a bit, by which what comes back is delivered to
// the node and not to the client that has the address.
const (
	flowBit     uint32 = 1 << 19      // in the marks of connections, beside untracked
	flowMark    uint32 = 1            // of packets that are for a node's sockets, whatever their address
	flowTable   uint32 = 100          // in which every address is local
	flowRules          = 100          // before all others but the kernel's own
	flowChain          = "flow-"      // before the id of a node: what it opens for its clients
	flowReplies        = "flow-in"    // what targets answer
	flowLocal          = "flow-local" // what targets answer that we host
)

// carriesFlows reports whether the VPC has nodes of network load balancers.
func (v VPC) carriesFlows() bool {
	return !v.isSix && slices.ContainsFunc(v.ENIs, func(e ENI) bool { return e.Kind == FlowBalancer })
}

// mark is what the packets of a node's sockets carry.
func (e ENI) mark() uint32 {
	b := e.IP.As4()
	return binary.BigEndian.Uint32(b[:])
}

// unfiltered reports whether no security group judges an interface: a network load
// balancer may have none.
func (e ENI) unfiltered() bool { return e.Kind == FlowBalancer && len(e.Groups) == 0 }

// planFlows leads what targets answer to the sockets of nodes.
func (v VPC) planFlows() ([]HostRoute, []PolicyRule) {
	if !v.carriesFlows() {
		return nil, nil
	}
	return []HostRoute{{Table: flowTable, To: v.everywhere(), Type: LocalRoute}}, []PolicyRule{{Priority: flowRules, Mark: flowMark, Table: flowTable}}
}

// addFlows adds the chains for what nodes open in the name of their clients.
func (f *Filter) addFlows(v VPC) {
	if !v.carriesFlows() {
		return
	}
	answers := []Match{ConnectionMark(flowBit)}
	f.Chains = append(f.Chains,
		Chain{Name: flowReplies, Hook: &Hook{"filter", "prerouting", -150, false}, Rules: []FilterRule{
			{Match: append([]Match{InLink(eniPrefix + "*")}, answers...), PacketMark: flowMark},
		}},
		Chain{Name: flowLocal, Hook: &Hook{"route", "output", -150, false}, Rules: []FilterRule{
			{Match: append([]Match{PacketMark(0)}, answers...), PacketMark: flowMark},
		}})
	for _, e := range v.sorted() {
		if e.Kind == FlowBalancer {
			f.Chains = append(f.Chains, Chain{Name: flowChain + e.ID, Rules: []FilterRule{{Mark: flowBit}, {Verdict: Verdict{Goto, outDrops + e.ID}}}})
		}
	}
}

// jumpsToFlows are the rules by which output tells what nodes open for clients.
func (v VPC) jumpsToFlows() []FilterRule {
	if !v.carriesFlows() {
		return nil
	}
	var rules []FilterRule
	for _, e := range v.sorted() {
		if e.Kind == FlowBalancer {
			rules = append(rules, FilterRule{Match: []Match{PacketMark(e.mark())}, Verdict: Verdict{Goto, flowChain + e.ID}})
		}
	}
	return rules
}

// sourcesIn are the conditions by which an ingress rule that names a group lets
// packets in: they come from a member, or a node that is one opened them for a
// client. That the client is a member does not count then, as on AWS.
func (v VPC) sourcesIn(group string) [][]Match {
	if !v.carriesFlows() {
		return [][]Match{{SourceIn(membersOf(group))}}
	}
	all := [][]Match{{PacketMark(0), SourceIn(membersOf(group))}}
	for _, e := range v.sorted() {
		if e.Kind == FlowBalancer && slices.Contains(e.Groups, group) {
			all = append(all, []Match{PacketMark(e.mark())})
		}
	}
	return all
}

// coversFlow is covers for a flow that a node opened for a client at an address.
func (v VPC) coversFlow(r Rule, client netip.Addr, node ENI) bool {
	if r.Group != "" {
		return slices.Contains(node.Groups, r.Group)
	}
	return v.covers(r, client)
}
