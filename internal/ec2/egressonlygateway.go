package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var egressOnlyGatewayResource = resource[state.EgressOnlyInternetGateway]{
	table: state.EgressOnlyInternetGateways, kind: kindEgressOnlyGateway,
	id:     func(g *state.EgressOnlyInternetGateway) string { return g.ID },
	tags:   func(g *state.EgressOnlyInternetGateway) []state.Tag { return g.Tags },
	fields: fields[state.EgressOnlyInternetGateway]{},
}

// CreateEgressOnlyInternetGateway makes a gateway that lets IPv6 connections of a
// VPC out. The same client token answers with the same gateway.
func (s *Service) CreateEgressOnlyInternetGateway(ctx context.Context, in *ec2api.CreateEgressOnlyInternetGatewayRequest) (*ec2api.CreateEgressOnlyInternetGatewayResult, error) {
	var out ec2api.CreateEgressOnlyInternetGatewayResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		for g := range state.EgressOnlyInternetGateways.By(q.tx, "vpc", vpc.Key()) {
			if in.ClientToken != "" && g.ClientToken == in.ClientToken {
				out.EgressOnlyInternetGateway, out.ClientToken = egressOnlyGatewayOut(g), in.ClientToken
				return nil
			}
		}
		if err := oneMore(quotaEgressOnlyGateways, state.EgressOnlyInternetGateways.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "egress-only-internet-gateway")
		if err != nil {
			return err
		}
		g := &state.EgressOnlyInternetGateway{Account: q.account, Region: q.region, ID: ids.New("eigw"), VpcID: vpc.ID, ClientToken: in.ClientToken, Tags: tags}
		state.EgressOnlyInternetGateways.Put(q.tx, g)
		out.EgressOnlyInternetGateway, out.ClientToken = egressOnlyGatewayOut(g), in.ClientToken
		return nil
	})
	return &out, err
}

func egressOnlyGatewayOut(g *state.EgressOnlyInternetGateway) *ec2api.EgressOnlyInternetGateway {
	return &ec2api.EgressOnlyInternetGateway{
		EgressOnlyInternetGatewayId: g.ID, Tags: apiTags(g.Tags),
		Attachments: []ec2api.InternetGatewayAttachment{{VpcId: g.VpcID, State: "attached"}},
	}
}

// DescribeEgressOnlyInternetGateways lists them; only their tags can be filtered by.
func (s *Service) DescribeEgressOnlyInternetGateways(ctx context.Context, in *ec2api.DescribeEgressOnlyInternetGatewaysRequest) (*ec2api.DescribeEgressOnlyInternetGatewaysResult, error) {
	var out ec2api.DescribeEgressOnlyInternetGatewaysResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, egressOnlyGatewayResource, query{in.EgressOnlyInternetGatewayIds, "egressOnlyInternetGatewayIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.EgressOnlyInternetGateways = each(found, func(g *state.EgressOnlyInternetGateway) ec2api.EgressOnlyInternetGateway {
			return *egressOnlyGatewayOut(g)
		})
		return err
	})
	return &out, err
}

// DeleteEgressOnlyInternetGateway deletes one; routes to it turn into black holes.
func (s *Service) DeleteEgressOnlyInternetGateway(ctx context.Context, in *ec2api.DeleteEgressOnlyInternetGatewayRequest) (*ec2api.DeleteEgressOnlyInternetGatewayResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		g, err := get(q, state.EgressOnlyInternetGateways, kindEgressOnlyGateway, in.EgressOnlyInternetGatewayId)
		if err != nil {
			return err
		}
		state.EgressOnlyInternetGateways.Delete(q.tx, g.Key())
		q.touch(g.VpcID)
		return nil
	})
	yes := true
	return &ec2api.DeleteEgressOnlyInternetGatewayResult{ReturnCode: &yes}, err
}
