package ec2_test

import (
	"context"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/network"
)

func (w *world) peer(vpc, other string) *ec2api.VpcPeeringConnection {
	w.t.Helper()
	return must(w.service.CreateVpcPeeringConnection(w.ctx, &ec2api.CreateVpcPeeringConnectionRequest{VpcId: vpc, PeerVpcId: other})).VpcPeeringConnection
}

func (w *world) accept(ctx context.Context, id string) error {
	_, err := w.service.AcceptVpcPeeringConnection(ctx, &ec2api.AcceptVpcPeeringConnectionRequest{VpcPeeringConnectionId: id})
	return err
}

func (w *world) peeringStatus(ctx context.Context, id string) string {
	w.t.Helper()
	p := must(w.service.DescribeVpcPeeringConnections(ctx, &ec2api.DescribeVpcPeeringConnectionsRequest{VpcPeeringConnectionIds: []string{id}})).VpcPeeringConnections[0]
	return string(p.Status.Code) + ": " + p.Status.Message
}

func TestPeeringIsAskedForAcceptedAndDeleted(t *testing.T) {
	w := newWorld(t)
	a, b := w.vpc("10.1.0.0/16"), w.vpc("10.2.0.0/16")
	p := w.peer(a, b)
	if p.Status.Code != "pending-acceptance" || p.Status.Message != "Pending Acceptance by 000000000000" || p.ExpirationTime.IsZero() || p.RequesterVpcInfo.CidrBlock != "10.1.0.0/16" {
		t.Errorf("%+v %+v", p, p.Status)
	}
	id := p.VpcPeeringConnectionId
	if again := w.peer(a, b).VpcPeeringConnectionId; again != id {
		t.Errorf("the same request made %s beside %s", again, id)
	}
	table := w.createTable(a)
	must(w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: table, DestinationCidrBlock: "10.2.0.0/16", VpcPeeringConnectionId: id}))
	state := func() string {
		routes := must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{table}})).RouteTables[0].Routes
		return string(routes[1].State)
	}
	if got := state(); got != "blackhole" {
		t.Errorf("a route to what nobody accepted is %s", got)
	}
	w.ok(w.accept(w.ctx, id))
	if got := w.peeringStatus(w.ctx, id); got != "active: Active" || state() != "active" {
		t.Errorf("accepted: %s, route %s", got, state())
	}
	fails(t, w.accept(w.ctx, id), "InvalidStateTransition", "Invalid state transition for "+id+", attempted to transition from active to active")
	_, err := w.service.CreateVpcPeeringConnection(w.ctx, &ec2api.CreateVpcPeeringConnectionRequest{VpcId: b, PeerVpcId: a})
	fails(t, err, "VpcPeeringConnectionAlreadyExists", id)
	must(w.service.DeleteVpcPeeringConnection(w.ctx, &ec2api.DeleteVpcPeeringConnectionRequest{VpcPeeringConnectionId: id}))
	if got := w.peeringStatus(w.ctx, id); got != "deleted: Deleted by 000000000000" || state() != "blackhole" {
		t.Errorf("deleted: %s, route %s", got, state())
	}
	for _, other := range []string{w.vpc("10.1.128.0/20"), "vpc-0123456789abcdef0", a} {
		if p := w.peer(a, other); p.Status.Code != "failed" || p.Status.Message != "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range" {
			t.Errorf("with %s: %+v", other, p.Status)
		}
	}
	_, err = w.service.DescribeVpcPeeringConnections(w.ctx, &ec2api.DescribeVpcPeeringConnectionsRequest{VpcPeeringConnectionIds: []string{"pcx-0123456789abcdef0"}})
	fails(t, err, "InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID 'pcx-0123456789abcdef0' does not exist")
}

