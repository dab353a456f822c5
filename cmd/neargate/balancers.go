package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"

	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/why"
)

// balancerPlane gives load balancers their nodes and sockets: interfaces of EC2,
// served in the namespaces of VPCs.
func balancerPlane(networks *ec2.Service, engine *network.Kernel, key []byte, gate wire.Invoker, roots func() *x509.CertPool, spool string) *elbv2.Plane {
	return &elbv2.Plane{
		Nodes: nodes{networks}, Listen: engine.Listen, Key: key, Renamed: networks.Refresh, S3: s3api.NewClient(gate), Roots: roots, Spool: spool,
		Dial: func(ctx context.Context, interfaceID, network, address string) (net.Conn, error) {
			return engine.Dialer(interfaceID)(ctx, network, address)
		},
		DialFor: func(ctx context.Context, interfaceID string, client netip.AddrPort, network, address string) (net.Conn, error) {
			return engine.DialerFor(interfaceID, client)(ctx, network, address)
		},
		ListenPacket: engine.ListenPacket,
	}
}

// listenerCertificates finds certificates of ACM for listeners, which take those of
// their own account and region only.
func listenerCertificates(managed *acm.Service) func(account, region, name string) (elbv2.Certificate, error) {
	return func(account, region, name string) (elbv2.Certificate, error) {
		a, err := arn.Parse(name)
		if err != nil {
			return elbv2.Certificate{}, err
		}
		if a.Service != "acm" || a.Account != account || a.Region != region {
			return elbv2.Certificate{}, fmt.Errorf("%s is no certificate of account %s in %s", name, account, region)
		}
		leaf, err := managed.TLS(name)
		if err != nil {
			return elbv2.Certificate{}, err
		}
		return elbv2.Certificate{Leaf: *leaf, Issued: true}, nil
	}
}

// nodes makes the network interfaces of load balancers with EC2.
type nodes struct{ ec2 *ec2.Service }

func (n nodes) EnsureNode(ctx context.Context, spec elbv2.NodeSpec) (elbv2.Node, error) {
	made, err := n.ec2.EnsureInterface(ctx, ec2.InterfaceSpec{
		Account: spec.Account, Region: spec.Region, Name: spec.Name, Owner: spec.Owner, Description: spec.Description, RequesterID: state.OwnerELB, AttachedTo: state.OwnerELB,
		SubnetID: spec.SubnetID, SecurityGroupIDs: spec.SecurityGroups, AssignPublicIP: spec.Public,
		NetworkBalancer: spec.Network, AllocationID: spec.AllocationID, PrivateIPAddress: spec.Address,
	})
	return elbv2.Node{InterfaceID: made.ID, PrivateIP: made.PrivateIPAddress, PublicIP: made.PublicIPAddress}, err
}

func (n nodes) SetGroups(ctx context.Context, account, region, interfaceID string, groups []string) error {
	return n.ec2.SetInterfaceGroups(ctx, account, region, interfaceID, groups)
}

func (n nodes) RemoveNode(ctx context.Context, account, region, interfaceID string) error {
	return n.ec2.RemoveInterface(ctx, account, region, interfaceID)
}

// unwellTargets describes the targets that fail their health checks, as
// `neargate status` shows them.
func unwellTargets(tx *store.Tx) []string {
	var out []string
	for t := range state.Targets.All(tx, "") {
		if g, ok := state.TargetGroups.Get(tx, state.Key(t.Account, t.Region, t.Group)); ok && t.Health == state.TargetUnhealthy {
			out = append(out, fmt.Sprintf("%s of target-group/%s: %s, %s", why.CheckAddress(g, t), g.Name, t.Reason, t.Description))
		}
	}
	return out
}
