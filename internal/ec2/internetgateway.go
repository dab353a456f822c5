package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var internetGatewayResource = resource[state.InternetGateway]{
	table: state.InternetGateways, kind: kindInternetGateway,
	id:   func(g *state.InternetGateway) string { return g.ID },
	tags: func(g *state.InternetGateway) []state.Tag { return g.Tags },
	fields: fields[state.InternetGateway]{
		"internet-gateway-id": func(_ *scope, g *state.InternetGateway) []string { return one(g.ID) },
		"owner-id":            func(_ *scope, g *state.InternetGateway) []string { return one(g.Account) },
		"attachment.vpc-id":   func(_ *scope, g *state.InternetGateway) []string { return one(g.VpcID) },
		"attachment.state": func(_ *scope, g *state.InternetGateway) []string {
			if g.VpcID == "" {
				return nil
			}
			return one("available")
		},
	},
}

// CreateInternetGateway makes an internet gateway, which is attached to nothing.
func (s *Service) CreateInternetGateway(ctx context.Context, in *ec2api.CreateInternetGatewayRequest) (*ec2api.CreateInternetGatewayResult, error) {
	var out ec2api.CreateInternetGatewayResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		if err := oneMore(quotaInternetGateways, state.InternetGateways.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "internet-gateway")
		if err != nil {
			return err
		}
		g := &state.InternetGateway{Account: q.account, Region: q.region, ID: ids.New("igw"), Tags: tags}
		state.InternetGateways.Put(q.tx, g)
		out.InternetGateway = internetGatewayOut(g)
		return nil
	})
	return &out, err
}

func internetGatewayOut(g *state.InternetGateway) *ec2api.InternetGateway {
	out := &ec2api.InternetGateway{InternetGatewayId: g.ID, OwnerId: g.Account, Attachments: []ec2api.InternetGatewayAttachment{}, Tags: apiTags(g.Tags)}
	if g.VpcID != "" {
		out.Attachments = append(out.Attachments, ec2api.InternetGatewayAttachment{VpcId: g.VpcID, State: "available"})
	}
	return out
}

// DescribeInternetGateways lists internet gateways.
func (s *Service) DescribeInternetGateways(ctx context.Context, in *ec2api.DescribeInternetGatewaysRequest) (*ec2api.DescribeInternetGatewaysResult, error) {
	var out ec2api.DescribeInternetGatewaysResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, internetGatewayResource, query{in.InternetGatewayIds, "internetGatewayIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.InternetGateways = each(found, func(g *state.InternetGateway) ec2api.InternetGateway { return *internetGatewayOut(g) })
		return err
	})
	return &out, err
}

// AttachInternetGateway attaches a gateway to a VPC that has none.
func (s *Service) AttachInternetGateway(ctx context.Context, in *ec2api.AttachInternetGatewayRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		gateway, vpc, err := q.gatewayAndVpc(in.InternetGatewayId, in.VpcId)
		if err != nil {
			return err
		}
		if gateway.VpcID != "" {
			return errorf("Resource.AlreadyAssociated", "resource %s is already attached to network %s", gateway.ID, gateway.VpcID)
		}
		if exists(state.InternetGateways.By(q.tx, "vpc", vpc.Key())) {
			return errorf("InvalidParameterValue", "Network %s already has an internet gateway attached", vpc.ID)
		}
		state.InternetGateways.Update(q.tx, gateway.Key(), func(g *state.InternetGateway) { g.VpcID = vpc.ID })
		q.touch(vpc.ID)
		return nil
	})
}

// DetachInternetGateway takes a gateway off its VPC. Routes to it turn into
// black holes.
func (s *Service) DetachInternetGateway(ctx context.Context, in *ec2api.DetachInternetGatewayRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		gateway, vpc, err := q.gatewayAndVpc(in.InternetGatewayId, in.VpcId)
		if err != nil {
			return err
		}
		if gateway.VpcID != vpc.ID {
			return errorf("Gateway.NotAttached", "resource %s is not attached to network %s", gateway.ID, vpc.ID)
		}
		for n := range state.NetworkInterfaces.By(q.tx, "vpc", vpc.Key()) {
			if n.PublicIPAddress != "" {
				return errorf("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpc.ID)
			}
		}
		state.InternetGateways.Update(q.tx, gateway.Key(), func(g *state.InternetGateway) { g.VpcID = "" })
		q.touch(vpc.ID)
		return nil
	})
}

func (q *scope) gatewayAndVpc(gatewayID, vpcID string) (*state.InternetGateway, *state.Vpc, error) {
	gateway, err := get(q, state.InternetGateways, kindInternetGateway, gatewayID)
	if err != nil {
		return nil, nil, err
	}
	vpc, err := get(q, state.Vpcs, kindVpc, vpcID)
	return gateway, vpc, err
}

// DeleteInternetGateway deletes a gateway that is attached to nothing.
func (s *Service) DeleteInternetGateway(ctx context.Context, in *ec2api.DeleteInternetGatewayRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		gateway, err := get(q, state.InternetGateways, kindInternetGateway, in.InternetGatewayId)
		if err != nil {
			return err
		}
		if gateway.VpcID != "" {
			return errDependency("internetGateway", gateway.ID)
		}
		state.InternetGateways.Delete(q.tx, gateway.Key())
		return nil
	})
}
