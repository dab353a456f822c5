package ec2

import (
	"cmp"
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// deletedFor is how long AWS lists a NAT gateway that was deleted or has failed.
const deletedFor = time.Hour

var natGatewayResource = resource[state.NatGateway]{
	table: state.NatGateways, kind: kindNatGateway,
	id:   func(n *state.NatGateway) string { return n.ID },
	tags: func(n *state.NatGateway) []state.Tag { return n.Tags },
	fields: fields[state.NatGateway]{
		"nat-gateway-id": func(_ *scope, n *state.NatGateway) []string { return one(n.ID) },
		"state":          func(_ *scope, n *state.NatGateway) []string { return one(n.State) },
		"subnet-id":      func(_ *scope, n *state.NatGateway) []string { return one(n.SubnetID) },
		"vpc-id":         func(_ *scope, n *state.NatGateway) []string { return one(n.VpcID) },
	},
}

// alive reports whether routes to the NAT gateway lead somewhere.
func alive(n *state.NatGateway) bool { return n.State == "pending" || n.State == "available" }

// CreateNatGateway makes a NAT gateway with an elastic address, or a private one.
// As on AWS it fails afterwards, in its state, when the address is taken or the
// VPC has no internet gateway.
func (s *Service) CreateNatGateway(ctx context.Context, in *ec2api.CreateNatGatewayRequest) (*ec2api.CreateNatGatewayResult, error) {
	if err := unsupported(in, "AllocationId", "ClientToken", "SubnetId", "TagSpecifications", "ConnectivityType", "PrivateIpAddress", "AvailabilityMode"); err != nil {
		return nil, err
	}
	private := in.ConnectivityType == "private"
	switch {
	case in.AvailabilityMode != "" && in.AvailabilityMode != "zonal":
		return nil, errUnsupported("The availability mode " + string(in.AvailabilityMode))
	case in.SubnetId == "":
		return nil, errMissing("subnetId")
	case private && in.AllocationId != "":
		return nil, errorf("InvalidParameterCombination", "The parameter allocationId cannot be used with a private NAT gateway")
	case !private && in.AllocationId == "":
		return nil, errMissing("allocationId")
	}
	var out ec2api.CreateNatGatewayResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		if made, ok := q.natByToken(in.ClientToken); ok {
			out.NatGateway, out.ClientToken = natGatewayOut(made), in.ClientToken
			return nil
		}
		nat, err := q.makeNatGateway(in)
		if err != nil {
			return err
		}
		out.NatGateway, out.ClientToken = natGatewayOut(nat), in.ClientToken
		return nil
	})
	return &out, err
}

func (q *scope) natByToken(token string) (*state.NatGateway, bool) {
	for n := range state.NatGateways.All(q.tx, q.prefix()) {
		if token != "" && n.ClientToken == token {
			return n, true
		}
	}
	return nil, false
}

func (q *scope) makeNatGateway(in *ec2api.CreateNatGatewayRequest) (*state.NatGateway, error) {
	subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
	if err != nil {
		return nil, err
	}
	if err := q.roomForNAT(subnet); err != nil {
		return nil, err
	}
	tags, err := specifiedTags(q, in.TagSpecifications, "natgateway")
	if err != nil {
		return nil, err
	}
	nat := &state.NatGateway{
		Account: q.account, Region: q.region, ID: ids.New("nat"), VpcID: subnet.VpcID, SubnetID: subnet.ID,
		ConnectivityType: cmp.Or(string(in.ConnectivityType), "public"), State: "pending", ClientToken: in.ClientToken, CreatedAt: q.now, Tags: tags,
	}
	var elastic *state.Address
	if in.AllocationId != "" {
		if elastic, err = get(q, state.Addresses, kindAllocation, in.AllocationId); err != nil {
			return nil, err
		}
		nat.AllocationID, nat.PublicIP = elastic.AllocationID, elastic.PublicIP
		if nat.FailureCode, nat.FailureMessage = q.natFailure(elastic, subnet.VpcID); nat.FailureCode != "" {
			nat.State, nat.DeletedAt = "failed", q.now
			state.NatGateways.Put(q.tx, nat)
			return nat, nil
		}
	}
	n, err := q.makeInterface(newInterface{
		subnet: subnet, address: in.PrivateIpAddress, name: nat.ID, owner: nat.ID, description: "Interface for NAT Gateway " + nat.ID,
		interfaceType: state.InterfaceTypeNAT, requester: requesterNAT, attachment: q.attach("ela-attach", ownerAWS, 1), status: "pending",
	})
	if err != nil {
		return nil, err
	}
	// A NAT gateway has no security group.
	state.NetworkInterfaces.Update(q.tx, n.Key(), func(n *state.NetworkInterface) { n.SecurityGroupIDs = nil })
	nat.NetworkInterfaceID, nat.PrivateIPAddress = n.ID, n.PrivateIPAddress
	if elastic != nil {
		nat.AssociationID = q.associateAddress(elastic, n)
	}
	state.NatGateways.Put(q.tx, nat)
	return nat, nil
}

