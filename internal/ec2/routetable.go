package ec2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var routeTableResource = resource[state.RouteTable]{
	table: state.RouteTables, kind: kindRouteTable,
	id:   func(t *state.RouteTable) string { return t.ID },
	tags: func(t *state.RouteTable) []state.Tag { return t.Tags },
	fields: fields[state.RouteTable]{
		"route-table-id": func(_ *scope, t *state.RouteTable) []string { return one(t.ID) },
		"vpc-id":         func(_ *scope, t *state.RouteTable) []string { return one(t.VpcID) },
		"owner-id":       func(_ *scope, t *state.RouteTable) []string { return one(t.Account) },
		"association.main": func(_ *scope, t *state.RouteTable) []string {
			var values []string
			if t.Main {
				values = yes(true)
			}
			if len(t.Associations) > 0 {
				values = append(values, "false")
			}
			return values
		},
		"association.route-table-association-id": func(_ *scope, t *state.RouteTable) []string {
			values := one(t.MainAssociationID)
			for _, a := range t.Associations {
				values = append(values, a.ID)
			}
			return values
		},
		"association.route-table-id": func(_ *scope, t *state.RouteTable) []string {
			if !t.Main && len(t.Associations) == 0 {
				return nil
			}
			return one(t.ID)
		},
		"association.subnet-id": func(_ *scope, t *state.RouteTable) []string {
			return each(t.Associations, func(a state.RouteTableAssociation) string { return a.SubnetID })
		},
		"association.gateway-id":                func(*scope, *state.RouteTable) []string { return nil },
		"route.destination-cidr-block":          routeField(func(r ec2api.Route) string { return r.DestinationCidrBlock }),
		"route.destination-prefix-list-id":      routeField(func(r ec2api.Route) string { return r.DestinationPrefixListId }),
		"route.gateway-id":                      routeField(func(r ec2api.Route) string { return r.GatewayId }),
		"route.nat-gateway-id":                  routeField(func(r ec2api.Route) string { return r.NatGatewayId }),
		"route.origin":                          routeField(func(r ec2api.Route) string { return string(r.Origin) }),
		"route.state":                           routeField(func(r ec2api.Route) string { return string(r.State) }),
		"route.instance-id":                     func(*scope, *state.RouteTable) []string { return nil },
		"route.transit-gateway-id":              func(*scope, *state.RouteTable) []string { return nil },
		"route.vpc-peering-connection-id":       routeField(func(r ec2api.Route) string { return r.VpcPeeringConnectionId }),
		"route.destination-ipv6-cidr-block":     routeField(func(r ec2api.Route) string { return r.DestinationIpv6CidrBlock }),
		"route.egress-only-internet-gateway-id": routeField(func(r ec2api.Route) string { return r.EgressOnlyInternetGatewayId }),
	},
}

func routeField(value func(ec2api.Route) string) func(*scope, *state.RouteTable) []string {
	return func(q *scope, t *state.RouteTable) []string {
		var values []string
		for _, r := range q.routesOut(t) {
			values = append(values, one(value(r))...)
		}
		return values
	}
}

// mainTable returns the main route table of the VPC with the given key.
func (q *scope) mainTable(vpcKey string) *state.RouteTable {
	for t := range state.RouteTables.By(q.tx, "vpc", vpcKey) {
		if t.Main {
			return t
		}
	}
	return &state.RouteTable{}
}

// CreateRouteTable makes a route table with nothing but the local route.
func (s *Service) CreateRouteTable(ctx context.Context, in *ec2api.CreateRouteTableRequest) (*ec2api.CreateRouteTableResult, error) {
	var out ec2api.CreateRouteTableResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		if err := oneMore(quotaRouteTables, state.RouteTables.By(q.tx, "vpc", vpc.Key())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "route-table")
		if err != nil {
			return err
		}
		table := &state.RouteTable{Account: q.account, Region: q.region, ID: ids.New("rtb"), VpcID: vpc.ID, Tool: q.tool(), ClientToken: in.ClientToken, Tags: tags}
		if made, ok := q.madeBefore(vpc.Key(), in.ClientToken); ok {
			table = made
		} else {
			state.RouteTables.Put(q.tx, table)
		}
		out.RouteTable, out.ClientToken = q.routeTableOut(table), in.ClientToken
		return nil
	})
	return &out, err
}

