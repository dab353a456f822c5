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

// Dropped is something that the security groups of an ENI did not allow, as it was
// seen to happen.
type Dropped struct {
	ENI      string // whose rules dropped it
	Egress   bool   // its outbound rules, else its inbound ones
	Protocol int    // IANA number
	From, To netip.Addr
	Port     int // TCP and UDP: destination port; ICMP: type
	// Count is how often it was seen, at least; Last is when it was last seen.
	Count int
	Last  time.Time
}

// drops remembers the last ones of each ENI. The zero value is ready.
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
	all, ok := d.enis[n.ENI]
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
	d.enis[n.ENI] = append(all, n)
}

// of returns an ENI's, oldest first.
func (d *drops) of(eni string) []Dropped {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.enis[eni])
}

// readDrop reads what a rule's log says: its prefix, and the beginning of the packet.
func readDrop(prefix string, packet []byte) (Dropped, bool) {
	var d Dropped
	var ok bool
	if d.ENI, ok = strings.CutPrefix(prefix, outDrops); ok {
		d.Egress = true
	} else if d.ENI, ok = strings.CutPrefix(prefix, inDrops); !ok {
		return d, false
	}
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return d, false
	}
	d.Protocol = int(packet[9])
	d.From, d.To = netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20]))
	rest := packet[min(len(packet), int(packet[0]&0xf)*4):]
	switch {
	case (d.Protocol == TCP || d.Protocol == UDP) && len(rest) >= 4:
		d.Port = int(binary.BigEndian.Uint16(rest[2:]))
	case d.Protocol == ICMP && len(rest) >= 1:
		d.Port = int(rest[0])
	}
	return d, true
}
