package ec2_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/network"
)

func taskSpec(name, subnet string, groups ...string) ec2.InterfaceSpec {
	return ec2.InterfaceSpec{
		Account: "000000000000", Region: "eu-west-1", Name: name, Owner: name, Description: "arn:aws:ecs:eu-west-1:000000000000:attachment/" + name,
		RequesterID: "ecs", SubnetID: subnet, SecurityGroupIDs: groups,
	}
}

func TestATaskGetsOneInterfaceHoweverOftenItAsks(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet := w.subnet(vpc, "10.0.1.0/24")
	w.run()
	one := must(w.service.EnsureInterface(w.ctx, taskSpec("task-1", subnet)))
	again := must(w.service.EnsureInterface(w.ctx, taskSpec("task-1", subnet)))
	if one.ID != again.ID || one.Status != "in-use" || one.PrivateIPAddress != "10.0.1.4" || len(one.SecurityGroupIDs) != 1 {
		t.Errorf("%+v and %+v", one, again)
	}
	if one.NetNS != "/run/netns/"+one.ID || one.Gateway.String() != "10.0.1.1" || one.DNSServers[0].String() != "10.0.0.2" || one.PrivateDNSName != "" {
		t.Errorf("interface %+v", one)
	}
	v, _ := w.engine.vpc(vpc)
	if e, ok := v.ENI(one.ID); !ok || e.Kind != network.Attached || e.IP.String() != "10.0.1.4" {
		t.Errorf("on the host: %+v %v", e, ok)
	}
	if err := w.service.RemoveInterface(w.ctx, one.Account, one.Region, one.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.engine.vpc(vpc); ok {
		t.Error("the VPC is still on the host")
	}
	if err := w.service.RemoveInterface(w.ctx, one.Account, one.Region, one.ID); err != nil {
		t.Errorf("removing again: %v", err)
	}
	if next := must(w.service.EnsureInterface(w.ctx, taskSpec("task-2", subnet))); next.PrivateIPAddress != "10.0.1.5" {
		t.Errorf("%s was used again at once", next.PrivateIPAddress)
	}
}

func TestASubnetRunsOutOfAddresses(t *testing.T) {
	w := newWorld(t)
	subnet := w.subnet(w.vpc("10.0.0.0/16"), "10.0.1.0/28")
	w.run()
	var group sync.WaitGroup
	seen := make(chan string, 11)
	for i := range 11 {
		group.Go(func() {
			n, err := w.service.EnsureInterface(w.ctx, taskSpec("task-"+string(rune('a'+i)), subnet))
			if err != nil {
				t.Error(err)
			}
			seen <- n.PrivateIPAddress
		})
	}
	group.Wait()
	close(seen)
	addresses := map[string]bool{}
	for a := range seen {
		addresses[a] = true
	}
	if len(addresses) != 11 {
		t.Errorf("%d different addresses", len(addresses))
	}
	_, err := w.service.EnsureInterface(w.ctx, taskSpec("one-too-many", subnet))
	fails(t, err, "InsufficientFreeAddressesInSubnet", "enough free addresses")
	n := must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{subnet}})).Subnets[0]
	if *n.AvailableIpAddressCount != 0 {
		t.Errorf("%d addresses are left", *n.AvailableIpAddressCount)
	}
	_, err = w.service.EnsureInterface(w.ctx, taskSpec("x", "subnet-1"))
	fails(t, err, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist")
}

func TestARestartPutsEverythingBack(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet := w.subnet(vpc, "10.0.1.0/24")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.service.Run(ctx) }()
	one := must(w.service.EnsureInterface(w.ctx, taskSpec("task-1", subnet)))
	cancel()
	<-done

	w.engine = newEngine()
	w.service = ec2.New(w.db, w.engine, w.engine.edge(), ec2.Divide(network.DefaultSite("")))
	w.run()
	again := must(w.service.EnsureInterface(w.ctx, taskSpec("task-1", subnet)))
	if again.ID != one.ID || again.MACAddress != one.MACAddress {
		t.Errorf("%s is %s after the restart", one.ID, again.ID)
	}
	if len(w.engine.kept) != 1 || w.engine.kept[0] != vpc {
		t.Errorf("kept %v", w.engine.kept)
	}
}

