package elbv2

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/s3api"
)

// Plane is what load balancers are made of on this machine.
type Plane struct {
	Nodes Nodes
	// Listen opens a listener on an address of a node, inside its VPC.
	Listen func(ctx context.Context, vpcID, network, address string) (net.Listener, error)
	// Dial opens a connection from a node.
	Dial func(ctx context.Context, interfaceID, network, address string) (net.Conn, error)
	// DialFor opens a connection from a node of a network load balancer in the name of
	// a client, whose address the target sees.
	DialFor func(ctx context.Context, interfaceID string, client netip.AddrPort, network, address string) (net.Conn, error)
	// ListenPacket is Listen for datagrams.
	ListenPacket func(ctx context.Context, vpcID, network, address string) (net.PacketConn, error)
	// Key protects cookies of stickiness and of sessions, and signs what targets are told of
	// users: 32 bytes that outlive a restart.
	Key []byte
	// Roots are the authorities that identity providers' certificates may be of.
	Roots func() *x509.CertPool
	// Spool is a folder for lines of logs that are not delivered yet; empty: a crash
	// takes them away.
	Spool string
	// Renamed is told when the addresses of load balancers changed; nil for nobody.
	Renamed func()
	// S3 takes access logs, called as the service on behalf of a load balancer.
	S3 s3api.API
}

// Nodes makes the network interfaces of load balancers. cmd/neargate gives EC2's.
type Nodes interface {
	// EnsureNode makes a node, or finds the one of the same name, and returns when it
	// carries traffic.
	EnsureNode(ctx context.Context, spec NodeSpec) (Node, error)
	// SetGroups gives a node other security groups.
	SetGroups(ctx context.Context, account, region, interfaceID string, groups []string) error
	// RemoveNode takes a node away; one that is not there is no error.
	RemoveNode(ctx context.Context, account, region, interfaceID string) error
}

// NodeSpec asks for a node of a load balancer.
type NodeSpec struct {
	Account, Region, Name, Owner, Description, SubnetID string

	SecurityGroups []string
	Public         bool

	// Of a network load balancer, which may have no security groups and may be given
	// an elastic address, or a private one.
	Network               bool
	AllocationID, Address string
}

// Node is a network interface of a load balancer.
type Node struct{ InterfaceID, PrivateIP, PublicIP string }
