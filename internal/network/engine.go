package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
)

// ErrNotFound is returned for a VPC or an ENI that no Set has told of.
var ErrNotFound = errors.New("network: no such vpc or interface")

// Engine makes VPC values real. Open gives the one of this machine. All methods
// may be called at the same time; calls for one VPC take turns.
type Engine interface {
	// Set makes the host state equal to what Plan says of v, whatever it was
	// before: it creates what is missing, adopts what a former process left,
	// and removes what v no longer has. When it returns nil every rule is in
	// force and every attached ENI's namespace (NetNS) carries traffic. It may
	// be called again with the same value. After an error the state lies
	// between old and new; calling again completes it.
	Set(ctx context.Context, v VPC) error

	// Remove takes a VPC away with all its namespaces and listeners. A VPC that
	// is not there is no error.
	Remove(ctx context.Context, vpcID string) error

	// Keep removes every VPC of this instance that is not named, also those
	// that a former process made. What the named ones have stays, whether they
	// were Set yet or not: a restart calls it once it knows all its VPCs.
	Keep(ctx context.Context, vpcIDs []string) error

	// Purge takes away everything that this instance ever made on the host,
	// and puts back the kernel settings that it changed, unless another needs them.
	Purge(ctx context.Context) error

	// NetNS is the path of the network namespace of an attached ENI, for the
	// container runtime. It exists from Set until Set without the ENI.
	NetNS(eniID string) string

	// Listen opens a stream listener ("tcp4") inside the VPC, on an address of a
	// hosted ENI, one of the well-known addresses, or the wildcard. The wildcard
	// also receives connections to AWS's public addresses where a route leads
	// there. Remove closes it. Errors: ErrNotFound, or what the system says.
	Listen(ctx context.Context, vpcID, network, address string) (net.Listener, error)

	// ListenPacket is Listen for datagrams ("udp4").
	ListenPacket(ctx context.Context, vpcID, network, address string) (net.PacketConn, error)

	// Dialer opens connections as if a process behind the ENI did: its address,
	// its routes, its security groups. Host names are asked of the VPC's resolver, by
	// a query from the same namespace. Errors are *net.OpError as net.Dialer
	// makes them ("dial tcp 10.0.1.9:443: i/o timeout").
	Dialer(eniID string) Dialer

	// DialerFor is Dialer for a node of a network load balancer that opens connections
	// in the name of a client: the target sees the client's address and port, the
	// security groups that judge are the node's, and what comes back comes to us.
	DialerFor(eniID string, client netip.AddrPort) Dialer

	// Counters tells how many packets each rule let pass, and what was dropped.
	Counters(ctx context.Context, vpcID string) (Counters, error)
}

// Dialer opens a connection; its shape is that of http.Transport.DialContext.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Counters are counts since the rule or the interface came, by id. They start
// again at zero when Neargate restarts.
type Counters struct {
	Rules        map[string]Count  // by security group rule id: new connections that it let pass
	EgressDrops  map[string]Count  // by ENI id: what no egress rule of its groups allowed
	IngressDrops map[string]Count  // by ENI id: what no ingress rule of its groups allowed
	ACLEntries   map[ACLRule]Count // packets about which a network ACL's entry decided
	Carried      map[string]Count  // by ENI id of endpoints, load balancers and NAT gateways: what came to them and what they sent, or what passed them
	Spoofed      Count             // sent with an address that the ENI does not have
}

// Count is a number of packets and their bytes.
type Count struct{ Packets, Bytes uint64 }

func (n Count) plus(o Count) Count { return Count{n.Packets + o.Packets, n.Bytes + o.Bytes} }

// add adds a count to what the name of its counter says.
func (c *Counters) add(name string, n Count) {
	if name == spoofed {
		c.Spoofed = c.Spoofed.plus(n)
	} else if eni, ok := strings.CutPrefix(name, outDrops); ok {
		c.EgressDrops[eni] = c.EgressDrops[eni].plus(n)
	} else if eni, ok := strings.CutPrefix(name, inDrops); ok {
		c.IngressDrops[eni] = c.IngressDrops[eni].plus(n)
	} else if eni, ok := strings.CutPrefix(name, carriedBy); ok {
		c.Carried[eni] = c.Carried[eni].plus(n)
	} else if r, ok := parseACLRule(name); ok {
		c.ACLEntries[r] = c.ACLEntries[r].plus(n)
	} else {
		c.Rules[name] = c.Rules[name].plus(n)
	}
}