// roomForNAT checks the quota of a subnet, and forgets gateways that are no
// longer listed.
func (q *scope) roomForNAT(subnet *state.Subnet) error {
	n := 1
	for nat := range state.NatGateways.By(q.tx, "subnet", subnet.Key()) {
		switch {
		case alive(nat):
			n++
		case !q.listed(nat):
			state.NatGateways.Delete(q.tx, nat.Key())
		}
	}
	return quotaNatGateways.allows(n)
}

// listed reports whether a NAT gateway is still shown.
func (q *scope) listed(n *state.NatGateway) bool {
	gone := n.State == "deleted" || n.State == "failed"
	return !gone || q.now.Sub(n.DeletedAt) < deletedFor
}

// natFailure tells why a NAT gateway cannot have an elastic address; the code is
// "" when it can.
func (q *scope) natFailure(a *state.Address, vpcID string) (code, message string) {
	switch {
	case a.AssociationID != "":
		return "Resource.AlreadyAssociated", "Elastic IP address [" + a.AllocationID + "] is already associated"
	case !exists(state.InternetGateways.By(q.tx, "vpc", q.key(vpcID))):
		return "Gateway.NotAttached", "Network " + vpcID + " has no Internet gateway attached"
	}
	return "", ""
}

func natGatewayOut(n *state.NatGateway) *ec2api.NatGateway {
	primary := true
	status := "succeeded"
	switch n.State {
	case "pending":
		status = "associating"
	case "failed":
		status = "failed"
	}
	return &ec2api.NatGateway{
		NatGatewayId: n.ID, VpcId: n.VpcID, SubnetId: n.SubnetID, State: ec2api.NatGatewayState(n.State),
		ConnectivityType: ec2api.ConnectivityType(n.ConnectivityType), CreateTime: n.CreatedAt, DeleteTime: n.DeletedAt, Tags: apiTags(n.Tags),
		FailureCode: n.FailureCode, FailureMessage: n.FailureMessage,
		NatGatewayAddresses: []ec2api.NatGatewayAddress{{
			AllocationId: n.AllocationID, AssociationId: n.AssociationID, NetworkInterfaceId: n.NetworkInterfaceID,
			PrivateIp: n.PrivateIPAddress, PublicIp: n.PublicIP, IsPrimary: &primary, Status: ec2api.NatGatewayAddressStatus(status),
		}},
	}
}

// DescribeNatGateways lists NAT gateways, deleted ones for an hour too.
func (s *Service) DescribeNatGateways(ctx context.Context, in *ec2api.DescribeNatGatewaysRequest) (*ec2api.DescribeNatGatewaysResult, error) {
	var out ec2api.DescribeNatGatewaysResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, natGatewayResource, query{in.NatGatewayIds, "natGatewayIds", in.Filter, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.NatGateways = []ec2api.NatGateway{}
		for _, n := range found {
			if q.listed(n) {
				out.NatGateways = append(out.NatGateways, *natGatewayOut(n))
			}
		}
		return err
	})
	return &out, err
}

// DeleteNatGateway deletes a NAT gateway; routes to it turn into black holes,
// and its elastic address is free once the data plane has let go.
func (s *Service) DeleteNatGateway(ctx context.Context, in *ec2api.DeleteNatGatewayRequest) (*ec2api.DeleteNatGatewayResult, error) {
	out := ec2api.DeleteNatGatewayResult{NatGatewayId: in.NatGatewayId}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		nat, err := get(q, state.NatGateways, kindNatGateway, in.NatGatewayId)
		if err != nil {
			return err
		}
		switch {
		case nat.State == "failed":
			state.NatGateways.Update(q.tx, nat.Key(), func(n *state.NatGateway) { n.State, n.DeletedAt = "deleted", q.now })
		case alive(nat):
			state.NatGateways.Update(q.tx, nat.Key(), func(n *state.NatGateway) { n.State, n.DeletedAt = "deleting", q.now })
			q.touch(nat.VpcID)
		}
		return nil
	})
	return &out, err
}
