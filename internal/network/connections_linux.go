package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Connection is what connection tracking knows of packets that passed between two
// addresses: how many were sent by who began, and how many came back.
type Connection struct {
	Protocol       int
	From, To       netip.AddrPort // To is the private address, where a public IP was called
	Sent, Received Count
}

// Connections lists the tracked connections of a VPC. Those that ended stay for a
// while (TCP two minutes, others half a minute), so that who asks again and again
// sees the last of them. Counts are there where the kernel counts.
func (k *Kernel) Connections(vpcID string) ([]Connection, error) {
	s, err := k.vpc(vpcID)
	if err != nil {
		return nil, err
	}
	ns, err := openNamespace(k.site.namespace(s.id))
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(netns.NsHandle(int(ns.Fd())), unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var flows []*netlink.ConntrackFlow
	for _, family := range families() {
		some, err := whole(func() ([]*netlink.ConntrackFlow, error) {
			return h.ConntrackTableList(netlink.ConntrackTable, netlink.InetFamily(family))
		})
		if err != nil {
			return nil, fmt.Errorf("network: connections of %s: %w", vpcID, err)
		}
		flows = append(flows, some...)
	}
	var all []Connection
	for _, f := range flows {
		c := Connection{
			Protocol: int(f.Forward.Protocol), From: addrPort(f.Forward.SrcIP, f.Forward.SrcPort), To: addrPort(f.Forward.DstIP, f.Forward.DstPort),
			Sent: Count{f.Forward.Packets, f.Forward.Bytes}, Received: Count{f.Reverse.Packets, f.Reverse.Bytes},
		}
		if answers := addrPort(f.Reverse.SrcIP, f.Reverse.SrcPort); answers.Addr() != c.To.Addr() {
			c.To = answers
		}
		all = append(all, c)
	}
	return all, nil
}

func addrPort(ip []byte, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port)
}

// Rejected is a flow that security groups or network ACLs dropped, and how much of
// it was seen: of many packets a few.
type Rejected struct {
	Protocol int
	From, To netip.AddrPort
}

// maxRejected bounds what is kept until somebody asks.
const maxRejected = 4096

// rejects counts what was dropped. The zero value is ready.
type rejects struct {
	mu    sync.Mutex
	flows map[Rejected]Count
}

// note reads a dropped packet's headers.
func (r *rejects) note(packet []byte) {
	p, ok := readPacket(packet)
	if !ok {
		return
	}
	var from, to uint16
	if (p.protocol == TCP || p.protocol == UDP) && len(p.rest) >= 4 {
		from, to = binary.BigEndian.Uint16(p.rest), binary.BigEndian.Uint16(p.rest[2:])
	}
	flow := Rejected{p.protocol, netip.AddrPortFrom(p.from, from), netip.AddrPortFrom(p.to, to)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flows == nil {
		r.flows = map[Rejected]Count{}
	}
	n, ok := r.flows[flow]
	if !ok && len(r.flows) >= maxRejected {
		return
	}
	n.Packets++
	n.Bytes += p.bytes
	r.flows[flow] = n
}

// Rejected returns what was dropped in a VPC since the last call.
func (k *Kernel) Rejected(vpcID string) map[Rejected]Count {
	s, err := k.vpc(vpcID)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops == nil {
		return nil
	}
	s.drops.rejects.mu.Lock()
	defer s.drops.rejects.mu.Unlock()
	all := s.drops.rejects.flows
	s.drops.rejects.flows = nil
	return all
}