// The other side is another account in another region: only it may accept, and
// each has tags of its own.
func TestPeeringAcrossAccounts(t *testing.T) {
	w := newWorld(t)
	theirs := caller.With(t.Context(), caller.ForRoot("111111111111", "us-east-1"))
	a := w.vpc("10.1.0.0/16")
	b := must(w.service.CreateVpc(theirs, &ec2api.CreateVpcRequest{CidrBlock: "10.2.0.0/16"})).Vpc.VpcId
	p := must(w.service.CreateVpcPeeringConnection(w.ctx, &ec2api.CreateVpcPeeringConnectionRequest{
		VpcId: a, PeerVpcId: b, PeerOwnerId: "111111111111", PeerRegion: "us-east-1",
		TagSpecifications: []ec2api.TagSpecification{{ResourceType: "vpc-peering-connection", Tags: []ec2api.Tag{{Key: "Side", Value: "a"}}}},
	})).VpcPeeringConnection
	if p.AccepterVpcInfo.CidrBlock != "" || p.AccepterVpcInfo.Region != "us-east-1" {
		t.Errorf("before they accept: %+v", p.AccepterVpcInfo)
	}
	fails(t, w.accept(w.ctx, p.VpcPeeringConnectionId), "OperationNotPermitted", "User 000000000000 cannot accept peering "+p.VpcPeeringConnectionId)
	w.ok(w.accept(theirs, p.VpcPeeringConnectionId))
	w.ok(w.service.CreateTags(theirs, &ec2api.CreateTagsRequest{Resources: []string{p.VpcPeeringConnectionId}, Tags: []ec2api.Tag{{Key: "Side", Value: "b"}}}))
	for value, ctx := range map[string]context.Context{"a": w.ctx, "b": theirs} {
		found := must(w.service.DescribeVpcPeeringConnections(ctx, &ec2api.DescribeVpcPeeringConnectionsRequest{Filters: []ec2api.Filter{filter("tag:Side", value), filter("status-code", "active")}})).VpcPeeringConnections
		if len(found) != 1 || found[0].AccepterVpcInfo.CidrBlock != "10.2.0.0/16" {
			t.Errorf("as side %s: %+v", value, found)
		}
	}
	elsewhere := caller.With(t.Context(), caller.ForRoot("222222222222", "us-east-1"))
	_, err := w.service.DeleteVpcPeeringConnection(elsewhere, &ec2api.DeleteVpcPeeringConnectionRequest{VpcPeeringConnectionId: p.VpcPeeringConnectionId})
	fails(t, err, "InvalidVpcPeeringConnectionID.NotFound", p.VpcPeeringConnectionId)
	_, err = w.service.ModifyVpcPeeringConnectionOptions(w.ctx, &ec2api.ModifyVpcPeeringConnectionOptionsRequest{
		VpcPeeringConnectionId: p.VpcPeeringConnectionId, AccepterPeeringConnectionOptions: &ec2api.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: ptr(true)},
	})
	fails(t, err, "OperationNotPermitted", b)
	w.ok(w.service.DeleteVpc(theirs, &ec2api.DeleteVpcRequest{VpcId: b}))
	if got := w.peeringStatus(w.ctx, p.VpcPeeringConnectionId); got != "deleted: Deleted by 111111111111" {
		t.Errorf("after their VPC went: %s", got)
	}
}

// The data plane knows of a peering while both VPCs have interfaces.
func TestPeeringReachesTheDataPlane(t *testing.T) {
	w := newWorld(t)
	w.run()
	a, b := w.vpc("10.1.0.0/16"), w.vpc("10.2.0.0/16")
	id := w.peer(a, b).VpcPeeringConnectionId
	w.ok(w.accept(w.ctx, id))
	w.ok(w.service.ModifyVpcAttribute(w.ctx, &ec2api.ModifyVpcAttributeRequest{VpcId: b, EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: ptr(true)}}))
	one := must(w.service.EnsureInterface(w.ctx, taskSpec("a", w.subnet(a, "10.1.0.0/24"))))
	sees := func() network.Peering {
		v, _ := w.engine.vpc(a)
		if len(v.Peerings) != 1 {
			t.Fatalf("peerings %+v", v.Peerings)
		}
		return v.Peerings[0]
	}
	if p := sees(); p.Present || p.VPC != b || p.CIDRs[0].String() != "10.2.0.0/16" {
		t.Errorf("without an interface: %+v", p)
	}
	spec := taskSpec("b", w.subnet(b, "10.2.0.0/24"))
	spec.AssignPublicIP = true
	two := must(w.service.EnsureInterface(w.ctx, spec))
	w.eventually(func() bool { return sees().Present })
	zone, _ := w.service.Zone(a)
	if _, ok := zone.Hosts[two.PublicDNSName]; ok || two.PublicDNSName == "" {
		t.Errorf("%q resolves without being allowed", two.PublicDNSName)
	}
	must(w.service.ModifyVpcPeeringConnectionOptions(w.ctx, &ec2api.ModifyVpcPeeringConnectionOptionsRequest{
		VpcPeeringConnectionId: id, AccepterPeeringConnectionOptions: &ec2api.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: ptr(true)},
	}))
	zone, _ = w.service.Zone(a)
	if got := zone.Hosts[two.PublicDNSName]; len(got) != 1 || got[0].String() != two.PrivateIPAddress {
		t.Errorf("%s resolves to %v", two.PublicDNSName, got)
	}
	w.ok(w.service.RemoveInterface(w.ctx, two.Account, two.Region, two.ID))
	w.eventually(func() bool { return !sees().Present })
	w.ok(w.service.RemoveInterface(w.ctx, one.Account, one.Region, one.ID))
}

