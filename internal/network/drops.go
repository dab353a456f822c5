package network

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// How many drops are remembered.
const (
	dropsPerENI = 32
	maxDropENIs = 4096
)

// Dropped is something that the security groups of an ENI or the network ACL of
// a subnet did not allow, as it was seen to happen.
type Dropped struct {
	ENI      string  // whose groups dropped it; empty when an ACL did
	ACL      ACLRule // the entry that dropped it; zero when groups did
	Egress   bool    // outbound rules or entries, else inbound ones
	Protocol int     // IANA number
	From, To netip.Addr
	Port     int // TCP and UDP: destination port; ICMP: type
	// Count is how often it was seen, at least; Last is when it was last seen.
	Count int
	Last  time.Time
}

// drops remembers the last ones of each ENI, and of the addresses at both ends
// of what network ACLs dropped. The zero value is ready.
type drops struct {
	mu   sync.Mutex
	enis map[string][]Dropped
}

// note adds a drop, or counts it once more.
func (d *drops) note(n Dropped) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.enis == nil {
		d.enis = map[string][]Dropped{}
	}
	if n.ENI != "" {
		d.noteFor(n.ENI, n)
		return
	}
	d.noteFor(n.From.String(), n)
	d.noteFor(n.To.String(), n)
}

func (d *drops) noteFor(key string, n Dropped) {
	all, ok := d.enis[key]
	if !ok && len(d.enis) >= maxDropENIs {
		return
	}
	n.Count = 1
	same := slices.IndexFunc(all, func(o Dropped) bool {
		o.Count, o.Last = n.Count, n.Last
		return o == n
	})
	if same >= 0 {
		n.Count += all[same].Count
		all = slices.Delete(all, same, same+1)
	}
	if len(all) >= dropsPerENI {
		all = slices.Delete(all, 0, len(all)-dropsPerENI+1)
	}
	d.enis[key] = append(all, n)
}

// of returns those of an ENI and of its addresses, oldest first.
func (d *drops) of(eni string, addresses ...netip.Addr) []Dropped {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.enis[eni])
	for _, a := range addresses {
		if a.IsValid() {
			all = append(all, d.enis[a.String()]...)
		}
	}
	slices.SortStableFunc(all, func(a, b Dropped) int { return a.Last.Compare(b.Last) })
	return all
}

// readDrop reads what a rule's log says: its prefix, and the beginning of the packet.
func readDrop(prefix string, packet []byte) (Dropped, bool) {
	var d Dropped
	var ok bool
	if d.ACL, ok = parseACLRule(prefix); ok {
		d.Egress = d.ACL.Egress
	} else if d.ENI, ok = strings.CutPrefix(prefix, outDrops); ok {
		d.Egress = true
	} else if d.ENI, ok = strings.CutPrefix(prefix, inDrops); !ok {
		return d, false
	}
	p, ok := readPacket(packet)
	if !ok {
		return d, false
	}
	d.Protocol, d.From, d.To = p.protocol, p.from, p.to
	switch {
	case (d.Protocol == TCP || d.Protocol == UDP) && len(p.rest) >= 4:
		d.Port = int(binary.BigEndian.Uint16(p.rest[2:]))
	case (d.Protocol == ICMP || d.Protocol == ICMPv6) && len(p.rest) >= 1:
		d.Port = int(p.rest[0])
	}
	return d, true
}

// packet is the beginning of a packet of either family.
type packet struct {
	protocol int
	from, to netip.Addr
	bytes    uint64 // of the whole packet
	rest     []byte // what follows the header
}

// readPacket reads a header. Of IPv6 it knows the fixed one: what extension
// headers follow is their protocol.
func readPacket(b []byte) (packet, bool) {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return packet{
			protocol: int(b[9]), from: netip.AddrFrom4([4]byte(b[12:16])), to: netip.AddrFrom4([4]byte(b[16:20])),
			bytes: uint64(binary.BigEndian.Uint16(b[2:])), rest: b[min(len(b), int(b[0]&0xf)*4):],
		}, true
	case len(b) >= 40 && b[0]>>4 == 6:
		return packet{
			protocol: int(b[6]), from: netip.AddrFrom16([16]byte(b[8:24])), to: netip.AddrFrom16([16]byte(b[24:40])),
			bytes: 40 + uint64(binary.BigEndian.Uint16(b[4:])), rest: b[40:],
		}, true
	}
	return packet{}, false
}
