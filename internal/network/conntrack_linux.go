package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The kernel's interface for tracked connections (linux/netfilter/nfnetlink_conntrack.h).
const (
	ctGet    = netlink.HeaderType(unix.NFNL_SUBSYS_CTNETLINK<<8 | 1)
	ctDelete = netlink.HeaderType(unix.NFNL_SUBSYS_CTNETLINK<<8 | 2)

	ctOriginal = 1
	ctReply    = 2
	ctMark     = 8
	ctMask     = 21
	ctID       = 12

	// of a tuple, and within its parts
	tupleAddresses, tupleProtocol    = 1, 2
	source4, target4                 = 1, 2
	source6, target6                 = 3, 4
	protocolNumber, fromPort, toPort = 1, 2, 3
	attributeType                    = 0x3fff // without flags
)

// endUntracked ends those untracked connections of a VPC that its rules no longer
// allow. It reports whether there was any untracked one.
func (s *vpc) endUntracked(v VPC) (bool, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(s.ns.Fd())})
	if err != nil {
		return false, err
	}
	defer conn.Close()
	families := []byte{unix.AF_INET}
	if s.firewall6 != nil {
		families = append(families, unix.AF_INET6)
	}
	found := false
	for _, family := range families {
		all, err := untrackedConnections(conn, family)
		if err != nil {
			return found, fmt.Errorf("network: list connections: %w", err)
		}
		found = found || len(all) > 0
		for _, c := range all {
			if v.keeps(s.kernel.site, c) {
				continue
			}
			_, err := conn.Execute(ctMessage(family, ctDelete, netlink.Request|netlink.Acknowledge, c.identifier))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return true, fmt.Errorf("network: end connection: %w", err)
			}
		}
	}
	return found, nil
}

func ctMessage(family byte, kind netlink.HeaderType, flags netlink.HeaderFlags, attributes []byte) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: flags}, Data: append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attributes...)}
}

// untrackedConnections lists the connections of a family that are marked so; the kernel picks them.
func untrackedConnections(conn *netlink.Conn, family byte) ([]connection, error) {
	wanted, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: ctMark, Data: binary.BigEndian.AppendUint32(nil, untracked)}, {Type: ctMask, Data: binary.BigEndian.AppendUint32(nil, untracked)},
	})
	if err != nil {
		return nil, err
	}
	messages, err := conn.Execute(ctMessage(family, ctGet, netlink.Request|netlink.Dump, wanted))
	if err != nil {
		return nil, err
	}
	var all []connection
	for _, m := range messages {
		if len(m.Data) < 4 {
			continue
		}
		if c, ok := parseConnection(m.Data[4:]); ok && c.Mark&untracked != 0 {
			all = append(all, c)
		}
	}
	return all, nil
}

// parseConnection reads what the kernel says of a connection.
func parseConnection(data []byte) (connection, bool) {
	attributes, err := netlink.UnmarshalAttributes(data)
	if err != nil {
		return connection{}, false
	}
	var c connection
	var keep []netlink.Attribute
	var ok, reply bool
	for _, a := range attributes {
		switch a.Type & attributeType {
		case ctOriginal:
			c.Protocol, c.From, c.To, ok = parseTuple(a.Data)
			keep = append(keep, netlink.Attribute{Type: netlink.Nested | ctOriginal, Data: a.Data})
		case ctReply:
			_, c.Source, _, reply = parseTuple(a.Data)
		case ctMark:
			if len(a.Data) == 4 {
				c.Mark = binary.BigEndian.Uint32(a.Data)
			}
		case ctID:
			keep = append(keep, netlink.Attribute{Type: ctID, Data: a.Data})
		}
	}
	c.identifier, err = netlink.MarshalAttributes(keep)
	return c, ok && reply && err == nil
}

// parseTuple reads one direction of a connection.
func parseTuple(data []byte) (protocol int, from, to netip.AddrPort, ok bool) {
	values := map[[2]uint16][]byte{}
	parts, err := netlink.UnmarshalAttributes(data)
	if err != nil {
		return 0, from, to, false
	}
	for _, part := range parts {
		inner, err := netlink.UnmarshalAttributes(part.Data)
		if err != nil {
			return 0, from, to, false
		}
		for _, a := range inner {
			values[[2]uint16{part.Type & attributeType, a.Type & attributeType}] = a.Data
		}
	}
	end := func(address, six, port uint16) netip.AddrPort {
		a, okA := netip.AddrFromSlice(append(values[[2]uint16{tupleAddresses, address}], values[[2]uint16{tupleAddresses, six}]...))
		p := values[[2]uint16{tupleProtocol, port}]
		if !okA || len(p) != 2 {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(a, binary.BigEndian.Uint16(p))
	}
	number := values[[2]uint16{tupleProtocol, protocolNumber}]
	from, to = end(source4, source6, fromPort), end(target4, target6, toPort)
	return int(append(number, 0)[0]), from, to, len(number) == 1 && from.IsValid() && to.IsValid()
}

// strict lets the kernel take no packet for the beginning of a connection that
// is none, so that one whose entry is gone is over.
func strict() error {
	err := sysctl("netfilter/nf_conntrack_tcp_loose", "0")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not tracked by this kernel yet: nothing is marked either
	}
	return err
}
