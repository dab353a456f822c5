package ec2_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
)

// isolated is a VPC like that of the isolated-VPC templates.
type isolated struct {
	*world
	vpc, table, group string
	subnets           []string
}

func newIsolated(t *testing.T) isolated { return isolate(newWorld(t)) }

// isolate makes the VPC in a world.
func isolate(w *world) isolated {
	i := isolated{world: w, vpc: w.vpc("10.0.0.0/16")}
	on := &ec2api.ModifyVpcAttributeRequest{VpcId: i.vpc, EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: ptr(true)}}
	if err := w.service.ModifyVpcAttribute(w.ctx, on); err != nil {
		w.t.Fatal(err)
	}
	i.table, i.group = w.createTable(i.vpc), w.group(i.vpc, "private-link")
	for _, cidr := range []string{"10.0.128.0/18", "10.0.192.0/18"} {
		id := w.subnet(i.vpc, cidr)
		must(w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: i.table, SubnetId: id}))
		i.subnets = append(i.subnets, id)
	}
	must(w.authorize(i.group, ec2api.IpPermission{IpProtocol: "-1", UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: i.group}}}))
	return i
}

func (i isolated) endpoint(service string) (*ec2api.VpcEndpoint, error) {
	out, err := i.service.CreateVpcEndpoint(i.ctx, &ec2api.CreateVpcEndpointRequest{
		VpcId: i.vpc, VpcEndpointType: "Interface", ServiceName: "com.amazonaws.eu-west-1." + service,
		SubnetIds: i.subnets, SecurityGroupIds: []string{i.group}, PrivateDnsEnabled: ptr(true),
	})
	if err != nil {
		return nil, err
	}
	return out.VpcEndpoint, nil
}

func (i isolated) describe(id string) ec2api.VpcEndpoint {
	return must(i.service.DescribeVpcEndpoints(i.ctx, &ec2api.DescribeVpcEndpointsRequest{VpcEndpointIds: []string{id}})).VpcEndpoints[0]
}

func TestAnInterfaceEndpointHasAnAddressInEachSubnet(t *testing.T) {
	i := newIsolated(t)
	i.run()
	e := must(i.endpoint("ecr.api"))
	if e.State != "pending" || len(e.NetworkInterfaceIds) != 2 || len(e.Groups) != 1 || e.Groups[0].GroupName != "private-link" {
		t.Fatalf("endpoint %+v", e)
	}
	if got := i.describe(e.VpcEndpointId).State; got != "available" {
		t.Errorf("the state is %s once the data plane follows", got)
	}
	interfaces := must(i.service.DescribeNetworkInterfaces(i.ctx, &ec2api.DescribeNetworkInterfacesRequest{Filters: []ec2api.Filter{
		filter("description", "VPC Endpoint Interface "+e.VpcEndpointId), filter("interface-type", "vpc_endpoint"), filter("status", "in-use"), filter("requester-managed", "true"),
	}})).NetworkInterfaces
	if len(interfaces) != 2 || interfaces[0].Attachment.InstanceOwnerId != "amazon-aws" {
		t.Fatalf("interfaces %+v", interfaces)
	}
	var addresses []netip.Addr
	for _, n := range interfaces {
		addresses = append(addresses, netip.MustParseAddr(n.PrivateIpAddress))
	}
	zone, _ := i.service.Zone(i.vpc)
	for _, name := range []string{"api.ecr.eu-west-1.amazonaws.com", e.DnsEntries[0].DnsName} {
		answer, ok := zone.Lookup(name, mdns.TypeA)
		slices.SortFunc(answer.Addrs, netip.Addr.Compare)
		slices.SortFunc(addresses, netip.Addr.Compare)
		if !ok || !slices.Equal(answer.Addrs, addresses) || answer.Endpoint != e.VpcEndpointId {
			t.Errorf("%s: %+v, want %v", name, answer, addresses)
		}
	}
	if !strings.HasSuffix(e.DnsEntries[1].DnsName, "-eu-west-1a.api.ecr.eu-west-1.vpce.amazonaws.com") {
		t.Errorf("names %+v", e.DnsEntries)
	}
	_, err := i.service.DeleteSecurityGroup(i.ctx, &ec2api.DeleteSecurityGroupRequest{GroupId: i.group})
	fails(t, err, "DependencyViolation", i.group)
	err = i.service.DeleteSubnet(i.ctx, &ec2api.DeleteSubnetRequest{SubnetId: i.subnets[0]})
	fails(t, err, "DependencyViolation", "The subnet '"+i.subnets[0]+"' has dependencies and cannot be deleted.")
	err = i.service.DeleteNetworkInterface(i.ctx, &ec2api.DeleteNetworkInterfaceRequest{NetworkInterfaceId: interfaces[0].NetworkInterfaceId})
	fails(t, err, "InvalidParameterValue", "is currently in use.")

	must(i.service.DeleteVpcEndpoints(i.ctx, &ec2api.DeleteVpcEndpointsRequest{VpcEndpointIds: []string{e.VpcEndpointId}}))
	_, err = i.service.DescribeVpcEndpoints(i.ctx, &ec2api.DescribeVpcEndpointsRequest{VpcEndpointIds: []string{e.VpcEndpointId}})
	fails(t, err, "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '"+e.VpcEndpointId+"' does not exist")
	if _, ok := i.engine.vpc(i.vpc); ok {
		t.Error("a VPC without interfaces is still on the host")
	}
	again := must(i.service.DeleteVpcEndpoints(i.ctx, &ec2api.DeleteVpcEndpointsRequest{VpcEndpointIds: []string{e.VpcEndpointId}}))
	if len(again.Unsuccessful) != 1 || again.Unsuccessful[0].Error.Code != "InvalidVpcEndpoint.NotFound" {
		t.Errorf("unsuccessful %+v", again.Unsuccessful)
	}
}