// madeBefore finds the table that an earlier request with the same token made.
func (q *scope) madeBefore(vpcKey, token string) (*state.RouteTable, bool) {
	if token == "" {
		return nil, false
	}
	for t := range state.RouteTables.By(q.tx, "vpc", vpcKey) {
		if t.ClientToken == token {
			return t, true
		}
	}
	return nil, false
}

func (q *scope) routeTableOut(t *state.RouteTable) *ec2api.RouteTable {
	out := &ec2api.RouteTable{
		RouteTableId: t.ID, VpcId: t.VpcID, OwnerId: t.Account, Routes: q.routesOut(t),
		Associations: []ec2api.RouteTableAssociation{}, PropagatingVgws: []ec2api.PropagatingVgw{}, Tags: apiTags(t.Tags),
	}
	association := func(id, subnet string, main bool) {
		out.Associations = append(out.Associations, ec2api.RouteTableAssociation{
			RouteTableAssociationId: id, RouteTableId: t.ID, SubnetId: subnet, Main: &main, AssociationState: associated(),
		})
	}
	if t.Main {
		association(t.MainAssociationID, "", true)
	}
	for _, a := range t.Associations {
		association(a.ID, a.SubnetID, false)
	}
	return out
}

func associated() *ec2api.RouteTableAssociationState {
	return &ec2api.RouteTableAssociationState{State: "associated"}
}

// DescribeRouteTables lists route tables.
func (s *Service) DescribeRouteTables(ctx context.Context, in *ec2api.DescribeRouteTablesRequest) (*ec2api.DescribeRouteTablesResult, error) {
	var out ec2api.DescribeRouteTablesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, routeTableResource, query{in.RouteTableIds, "routeTableIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.RouteTables = each(found, func(t *state.RouteTable) ec2api.RouteTable { return *q.routeTableOut(t) })
		return err
	})
	return &out, err
}

// DeleteRouteTable deletes a table that no subnet follows. Gateway endpoints
// lose their route in it.
func (s *Service) DeleteRouteTable(ctx context.Context, in *ec2api.DeleteRouteTableRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		table, err := get(q, state.RouteTables, kindRouteTable, in.RouteTableId)
		if err != nil {
			return err
		}
		if table.Main || len(table.Associations) > 0 {
			return errDependency("routeTable", table.ID)
		}
		for e := range state.VpcEndpoints.By(q.tx, "route-table", table.Key()) {
			state.VpcEndpoints.Update(q.tx, e.Key(), func(e *state.VpcEndpoint) {
				e.RouteTableIDs = without(e.RouteTableIDs, []string{table.ID})
			})
		}
		state.RouteTables.Delete(q.tx, table.Key())
		q.touch(table.VpcID)
		return nil
	})
}

// AssociateRouteTable lets a subnet follow a table.
func (s *Service) AssociateRouteTable(ctx context.Context, in *ec2api.AssociateRouteTableRequest) (*ec2api.AssociateRouteTableResult, error) {
	if err := unsupported(in, "RouteTableId", "SubnetId"); err != nil {
		return nil, err
	}
	if in.SubnetId == "" {
		return nil, errMissing("subnetId")
	}
	var out ec2api.AssociateRouteTableResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		table, err := get(q, state.RouteTables, kindRouteTable, in.RouteTableId)
		if err != nil {
			return err
		}
		subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
		if err != nil {
			return err
		}
		if subnet.VpcID != table.VpcID {
			return errorf("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", table.ID, subnet.ID)
		}
		out.AssociationState = associated()
		if old, ok := first(state.RouteTables.By(q.tx, "subnet", subnet.Key())); ok {
			if old.ID == table.ID { // the same again: AWS answers with the association that there is
				i := slices.IndexFunc(old.Associations, func(a state.RouteTableAssociation) bool { return a.SubnetID == subnet.ID })
				out.AssociationId = old.Associations[i].ID
				return nil
			}
			return errorf("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", table.ID)
		}
		out.AssociationId = q.associate(table, subnet.ID)
		return nil
	})
	return &out, err
}

