package loadbalancer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of UDP.
const (
	maxDatagram = 64 << 10
	maxUDPFlows = 16 << 10 // of one listener at a node
)

// ServePacket is Serve for UDP.
func (s *Server) ServePacket(ctx context.Context, listener, zone string, p net.PacketConn) error {
	ctx, done, ok := s.begin(ctx)
	if !ok {
		return p.Close()
	}
	defer done()
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer stop()
	d := &datagrams{server: s, ctx: ctx, listener: listener, zone: zone, conn: p, flows: map[netip.AddrPort]*udpFlow{}, local: addrPort(p.LocalAddr())}
	d.crowd.server = s
	err := d.run()
	d.crowd.each(dismissed.terminate)
	_ = d.crowd.group.Wait()
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// datagrams is one UDP socket of a listener.
type datagrams struct {
	server   *Server
	ctx      context.Context
	listener string
	zone     string
	conn     net.PacketConn
	local    netip.AddrPort
	crowd    crowd

	mu    sync.Mutex
	flows map[netip.AddrPort]*udpFlow
}

// udpFlow is a client's packets to one target, and the answers.
type udpFlow struct {
	target net.Conn
	client net.Addr
	record ConnectionRecord
}

func (d *datagrams) run() error {
	b := make([]byte, maxDatagram)
	for {
		n, from, err := d.conn.ReadFrom(b)
		if err != nil {
			return err
		}
		f := d.flow(from)
		if f == nil {
			continue // nobody to send it to: lost, as packets are
		}
		_ = f.target.SetReadDeadline(time.Now().Add(defaultUDPIdle))
		d.mu.Lock()
		f.record.Received += int64(n)
		d.mu.Unlock()
		_, _ = f.target.Write(b[:n])
	}
}

// flow finds or begins the flow of a client.
func (d *datagrams) flow(from net.Addr) *udpFlow {
	client := addrPort(from)
	d.mu.Lock()
	f, n := d.flows[client], len(d.flows)
	d.mu.Unlock()
	if f != nil || n >= maxUDPFlows {
		return f
	}
	l := d.server.live.Load()
	front := l.fronts[d.listener]
	if front == nil {
		return nil
	}
	g, m := l.flowTarget(front, d.zone, client, d.local)
	if m == nil {
		return nil
	}
	hop := Hop{Network: "udp", Zone: d.zone, Target: m.Target.Addr}
	if g.PreserveClientIP {
		hop.Client = client
	}
	c, err := m.reach(d.ctx, hop, nil)
	if err != nil {
		return nil
	}
	f = &udpFlow{target: c, client: from, record: ConnectionRecord{
		Listener: d.listener, Zone: d.zone, Protocol: UDP, Client: client, Local: d.local, Target: m.Target.Addr, Group: g.ID, Opened: time.Now(), TraceID: newConnTrace(),
	}}
	d.mu.Lock()
	d.flows[client] = f
	d.mu.Unlock()
	d.crowd.enter(f)
	d.server.zone(d.zone).enter()
	d.crowd.group.Go(func() error {
		defer d.end(f, m)
		d.answers(f)
		return nil
	})
	return f
}

// answers carries a target's packets back until the flow is idle or its target gone.
func (d *datagrams) answers(f *udpFlow) {
	b := takeBuffer(true)
	defer giveBuffer(b)
	_ = f.target.SetReadDeadline(time.Now().Add(defaultUDPIdle))
	for {
		n, err := f.target.Read(b)
		if err != nil {
			return
		}
		_ = f.target.SetReadDeadline(time.Now().Add(defaultUDPIdle))
		d.mu.Lock()
		f.record.Sent += int64(n)
		d.mu.Unlock()
		if _, err := d.conn.WriteTo(b[:n], f.client); err != nil {
			return
		}
	}
}

func (d *datagrams) end(f *udpFlow, m *member) {
	m.forget(f.target)
	d.crowd.exit(f)
	d.server.zone(d.zone).leave()
	d.mu.Lock()
	delete(d.flows, f.record.Client)
	record := f.record
	d.mu.Unlock()
	record.Closed = time.Now()
	if d.server.options.Connection != nil {
		d.server.options.Connection(&record)
	}
}

// dismiss and terminate end a flow: no packet is the last one.
func (f *udpFlow) dismiss()   { f.terminate() }
func (f *udpFlow) terminate() { _ = f.target.Close() }