func TestEndpointsDecideWhatATaskReaches(t *testing.T) {
	i := newIsolated(t)
	i.run()
	task := must(i.service.EnsureInterface(i.ctx, taskSpec("task-1", i.subnets[0], i.group)))
	must(i.endpoint("logs"))
	s3 := must(i.service.CreateVpcEndpoint(i.ctx, &ec2api.CreateVpcEndpointRequest{
		VpcId: i.vpc, ServiceName: "com.amazonaws.eu-west-1.s3", RouteTableIds: []string{i.table},
	})).VpcEndpoint
	reaches := func(name string) bool {
		zone, _ := i.service.Zone(i.vpc)
		view, _ := i.service.VPCView(i.vpc)
		answer, _ := zone.Lookup(name, mdns.TypeA)
		site := network.DefaultSite("")
		hops := network.Explain(site, view, network.Flow{From: task.ID, To: answer.Addrs[0], Port: 443, Protocol: network.TCP})
		return hops[len(hops)-1].Pass
	}
	check := func(when string, want map[string]bool) {
		t.Helper()
		for name, ok := range want {
			if got := reaches(name); got != ok {
				t.Errorf("%s: %s is reached: %v", when, name, got)
			}
		}
	}
	const logs, bucket, sts = "logs.eu-west-1.amazonaws.com", "layers.s3.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"
	check("all there", map[string]bool{logs: true, bucket: true, sts: false})
	if err := i.revoke(i.group, ec2api.IpPermission{IpProtocol: "-1", UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: i.group}}}); err != nil {
		t.Fatal(err)
	}
	check("without the ingress rule", map[string]bool{logs: false, bucket: true})
	must(i.service.ModifyVpcEndpoint(i.ctx, &ec2api.ModifyVpcEndpointRequest{VpcEndpointId: s3.VpcEndpointId, RemoveRouteTableIds: []string{i.table}}))
	check("without the route", map[string]bool{bucket: false})
}

