package ec2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// ModifyVpcEndpoint changes the policy, the route tables, the subnets, the
// security groups or private DNS of an endpoint.
func (s *Service) ModifyVpcEndpoint(ctx context.Context, in *ec2api.ModifyVpcEndpointRequest) (*ec2api.ModifyVpcEndpointResult, error) {
	if err := unsupported(in, "VpcEndpointId", "ResetPolicy", "PolicyDocument", "AddRouteTableIds", "RemoveRouteTableIds", "AddSubnetIds", "RemoveSubnetIds",
		"AddSecurityGroupIds", "RemoveSecurityGroupIds", "IpAddressType", "DnsOptions", "PrivateDnsEnabled"); err != nil {
		return nil, err
	}
	if in.IpAddressType != "" && in.IpAddressType != "ipv4" {
		return nil, errUnsupported("The IP address type " + string(in.IpAddressType))
	}
	if err := checkDNSOptions(in.DnsOptions); err != nil {
		return nil, err
	}
	if err := checkPolicy(in.PolicyDocument); err != nil {
		return nil, err
	}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		old, err := get(q, state.VpcEndpoints, kindEndpoint, in.VpcEndpointId)
		if err != nil {
			return err
		}
		e := *old
		switch {
		case wire.Or(in.ResetPolicy, false):
			e.PolicyDocument = ""
		case in.PolicyDocument != "":
			e.PolicyDocument = in.PolicyDocument
		}
		if e.Type == typeGateway {
			err = q.modifyGateway(&e, in)
		} else {
			err = q.modifyInterface(&e, in)
		}
		if err != nil {
			return err
		}
		state.VpcEndpoints.Put(q.tx, &e)
		q.touch(e.VpcID)
		return nil
	})
	yes := true
	return &ec2api.ModifyVpcEndpointResult{Return: &yes}, err
}

func (q *scope) modifyGateway(e *state.VpcEndpoint, in *ec2api.ModifyVpcEndpointRequest) error {
	if len(in.AddSubnetIds)+len(in.RemoveSubnetIds)+len(in.AddSecurityGroupIds)+len(in.RemoveSecurityGroupIds) > 0 || wire.Or(in.PrivateDnsEnabled, false) {
		return errorf("InvalidParameter", "Gateway endpoints have route tables only.")
	}
	for _, id := range in.RemoveRouteTableIds {
		if _, err := get(q, state.RouteTables, kindEndpointTable, id); err != nil {
			return err
		}
	}
	e.RouteTableIDs = without(e.RouteTableIDs, in.RemoveRouteTableIds)
	return q.addTables(e, in.AddRouteTableIds)
}

func (q *scope) modifyInterface(e *state.VpcEndpoint, in *ec2api.ModifyVpcEndpointRequest) error {
	if len(in.AddRouteTableIds)+len(in.RemoveRouteTableIds) > 0 {
		return errorf("InvalidParameter", "Route tables are not supported for Interface endpoints.")
	}
	if err := q.modifyEndpointGroups(e, in.AddSecurityGroupIds, in.RemoveSecurityGroupIds); err != nil {
		return err
	}
	q.removeSubnets(e, in.RemoveSubnetIds)
	if err := q.addSubnets(e, in.AddSubnetIds); err != nil {
		return err
	}
	if in.PrivateDnsEnabled == nil {
		return nil
	}
	if !*in.PrivateDnsEnabled {
		e.PrivateDNSEnabled = false
		return nil
	}
	vpc, err := get(q, state.Vpcs, kindVpc, e.VpcID)
	if err != nil {
		return err
	}
	return q.enablePrivateDNS(e, vpc)
}

// modifyEndpointGroups changes the groups of an endpoint and its interfaces.
func (q *scope) modifyEndpointGroups(e *state.VpcEndpoint, add, remove []string) error {
	groups := unique(append(without(e.SecurityGroupIDs, remove), add...))
	if len(add)+len(remove) == 0 {
		return nil
	}
	if len(groups) == 0 {
		return errorf("InvalidParameter", "An interface endpoint needs at least one security group.")
	}
	if err := q.checkEndpointGroups(e, groups); err != nil {
		return err
	}
	e.SecurityGroupIDs = groups
	for _, id := range e.NetworkInterfaceIDs {
		state.NetworkInterfaces.Update(q.tx, q.key(id), func(n *state.NetworkInterface) { n.SecurityGroupIDs = groups })
	}
	return nil
}

// removeSubnets takes the endpoint's interfaces in subnets away.
func (q *scope) removeSubnets(e *state.VpcEndpoint, subnetIDs []string) {
	var subnets, interfaces []string
	for i, id := range e.SubnetIDs {
		if slices.Contains(subnetIDs, id) {
			q.removeEndpointInterfaces(e.NetworkInterfaceIDs[i : i+1])
			continue
		}
		subnets, interfaces = append(subnets, id), append(interfaces, e.NetworkInterfaceIDs[i])
	}
	e.SubnetIDs, e.NetworkInterfaceIDs = subnets, interfaces
}
