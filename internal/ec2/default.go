package ec2

import (
	"context"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// regionID is the id in the key of a state.NetworkRegion.
const regionID = "ec2"

// The default VPC: its range, and the size of the subnet in each zone.
var defaultCIDR = netip.MustParsePrefix("172.31.0.0/16")

const defaultSubnetBits = 20

// ensureRegion makes the default DHCP options and the default VPC of the
// account's region, once.
func (q *scope) ensureRegion() {
	if _, ok := state.NetworkRegions.Get(q.tx, q.key(regionID)); ok {
		return
	}
	options := &state.DhcpOptions{Account: q.account, Region: q.region, ID: ids.New("dopt")}
	state.DhcpOptionSets.Put(q.tx, options)
	state.NetworkRegions.Put(q.tx, &state.NetworkRegion{Account: q.account, Region: q.region, DefaultDHCPOptionsID: options.ID})
	q.makeDefaultVpc()
}

// makeDefaultVpc makes the default VPC: a public subnet in each zone, an
// internet gateway, and a main route table that leads there.
func (q *scope) makeDefaultVpc() *state.Vpc {
	vpc := q.makeVpc(defaultCIDR, nil, true)
	gateway := &state.InternetGateway{Account: q.account, Region: q.region, ID: ids.New("igw"), VpcID: vpc.ID}
	state.InternetGateways.Put(q.tx, gateway)
	state.RouteTables.Update(q.tx, q.mainTable(vpc.Key()).Key(), func(t *state.RouteTable) {
		t.Routes = []state.Route{{DestinationCIDRBlock: "0.0.0.0/0", InternetGatewayID: gateway.ID}}
	})
	base := defaultCIDR.Addr().As4()
	for i, z := range zones(q.region) {
		base[2] = byte(i << (24 - defaultSubnetBits))
		subnet := q.makeSubnet(vpc, netip.PrefixFrom(netip.AddrFrom4(base), defaultSubnetBits), z)
		subnet.DefaultForAZ, subnet.MapPublicIPOnLaunch = true, true
		state.Subnets.Put(q.tx, subnet)
	}
	return vpc
}

// defaultVpc returns the default VPC, if there is one.
func (q *scope) defaultVpc() (*state.Vpc, bool) {
	for v := range state.Vpcs.All(q.tx, q.prefix()) {
		if v.IsDefault {
			return v, true
		}
	}
	return nil, false
}

// CreateDefaultVpc makes the default VPC again after it was deleted.
func (s *Service) CreateDefaultVpc(ctx context.Context, in *ec2api.CreateDefaultVpcRequest) (*ec2api.CreateDefaultVpcResult, error) {
	var out ec2api.CreateDefaultVpcResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		if _, ok := q.defaultVpc(); ok {
			return errorf("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		}
		if err := oneMore(quotaVpcs, state.Vpcs.All(q.tx, q.prefix())); err != nil {
			return err
		}
		out.Vpc = q.vpcOut(q.makeDefaultVpc())
		return nil
	})
	return &out, err
}
