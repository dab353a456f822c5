package rehearsal

import (
	"context"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/why"
)

// Outside is an address of the internet: where names that are not AWS's lead.
const Outside = "203.0.113.10"

// tasksService is the service that assumes the roles of tasks.
const tasksService = "ecs-tasks.amazonaws.com"

// Definition returns the task definition of an ARN.
func (x *Instance) Definition(taskDefinitionARN string) (*state.TaskDefinition, bool) {
	tx := x.db.Read()
	for d := range state.TaskDefinitions.All(tx, state.Prefix(x.Account, x.Region)) {
		if d.ARN() == taskDefinitionARN {
			return d, true
		}
	}
	return nil, false
}

// Node makes a node of a load balancer, which of a network load balancer may have no
// security groups, and returns its id.
func (x *Instance) Node(ctx context.Context, name, subnet string, groups []string, flows bool) (string, error) {
	n, err := x.networks.EnsureInterface(ctx, ec2.InterfaceSpec{
		Account: x.Account, Region: x.Region, Name: name, Owner: name, RequesterID: state.OwnerELB, AttachedTo: state.OwnerELB,
		SubnetID: subnet, SecurityGroupIDs: groups, NetworkBalancer: flows,
	})
	return n.ID, err
}

// Interface makes the network interface of a task and returns its id.
func (x *Instance) Interface(ctx context.Context, name, subnet string, groups []string, public bool) (string, error) {
	n, err := x.networks.EnsureInterface(ctx, ec2.InterfaceSpec{
		Account: x.Account, Region: x.Region, Name: name, Owner: name, RequesterID: "ecs.amazonaws.com",
		SubnetID: subnet, SecurityGroupIDs: groups, AssignPublicIP: public,
	})
	return n.ID, err
}

// Path is the way of a connection that comes about.
type Path struct {
	Endpoint string   // id of the VPC endpoint that it goes through; "" for none
	VPC      string   // where it begins
	Rules    []string // ids of what let it pass, in order
}

// Reach follows a connection from an interface to a host. When it does not come
// about, ok is false and the decision says why, as `neargate why` would.
func (x *Instance) Reach(eni, host string, port int) (p Path, d decision.Decision, ok bool) {
	tx := x.db.Read()
	n, found := state.NetworkInterfaces.Get(tx, state.Key(x.Account, x.Region, eni))
	if !found {
		return p, decision.Decision{}, true
	}
	view, _ := x.networks.VPCView(n.VpcID)
	p.VPC = n.VpcID
	a := why.Attempt{Account: x.Account, Region: x.Region, VPC: view, ENI: eni, Host: host, Port: port}
	if view.DNSSupport {
		a.Addr = netip.MustParseAddr(Outside)
		zone, _ := x.networks.Zone(n.VpcID)
		if answer, known := zone.Lookup(host, mdns.TypeA); known {
			a.Addr, p.Endpoint = netip.Addr{}, answer.Endpoint
			if len(answer.Addrs) > 0 {
				a.Addr = answer.Addrs[0]
			}
		}
	}
	if d, refused := why.Network(tx, x.site, a); refused {
		return p, d, false
	}
	for _, hop := range network.Explain(x.site, view, network.Flow{From: eni, To: a.Addr, Port: port, Protocol: network.TCP}) {
		p.Rules = append(p.Rules, hop.Rule)
		if hop.Kind == network.HopEndpoint {
			p.Endpoint = hop.ID
		}
	}
	return p, d, true
}

// Connect follows a TCP connection between two interfaces. The last hop says
// whether it comes about.
func (x *Instance) Connect(from, to string, port int) []network.Hop {
	tx := x.db.Read()
	a, ok := state.NetworkInterfaces.Get(tx, state.Key(x.Account, x.Region, from))
	b, ok2 := state.NetworkInterfaces.Get(tx, state.Key(x.Account, x.Region, to))
	if !ok || !ok2 {
		return nil
	}
	view, _ := x.networks.VPCView(a.VpcID)
	addr, err := netip.ParseAddr(b.PrivateIPAddress)
	if err != nil {
		return nil
	}
	return network.Explain(x.site, view, network.Flow{From: from, To: addr, Port: port, Protocol: network.TCP})
}

// Assume checks that tasks may have a role and returns ctx as a session of it.
// The error is an *access.NotAssumable.
func (x *Instance) Assume(ctx context.Context, roleARN string) (context.Context, error) {
	source := "arn:aws:ecs:" + x.Region + ":" + x.Account + ":*"
	if err := x.sessions.CanAssume(ctx, x.Account, x.Region, roleARN, tasksService, source); err != nil {
		return nil, err
	}
	role, ok := access.RoleOf(x.db.Read(), roleARN)
	if !ok {
		return nil, &access.NotAssumable{RoleARN: roleARN, Service: tasksService, Reason: access.RoleMissing}
	}
	return caller.With(ctx, caller.Identity{
		Account: x.Account, Region: x.Region, Type: caller.AssumedRole, RoleARN: roleARN, SessionName: "check",
		ARN: "arn:aws:sts::" + x.Account + ":assumed-role/" + role.Name + "/check", UserID: role.ID + ":check", SecureTransport: true,
	}), nil
}

// Through returns ctx for requests that take a path: a VPC endpoint's policy
// has a say in them.
func Through(ctx context.Context, p Path) context.Context {
	id := caller.From(ctx)
	id.SourceVPCE, id.SourceVPC = p.Endpoint, ""
	if p.Endpoint != "" {
		id.SourceVPC = p.VPC
	}
	return caller.With(ctx, id)
}

// May checks one permission of the principal in ctx.
func (x *Instance) May(ctx context.Context, action, resource string) error {
	return x.checker.Check(ctx, action, resource, nil)
}

// Refusal is what the permission check said when it refused last; zero when it
// did not. It is forgotten when it was asked for.
func (x *Instance) Refusal() decision.Decision { return x.refusals.take() }

// Mine reports whether an ARN is of this account and region, as far as it names any.
func (x *Instance) Mine(resource string) bool {
	a, err := arn.Parse(resource)
	return err == nil && (a.Account == "" || a.Account == x.Account) && (a.Region == "" || a.Region == x.Region)
}

// EndpointOf returns the service of a VPC endpoint (ecr.api), "" for none.
func (x *Instance) EndpointOf(id string) string {
	e, ok := state.VpcEndpoints.Get(x.db.Read(), state.Key(x.Account, x.Region, id))
	if !ok {
		return ""
	}
	return strings.TrimPrefix(e.ServiceName, "com.amazonaws."+x.Region+".")
}

// PublicSubnet reports whether the default route of a subnet leads to an
// internet gateway.
func (x *Instance) PublicSubnet(id string) bool {
	tx := x.db.Read()
	s, ok := state.Subnets.Get(tx, state.Key(x.Account, x.Region, id))
	if !ok {
		return false
	}
	view, _ := x.networks.VPCView(s.VpcID)
	subnet, _ := view.Subnet(id)
	table, _ := view.RouteTable(subnet.RouteTable)
	for _, r := range table.Routes {
		if r.Destination.IsValid() && r.Destination.Bits() == 0 && r.Destination.Addr().Is4() && r.Target.Kind == network.InternetGateway {
			return true
		}
	}
	return false
}