func TestWhatWasPendingAtACrashIsFinished(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	id := must(w.service.CreateVpcEndpoint(w.ctx, &ec2api.CreateVpcEndpointRequest{VpcId: vpc, ServiceName: "com.amazonaws.eu-west-1.s3"})).VpcEndpoint.VpcEndpointId
	w.run() // the loop did not run before
	eventually(t, func() bool {
		return must(w.service.DescribeVpcEndpoints(w.ctx, &ec2api.DescribeVpcEndpointsRequest{VpcEndpointIds: []string{id}})).VpcEndpoints[0].State == "available"
	})
}

// eventually waits for something that the loop does in the background.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in 5 s")
		}
	}
}

func TestNatGatewayAndElasticAddress(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	public, private := w.subnet(vpc, "10.0.1.0/24"), w.subnet(vpc, "10.0.2.0/24")
	w.run()
	address := must(w.service.AllocateAddress(w.ctx, &ec2api.AllocateAddressRequest{Domain: "vpc"}))
	create := func() (*ec2api.CreateNatGatewayResult, error) {
		return w.service.CreateNatGateway(w.ctx, &ec2api.CreateNatGatewayRequest{SubnetId: public, AllocationId: address.AllocationId})
	}
	failed := func(message string) {
		t.Helper()
		if n := must(create()).NatGateway; n.State != "failed" || n.FailureMessage != message {
			t.Errorf("%s: %s, want %s", n.State, n.FailureMessage, message)
		}
	}
	failed("Network " + vpc + " has no Internet gateway attached")
	gateway := w.attachedGateway(vpc)
	nat := must(create()).NatGateway
	failed("Elastic IP address [" + address.AllocationId + "] is already associated")
	describe := func() ec2api.NatGateway {
		return must(w.service.DescribeNatGateways(w.ctx, &ec2api.DescribeNatGatewaysRequest{NatGatewayIds: []string{nat.NatGatewayId}})).NatGateways[0]
	}
	if got := describe(); got.State != "available" || got.NatGatewayAddresses[0].PublicIp != address.PublicIp {
		t.Errorf("NAT gateway %+v", got)
	}
	table := w.createTable(vpc)
	must(w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: table, SubnetId: private}))
	must(w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: nat.NatGatewayId}))
	view, _ := w.engine.vpc(vpc)
	rt, _ := view.RouteTable(table)
	if len(rt.Routes) != 1 || rt.Routes[0].Target.Kind != network.NATGateway || view.ENIs[0].PublicIP.String() != address.PublicIp {
		t.Errorf("on the host: %+v %+v", rt, view.ENIs)
	}
	err := w.service.DetachInternetGateway(w.ctx, &ec2api.DetachInternetGatewayRequest{InternetGatewayId: gateway, VpcId: vpc})
	fails(t, err, "DependencyViolation", "has some mapped public address(es)")
	err = w.service.ReleaseAddress(w.ctx, &ec2api.ReleaseAddressRequest{AllocationId: address.AllocationId})
	fails(t, err, "InvalidIPAddress.InUse", address.PublicIp)

	must(w.service.DeleteNatGateway(w.ctx, &ec2api.DeleteNatGatewayRequest{NatGatewayId: nat.NatGatewayId}))
	eventually(t, func() bool { return describe().State == "deleted" })
	routes := must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{table}})).RouteTables[0].Routes
	if routes[1].State != "blackhole" {
		t.Errorf("routes %+v", routes)
	}
	if err := w.service.ReleaseAddress(w.ctx, &ec2api.ReleaseAddressRequest{AllocationId: address.AllocationId}); err != nil {
		t.Error(err)
	}
}
