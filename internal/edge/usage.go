package edge

import (
	"maps"
	"sync"

	"golang.org/x/sys/unix"
)

// Usage is what went through an endpoint or a gateway to AWS's services.
type Usage struct {
	Connections uint64
	Bytes       uint64 // both ways, of connections that ended
}

// usages counts by the id of an endpoint or a gateway. The zero value is ready.
type usages struct {
	mu  sync.Mutex
	all map[string]Usage
}

func (u *usages) add(id string, connections, bytes uint64) {
	if id == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[string]Usage{}
	}
	n := u.all[id]
	u.all[id] = Usage{n.Connections + connections, n.Bytes + bytes}
}

// Usage tells what went through each endpoint, internet and NAT gateway to AWS's
// services since this process started.
func (e *Edge) Usage() map[string]Usage {
	e.usage.mu.Lock()
	defer e.usage.mu.Unlock()
	return maps.Clone(e.usage.all)
}

// way is the id of the endpoint or gateway that a connection came through.
func (f Facts) way() string {
	if f.Endpoint != "" {
		return f.Endpoint
	}
	return f.Gateway
}

// Close counts what the connection carried, which the kernel knows.
func (c *conn) Close() error {
	c.closing.Do(func() {
		raw, err := c.SyscallConn()
		if err != nil {
			return
		}
		_ = raw.Control(func(fd uintptr) {
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				c.counted(info.Bytes_acked + info.Bytes_received)
			}
		})
	})
	return c.TCPConn.Close()
}
