package loadbalancer

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// runFlow carries a connection of a network load balancer as it is.
func (c *session) runFlow(l *live, f *front) {
	c.state.Store(active)
	if c.record.Protocol = f.Protocol; f.Protocol == TCPUDP {
		c.record.Protocol = TCP
	}
	if f.Protocol == TLS && !c.handshake(f) {
		return
	}
	g, m := l.flowTarget(f, c.zone, c.client, c.local)
	if m == nil {
		c.record.Rejected = true
		c.reset()
		return
	}
	hop := Hop{Network: "tcp", Zone: c.zone, Target: m.Target.Addr}
	if g.PreserveClientIP {
		hop.Client = c.client
	}
	c.record.Target, c.record.Group = m.Target.Addr, g.ID
	conn, err := m.reach(c.ctx, hop, c.offered())
	if err != nil {
		c.record.Rejected = true
		_, c.record.TargetTLSFailed = errors.AsType[handshakeError](err)
		c.reset()
		return
	}
	c.tunnelTo(conn, f, g, m)
}

// tunnelTo carries the flow over a connection to its target, until it ends.
func (c *session) tunnelTo(conn net.Conn, f *front, g *group, m *member) {
	defer m.forget(conn)
	if secured, ok := conn.(*tls.Conn); ok {
		c.record.TargetALPN = secured.ConnectionState().NegotiatedProtocol
	}
	t := &tunnel{client: newStream(c.conn), target: newStream(conn), idle: f.IdleTimeout, resets: true}
	if t.idle == 0 {
		t.idle = defaultFlowIdle
	}
	if g.ProxyProtocol && t.target.put(proxyHeader(c.client, c.local)) != nil {
		return
	}
	m.outstanding.Add(1)
	defer m.outstanding.Add(-1)
	end := t.run()
	c.record.Received, c.record.Sent = t.client.in, t.client.out
	c.record.ClientReset, c.record.TargetReset = end.clientReset, end.targetReset
	if end.clientReset || end.targetReset || end.idle {
		c.reset()
	}
}

// offered are the protocols that a target with TLS is offered: the one that the client has chosen.
func (c *session) offered() []string {
	if c.tls == nil || c.tls.NegotiatedProtocol == "" {
		return nil
	}
	return []string{c.tls.NegotiatedProtocol}
}

// reset ends the connection as one that failed.
func (c *session) reset() {
	if l, ok := c.raw.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.raw.Close()
}

// flowTarget chooses the target of a new flow: always the same one for the same
// addresses and ports, as long as it may get flows.
func (l *live) flowTarget(f *front, zone string, client, local netip.AddrPort) (*group, *member) {
	for _, a := range f.Default {
		if a.Type != rule.Forward {
			continue
		}
		id := a.Forward.Pick(int(flowHash("", client, local) % uint64(max(a.Forward.Total(), 1))))
		g := l.groups[id]
		if g == nil {
			return nil, nil
		}
		if g.Stickiness.Type == SourceIP {
			client = netip.AddrPortFrom(client.Addr(), 0)
		}
		var best *member
		highest := uint64(0)
		for _, m := range g.candidates(zone) {
			if h := flowHash(m.name(), client, local); best == nil || h > highest {
				best, highest = m, h
			}
		}
		return g, best
	}
	return nil, nil
}

var hashSeed = maphash.MakeSeed()

func flowHash(target string, client, local netip.AddrPort) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	maphash.WriteComparable(&h, client)
	maphash.WriteComparable(&h, local)
	_, _ = h.WriteString(target)
	return h.Sum64()
}

// endFlows ends the flows to targets that have become unhealthy, where others get
// the new ones.
func (l *live) endFlows() {
	if l.Type != Network {
		return
	}
	for _, g := range l.groups {
		for _, m := range g.members {
			if m.State == Unhealthy && !g.KeepUnhealthyFlows && !g.used(m) {
				m.cut()
			}
		}
	}
}

// used says whether any node sends new flows to m.
func (g *group) used(m *member) bool {
	for _, members := range g.byZone {
		if slices.Contains(members, m) {
			return true
		}
	}
	return false
}

// proxyHeader is the PROXY protocol's header, version 2, of a TCP connection.
func proxyHeader(client, local netip.AddrPort) []byte {
	out := []byte("\r\n\r\n\x00\r\nQUIT\n\x21")
	family := byte(0x11)
	if client.Addr().Is6() {
		family = 0x21
	}
	var body []byte
	body = append(body, client.Addr().AsSlice()...)
	body = append(body, local.Addr().AsSlice()...)
	body = binary.BigEndian.AppendUint16(body, client.Port())
	body = binary.BigEndian.AppendUint16(body, local.Port())
	out = append(out, family)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)))
	return append(out, body...)
}
