package network

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Socket is something that waits for connections or datagrams in the namespace
// of an interface.
type Socket struct {
	Protocol int        // TCP or UDP
	Addr     netip.Addr // what it is bound to; unspecified (0.0.0.0 or ::) for every address
	Port     int
}

// Answers reports whether packets to an address of the interface reach the
// socket: one that is bound to 127.0.0.1 only hears the container itself.
func (s Socket) Answers(a netip.Addr) bool {
	return s.Addr.IsUnspecified() || s.Addr.Unmap() == a.Unmap()
}

// listening is the state of a TCP socket that accepts, unconnected that of a UDP
// socket that takes datagrams from anybody (include/net/tcp_states.h).
const (
	listening   = "0A"
	unconnected = "07"
)

// Sockets lists what listens in the namespace of an attached ENI, by protocol,
// port and address. The error is ErrNotFound for an ENI that has no namespace.
func (k *Kernel) Sockets(eniID string) ([]Socket, error) {
	k.mu.Lock()
	o, ok := k.origins[eniID]
	k.mu.Unlock()
	if !ok || o.bind.IsValid() { // hosted: what listens there is Neargate
		return nil, fmt.Errorf("%w: %s", ErrNotFound, eniID)
	}
	ns, err := openNamespace(o.namespace)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	var all []Socket
	err = o.threads.enter(ns, func() error {
		for _, table := range []struct {
			name, state string
			protocol    int
		}{{"tcp", listening, TCP}, {"tcp6", listening, TCP}, {"udp", unconnected, UDP}, {"udp6", unconnected, UDP}} {
			f, err := os.Open("/proc/thread-self/net/" + table.name)
			if os.IsNotExist(err) { // a kernel without IPv6
				continue
			} else if err != nil {
				return err
			}
			found, err := readSockets(f, table.state, table.protocol)
			_ = f.Close()
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Socket) int {
		return slices.Compare([]int{a.Protocol, a.Port, a.Addr.Compare(b.Addr)}, []int{b.Protocol, b.Port, 0})
	})
	return slices.Compact(all), err
}

// readSockets reads the sockets in a state from one of the kernel's tables.
func readSockets(r io.Reader, state string, protocol int) ([]Socket, error) {
	var all []Socket
	lines := bufio.NewScanner(r)
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != state {
			continue
		}
		addr, port, ok := socketAddr(fields[1])
		if !ok {
			return nil, fmt.Errorf("network: socket address %q", fields[1])
		}
		all = append(all, Socket{Protocol: protocol, Addr: addr, Port: port})
	}
	return all, lines.Err()
}

// socketAddr reads "0100007F:0050": 32-bit words in the machine's byte order, which
// is little-endian wherever Neargate runs, and a port.
func socketAddr(text string) (netip.Addr, int, bool) {
	words, service, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	port, err2 := strconv.ParseUint(service, 16, 16)
	if !ok || err != nil || err2 != nil {
		return netip.Addr{}, 0, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	return addr, int(port), ok
}
