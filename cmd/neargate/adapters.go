package main

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ecs/agent"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/why"
)

// Services do not import services. What one needs of another is an interface
// that it declares; these types satisfy such interfaces.

// interfaces makes the network interfaces of tasks with EC2.
type interfaces struct{ ec2 *ec2.Service }

func (i interfaces) EnsureInterface(ctx context.Context, spec agent.InterfaceSpec) (agent.Interface, error) {
	n, err := i.ec2.EnsureInterface(ctx, ec2.InterfaceSpec{
		Account: spec.Account, Region: spec.Region, Name: spec.Name, Owner: spec.TaskID, Description: spec.Description,
		RequesterID: "ecs.amazonaws.com", SubnetID: spec.SubnetID, SecurityGroupIDs: spec.SecurityGroups, AssignPublicIP: spec.AssignPublicIP, AssignIPv6: spec.AssignIPv6,
	})
	if err != nil {
		return agent.Interface{}, err
	}
	ip, err := netip.ParseAddr(n.PrivateIPAddress)
	if err != nil {
		return agent.Interface{}, err
	}
	ip6, _ := netip.ParseAddr(n.IPv6Address)
	return agent.Interface{
		IPv6: ip6, SubnetIPv6CIDR: n.SubnetIPv6CIDR,
		ID: n.ID, VpcID: n.VpcID, MAC: n.MACAddress, NetNS: n.NetNS, IP: ip, SubnetCIDR: n.SubnetCIDR, Gateway: n.Gateway, DNSServers: n.DNSServers,
		SearchDomain: n.SearchDomain, PrivateDNSName: n.PrivateDNSName, HostnameInVPC: n.HostName, AvailabilityAZs: n.AvailabilityZone,
	}, nil
}

func (i interfaces) RemoveInterface(ctx context.Context, account, region, id string) error {
	return i.ec2.RemoveInterface(ctx, account, region, id)
}

// localBlobs opens blobs that are on this machine.
type localBlobs struct{ *blob.Store }

func (b localBlobs) OpenBlob(d digest.Digest) (io.ReadCloser, error) { return b.Open(d) }

// diagnose lets the agent ask why a connection did not come about.
func diagnose(db *store.DB, site network.Site, networks *ec2.Service, engine *network.Kernel) agent.Diagnose {
	return func(_ context.Context, account, region, eni, host, address string) agent.Diagnosis {
		tx := db.Read()
		name, port := splitPort(host, 443)
		view, ok := networks.VPCView(vpcOfInterface(tx, account, region, eni))
		if !ok {
			return agent.Diagnosis{}
		}
		attempt := why.Attempt{Account: account, Region: region, VPC: view, ENI: eni, Host: name, Port: port}
		if addr, err := netip.ParseAddrPort(address); err == nil {
			attempt.Addr, attempt.Port = addr.Addr(), int(addr.Port())
		} else if addr, err := netip.ParseAddr(address); err == nil {
			attempt.Addr = addr
		}
		attempt.Drops = engine.Drops(eni)
		if target, ok := view.ENIByIP(attempt.Addr); ok {
			attempt.Drops = append(attempt.Drops, engine.Drops(target.ID)...)
		}
		d, ok := why.Network(tx, site, attempt)
		if !ok {
			return agent.Diagnosis{}
		}
		return agent.Diagnosis{Code: d.Code, Cause: d.Cause, Where: d.Where, Resource: d.Resource, Facts: d.Facts, Fix: d.Fix}
	}
}

// listening lists what listens for TCP connections in an interface's namespace.
func listening(engine *network.Kernel) func(eni string) []netip.AddrPort {
	return func(eni string) []netip.AddrPort {
		sockets, err := engine.Sockets(eni)
		if err != nil {
			return nil // the interface is gone
		}
		var out []netip.AddrPort
		for _, s := range sockets {
			if s.Protocol == network.TCP {
				out = append(out, netip.AddrPortFrom(s.Addr, uint16(s.Port)))
			}
		}
		return out
	}
}

func splitPort(host string, otherwise int) (string, int) {
	name, text, err := net.SplitHostPort(host)
	if err != nil {
		return host, otherwise
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return name, otherwise
	}
	return name, port
}

// vpcOfInterface returns the id of the VPC that an interface is in.
func vpcOfInterface(tx *store.Tx, account, region, eni string) string {
	n, ok := state.NetworkInterfaces.Get(tx, state.Key(account, region, eni))
	if !ok {
		return ""
	}
	return n.VpcID
}

// logLines reads log groups for package why.
type logLines struct{ logs *logs.Service }

// LastLines implements why.Logs.
func (l logLines) LastLines(account, region, group, stream string, n int) []string {
	ctx := caller.With(context.Background(), caller.ForRoot(account, region))
	limit := int32(n)
	page, err := l.logs.GetLogEvents(ctx, &logsapi.GetLogEventsRequest{LogGroupName: group, LogStreamName: stream, Limit: &limit})
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range page.Events {
		out = append(out, e.Message)
	}
	return out
}

// validResourcePolicy says what is wrong with a resource-based policy.
func validResourcePolicy(document string) error {
	_, err := policy.Parse(document, policy.Resource)
	return err
}

// trusted is what the agent trusts: the machine's roots and ours. Reading the
// machine's takes long, so it waits for the first task.
func trusted(authority *pki.Authority, log *slog.Logger) func() *x509.CertPool {
	return sync.OnceValue(func() *x509.CertPool {
		roots, err := x509.SystemCertPool()
		if err != nil {
			log.Warn("the machine's certificates cannot be read: registries outside are not trusted", "error", err)
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(authority.PEM())
		return roots
	})
}