// associate adds a subnet to a table and returns the association's id.
func (q *scope) associate(table *state.RouteTable, subnetID string) string {
	id := ids.New("rtbassoc")
	state.RouteTables.Update(q.tx, table.Key(), func(t *state.RouteTable) {
		t.Associations = append(slices.Clone(t.Associations), state.RouteTableAssociation{ID: id, SubnetID: subnetID})
	})
	q.touch(table.VpcID)
	return id
}

// dissociate takes those associations off a table for which goes is true.
func (q *scope) dissociate(table *state.RouteTable, goes func(state.RouteTableAssociation) bool) {
	state.RouteTables.Update(q.tx, table.Key(), func(t *state.RouteTable) {
		t.Associations = slices.DeleteFunc(slices.Clone(t.Associations), goes)
	})
	q.touch(table.VpcID)
}

// DisassociateRouteTable lets a subnet follow the main table again.
func (s *Service) DisassociateRouteTable(ctx context.Context, in *ec2api.DisassociateRouteTableRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		table, ok := first(state.RouteTables.By(q.tx, "association", q.key(in.AssociationId)))
		if !ok {
			return kindAssociation.notFound(in.AssociationId)
		}
		if table.MainAssociationID == in.AssociationId {
			return errorf("InvalidParameterValue", "cannot disassociate the main route table association %s", in.AssociationId)
		}
		q.dissociate(table, func(a state.RouteTableAssociation) bool { return a.ID == in.AssociationId })
		return nil
	})
}

// ReplaceRouteTableAssociation moves an association to another table; the main
// association makes that table the main one.
func (s *Service) ReplaceRouteTableAssociation(ctx context.Context, in *ec2api.ReplaceRouteTableAssociationRequest) (*ec2api.ReplaceRouteTableAssociationResult, error) {
	var out ec2api.ReplaceRouteTableAssociationResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		old, ok := first(state.RouteTables.By(q.tx, "association", q.key(in.AssociationId)))
		if !ok {
			return kindAssociation.notFound(in.AssociationId)
		}
		table, err := get(q, state.RouteTables, kindRouteTable, in.RouteTableId)
		if err != nil {
			return err
		}
		if old.VpcID != table.VpcID {
			return errorf("InvalidParameterValue", "Route table %s and network %s belong to different networks", table.ID, old.VpcID)
		}
		out.AssociationState = associated()
		if old.MainAssociationID == in.AssociationId {
			out.NewAssociationId = q.moveMain(old, table)
			return nil
		}
		i := slices.IndexFunc(old.Associations, func(a state.RouteTableAssociation) bool { return a.ID == in.AssociationId })
		subnet := old.Associations[i].SubnetID
		q.dissociate(old, func(a state.RouteTableAssociation) bool { return a.ID == in.AssociationId })
		out.NewAssociationId = q.associate(table, subnet)
		return nil
	})
	return &out, err
}

// moveMain makes a table the main one of its VPC.
func (q *scope) moveMain(from, to *state.RouteTable) string {
	id := ids.New("rtbassoc")
	state.RouteTables.Update(q.tx, from.Key(), func(t *state.RouteTable) { t.Main, t.MainAssociationID = false, "" })
	state.RouteTables.Update(q.tx, to.Key(), func(t *state.RouteTable) { t.Main, t.MainAssociationID = true, id })
	q.touch(to.VpcID)
	return id
}

// without returns all without those in gone.
func without(all, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(gone, s) })
}