// Rules name groups of a peered VPC; what they mean for packets follows who
// carries them, and they are stale when the group or the connection is gone.
func TestPeeredGroups(t *testing.T) {
	w := newWorld(t)
	theirs := caller.With(t.Context(), caller.ForRoot("111111111111", "eu-west-1"))
	a := w.vpc("10.1.0.0/16")
	b := must(w.service.CreateVpc(theirs, &ec2api.CreateVpcRequest{CidrBlock: "10.2.0.0/16"})).Vpc.VpcId
	own := must(w.service.CreateSecurityGroup(w.ctx, &ec2api.CreateSecurityGroupRequest{GroupName: "web", Description: "web", VpcId: a})).GroupId
	client := must(w.service.CreateSecurityGroup(theirs, &ec2api.CreateSecurityGroupRequest{GroupName: "client", Description: "client", VpcId: b})).GroupId
	permission := []ec2api.IpPermission{{IpProtocol: "tcp", FromPort: ptr(int32(80)), ToPort: ptr(int32(80)), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: client, UserId: "111111111111", Description: "from there"}}}}
	authorize := func() error {
		_, err := w.service.AuthorizeSecurityGroupIngress(w.ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: own, IpPermissions: permission})
		return err
	}
	fails(t, authorize(), "InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
	p := must(w.service.CreateVpcPeeringConnection(w.ctx, &ec2api.CreateVpcPeeringConnectionRequest{VpcId: a, PeerVpcId: b, PeerOwnerId: "111111111111"})).VpcPeeringConnection.VpcPeeringConnectionId
	w.ok(w.accept(theirs, p))
	w.ok(authorize())
	pair := must(w.service.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{own}})).SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0]
	if want := (ec2api.UserIdGroupPair{GroupId: client, UserId: "111111111111", VpcId: b, VpcPeeringConnectionId: p, PeeringStatus: "active", Description: "from there"}); pair != want {
		t.Errorf("the rule names %+v, want %+v", pair, want)
	}
	references := func() []ec2api.SecurityGroupReference {
		return must(w.service.DescribeSecurityGroupReferences(theirs, &ec2api.DescribeSecurityGroupReferencesRequest{GroupId: []string{client}})).SecurityGroupReferenceSet
	}
	if got := references(); len(got) != 1 || got[0] != (ec2api.SecurityGroupReference{GroupId: client, ReferencingVpcId: a, VpcPeeringConnectionId: p}) {
		t.Errorf("references: %+v", got)
	}

	subnet := must(w.service.CreateSubnet(theirs, &ec2api.CreateSubnetRequest{VpcId: b, CidrBlock: "10.2.0.0/24"})).Subnet.SubnetId
	eni := must(w.service.CreateNetworkInterface(theirs, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet, Groups: []string{client}})).NetworkInterface
	members := func() []network.PeerGroup {
		t.Helper()
		v, ok := w.service.VPCView(a)
		if !ok {
			t.Fatal("no view")
		}
		return v.PeerGroups
	}
	if got := members(); len(got) != 1 || got[0].ID != client || len(got[0].Members) != 1 || got[0].Members[0].String() != eni.PrivateIpAddress {
		t.Errorf("the group over there: %+v, want %s", got, eni.PrivateIpAddress)
	}

	stale := func() []ec2api.StaleSecurityGroup {
		return must(w.service.DescribeStaleSecurityGroups(w.ctx, &ec2api.DescribeStaleSecurityGroupsRequest{VpcId: a})).StaleSecurityGroupSet
	}
	if got := stale(); len(got) != 0 {
		t.Errorf("stale too early: %+v", got)
	}
	must(w.service.DeleteVpcPeeringConnection(w.ctx, &ec2api.DeleteVpcPeeringConnectionRequest{VpcPeeringConnectionId: p}))
	got := stale()
	if len(got) != 1 || got[0].GroupId != own || len(got[0].StaleIpPermissions) != 1 || *got[0].StaleIpPermissions[0].FromPort != 80 || got[0].StaleIpPermissions[0].UserIdGroupPairs[0].PeeringStatus != "deleted" || len(members()) != 0 {
		t.Errorf("after the end of the connection: %+v, members %v", got, members())
	}
	w.ok(w.service.DeleteNetworkInterface(theirs, &ec2api.DeleteNetworkInterfaceRequest{NetworkInterfaceId: eni.NetworkInterfaceId}))
	must(w.service.DeleteSecurityGroup(theirs, &ec2api.DeleteSecurityGroupRequest{GroupId: client})) // stale rules do not keep it
	must(w.service.RevokeSecurityGroupIngress(w.ctx, &ec2api.RevokeSecurityGroupIngressRequest{GroupId: own, IpPermissions: permission}))
	if got := stale(); len(got) != 0 {
		t.Errorf("revoked, and still stale: %+v", got)
	}
}
