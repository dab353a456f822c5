package network

import "net/netip"

// The source ports of connections, as Linux chooses them.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// border is one crossing of a subnet's border by a packet.
type border struct {
	subnet Subnet
	egress bool
}

// replyBorders are the borders that replies cross, in their order.
func (v VPC) replyBorders(e ENI, p path, f Flow) []border {
	s, _ := v.Subnet(e.Subnet)
	var all []border
	switch {
	case p.Via == viaVPC:
		target, _ := v.ENIByIP(f.To)
		t, _ := v.Subnet(target.Subnet)
		all = append(all, border{t, true})
	case p.NAT.ID != "" && p.NAT.Subnet != e.Subnet:
		n, _ := v.Subnet(p.NAT.Subnet)
		all = append(all, border{n, false}, border{n, true})
	}
	return append(all, border{s, false})
}

// ExplainReplies follows what answers a flow that passes: the network ACLs'
// entries that let it back. It is empty when nothing is judged twice.
func ExplainReplies(site Site, v VPC, f Flow) []Hop {
	v = v.viewOf(f.To)
	e, ok := v.ENI(f.From)
	if _, local := v.linkLocal(f); !ok || local || f.To == e.IP {
		return nil
	}
	return v.replyHops(e, v.path(site, e, f.To), f)
}

// replyHops are the network ACLs' entries that decide about a flow's replies, up
// to the first that drops some. Security groups never do.
func (v VPC) replyHops(e ENI, p path, f Flow) []Hop {
	var hops []Hop
	for _, b := range v.replyBorders(e, p, f) {
		peer := f.To
		if b.egress {
			peer = e.IP
		}
		hop, ok := v.judgeReplies(b, peer, f)
		if !ok {
			continue
		}
		if hops = append(hops, hop); !hop.Pass {
			break
		}
	}
	return hops
}

// judgeReplies is judge for a flow's replies: the entry that drops some of them,
// else one that lets them pass.
func (v VPC) judgeReplies(b border, peer netip.Addr, f Flow) (hop Hop, ok bool) {
	for _, reply := range v.replies(f, b) {
		if hop, ok = v.judge(b.subnet, b.egress, peer, reply); !ok {
			return hop, false
		}
		hop.Reply, hop.Text = true, "of the reply: "+hop.Text
		if !hop.Pass {
			break
		}
	}
	return hop, ok
}

// replies are the flows that answer f: one, or one for each source port of f, as
// far as the border's ACL tells ports apart.
func (v VPC) replies(f Flow, b border) []Flow {
	reply := Flow{Protocol: f.Protocol, FromPort: f.Port}
	switch f.Protocol {
	case ICMP, ICMPv6:
		request, answer := 8, 0
		if f.Protocol == ICMPv6 {
			request, answer = 128, 129
		}
		if f.Port != request {
			return nil // only echo requests are answered
		}
		reply.Port = answer
		return []Flow{reply}
	case TCP, UDP:
	default:
		return []Flow{reply}
	}
	ports := []int{firstEphemeral, lastEphemeral}
	if f.FromPort != 0 {
		ports = []int{f.FromPort}
	} else if acl, ok := v.NetworkACL(b.subnet.NetworkACL); ok {
		for _, e := range acl.ordered(b.egress) {
			for _, p := range []int{e.FromPort - 1, e.FromPort, e.ToPort, e.ToPort + 1} {
				if firstEphemeral < p && p < lastEphemeral {
					ports = append(ports, p)
				}
			}
		}
	}
	var all []Flow
	for _, p := range ports {
		reply.Port = p
		all = append(all, reply)
	}
	return all
}
