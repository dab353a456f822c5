package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The kernel's interface for logged packets (linux/netfilter/nfnetlink_log.h).
const (
	logPacket  = netlink.HeaderType(unix.NFNL_SUBSYS_ULOG << 8)
	logConfig  = netlink.HeaderType(unix.NFNL_SUBSYS_ULOG<<8 | 1)
	logPayload = 9
	logPrefix  = 10
)

// dropLog reads what the rules of one VPC's namespace report.
type dropLog struct {
	drops
	rejects rejects
	conn    *netlink.Conn
}

func openDropLog(ns *os.File) (*dropLog, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(ns.Fd())})
	if err != nil {
		return nil, err
	}
	group := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, logGroup)
	for _, attribute := range []netlink.Attribute{
		{Type: 1, Data: []byte{1}}, // NFULA_CFG_CMD: bind
		{Type: 2, Data: binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, logBytes), 2<<8)}, // NFULA_CFG_MODE: copy that much
		{Type: 5, Data: binary.BigEndian.AppendUint32(nil, 1)},                                             // NFULA_CFG_QTHRESH: at once
	} {
		var data []byte
		if data, err = netlink.MarshalAttributes([]netlink.Attribute{attribute}); err == nil {
			_, err = conn.Execute(netlink.Message{Header: netlink.Header{Type: logConfig, Flags: netlink.Request | netlink.Acknowledge}, Data: append(group[:4:4], data...)})
		}
		if err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("netfilter log: %w", err)
		}
	}
	return &dropLog{conn: conn}, nil
}

func (l *dropLog) close() {
	if l != nil {
		_ = l.conn.Close()
	}
}

// read remembers drops until the socket is closed.
func (l *dropLog) read() {
	for {
		messages, err := l.conn.Receive()
		if err != nil {
			if errors.Is(err, unix.ENOBUFS) {
				continue // some are lost; they were only some anyway
			}
			return
		}
		for _, m := range messages {
			if m.Header.Type == logPacket && len(m.Data) > 4 {
				l.parse(m.Data[4:])
			}
		}
	}
}

func (l *dropLog) parse(data []byte) {
	attributes, err := netlink.UnmarshalAttributes(data)
	if err != nil {
		return
	}
	var prefix string
	var packet []byte
	for _, a := range attributes {
		switch a.Type {
		case logPrefix:
			prefix = strings.TrimRight(string(a.Data), "\x00")
		case logPayload:
			packet = a.Data
		}
	}
	l.rejects.note(packet)
	if d, ok := readDrop(prefix, packet); ok {
		d.Last = time.Now()
		l.note(d)
	}
}

// Drops returns what security groups and network ACLs lately dropped of what an
// ENI sent or was sent, oldest first. It is evidence, not a count: of many packets a few are seen.
func (k *Kernel) Drops(eniID string) []Dropped {
	k.mu.Lock()
	o, ok := k.origins[eniID]
	k.mu.Unlock()
	if !ok {
		return nil
	}
	o.vpc.mu.Lock()
	defer o.vpc.mu.Unlock()
	if o.vpc.drops == nil {
		return nil
	}
	return o.vpc.drops.of(eniID, o.ip, o.ip6)
}