func TestEndpointsAreChecked(t *testing.T) {
	i := newIsolated(t)
	must(i.endpoint("logs"))
	_, err := i.endpoint("logs")
	fails(t, err, "InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for logs.eu-west-1.amazonaws.com in the VPC "+i.vpc)
	_, err = i.endpoint("systemsmanager")
	fails(t, err, "InvalidServiceName", "The Vpc Endpoint Service 'com.amazonaws.eu-west-1.systemsmanager' does not exist")
	_, err = i.endpoint("dynamodb")
	fails(t, err, "InvalidParameter", "Endpoint type (Interface) does not match available service types ([Gateway]).")
	gateway := func(service string) error {
		_, err := i.service.CreateVpcEndpoint(i.ctx, &ec2api.CreateVpcEndpointRequest{VpcId: i.vpc, ServiceName: "com.amazonaws.eu-west-1." + service, RouteTableIds: []string{i.table}})
		return err
	}
	fails(t, gateway("logs"), "InvalidParameter", "Endpoint type (Gateway)")
	if err := gateway("s3"); err != nil {
		t.Fatal(err)
	}
	fails(t, gateway("s3"), "RouteAlreadyExists", "route table "+i.table+" already has a route with destination-prefix-list-id pl-6da54004")
	same := i.subnet(i.vpc, "10.0.0.0/24") // comes into the third zone
	more := i.subnet(i.vpc, "10.0.1.0/24") // and this one into the first again
	_, err = i.service.CreateVpcEndpoint(i.ctx, &ec2api.CreateVpcEndpointRequest{
		VpcId: i.vpc, VpcEndpointType: "Interface", ServiceName: "com.amazonaws.eu-west-1.ssm", SubnetIds: append([]string{same, more}, i.subnets...),
	})
	fails(t, err, "DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of")
	plain := i.vpc
	i.vpc = i.world.vpc("10.9.0.0/16")
	i.subnets = nil
	_, err = i.endpoint("ssm")
	fails(t, err, "InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for "+i.vpc)
	_, err = i.service.CreateVpcEndpoint(i.ctx, &ec2api.CreateVpcEndpointRequest{VpcId: plain, ServiceName: "com.amazonaws.eu-west-1.s3", PolicyDocument: "{"})
	fails(t, err, "InvalidPolicyDocument", "Invalid policy document")
}

func TestAnEndpointStaysPendingWhileTheDataPlaneFails(t *testing.T) {
	i := newIsolated(t)
	i.engine.fail(errors.New("no namespace"))
	i.run()
	e := must(i.endpoint("logs"))
	if got := i.describe(e.VpcEndpointId).State; got != "pending" {
		t.Errorf("the state is %s", got)
	}
	if _, err := i.service.EnsureInterface(i.ctx, taskSpec("task-1", i.subnets[0], i.group)); err == nil || !strings.Contains(err.Error(), "no namespace") {
		t.Errorf("the interface of a task: %v", err)
	}
	i.engine.fail(nil)
	must(i.service.EnsureInterface(i.ctx, taskSpec("task-1", i.subnets[0], i.group)))
	if got := i.describe(e.VpcEndpointId).State; got != "available" {
		t.Errorf("the state is %s after the data plane recovered", got)
	}
}

func TestAGatewayEndpointNeedsNoHost(t *testing.T) {
	w := newWorld(t)
	w.run()
	vpc := w.vpc("10.0.0.0/16")
	id := must(w.service.CreateVpcEndpoint(w.ctx, &ec2api.CreateVpcEndpointRequest{VpcId: vpc, ServiceName: "com.amazonaws.eu-west-1.s3"})).VpcEndpoint.VpcEndpointId
	e := must(w.service.DescribeVpcEndpoints(w.ctx, &ec2api.DescribeVpcEndpointsRequest{VpcEndpointIds: []string{id}})).VpcEndpoints[0]
	if e.State != "available" || !strings.Contains(e.PolicyDocument, "2008-10-17") {
		t.Errorf("endpoint %+v", e)
	}
	if _, ok := w.engine.vpc(vpc); ok {
		t.Error("a VPC without interfaces is on the host")
	}
}
