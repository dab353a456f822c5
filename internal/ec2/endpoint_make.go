package ec2

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// maxPolicy is AWS's limit on the characters of an endpoint policy.
const maxPolicy = 20480

// CreateVpcEndpoint makes an endpoint: an interface in each subnet, or a route
// in each route table.
func (s *Service) CreateVpcEndpoint(ctx context.Context, in *ec2api.CreateVpcEndpointRequest) (*ec2api.CreateVpcEndpointResult, error) {
	if err := unsupported(in, "VpcEndpointType", "VpcId", "ServiceName", "PolicyDocument", "RouteTableIds", "SubnetIds", "SecurityGroupIds",
		"IpAddressType", "DnsOptions", "ClientToken", "PrivateDnsEnabled", "TagSpecifications", "ServiceRegion"); err != nil {
		return nil, err
	}
	if err := checkEndpointRequest(in); err != nil {
		return nil, err
	}
	var out ec2api.CreateVpcEndpointResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		if e, ok := q.endpointByToken(vpc.Key(), in.ClientToken); ok {
			out.VpcEndpoint, out.ClientToken = q.endpointOut(e), in.ClientToken
			return nil
		}
		if err := oneMore(quotaEndpoints, state.VpcEndpoints.By(q.tx, "vpc", vpc.Key())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "vpc-endpoint")
		if err != nil {
			return err
		}
		e := &state.VpcEndpoint{
			Account: q.account, Region: q.region, ID: ids.New("vpce"), VpcID: vpc.ID, Type: string(in.VpcEndpointType), ServiceName: in.ServiceName,
			State: "pending", PolicyDocument: in.PolicyDocument, ClientToken: in.ClientToken, CreatedAt: q.now, Tool: q.tool(), Tags: tags,
		}
		if e.Type == "" {
			e.Type = typeGateway
		}
		if err := q.checkEndpointService(e, in); err != nil {
			return err
		}
		if e.Type == typeGateway {
			err = q.fillGateway(e, in)
		} else {
			err = q.fillInterface(e, in, vpc)
		}
		if err != nil {
			return err
		}
		state.VpcEndpoints.Put(q.tx, e)
		q.touch(vpc.ID)
		out.VpcEndpoint, out.ClientToken = q.endpointOut(e), in.ClientToken
		return nil
	})
	return &out, err
}

// checkEndpointRequest checks what needs no records.
func checkEndpointRequest(in *ec2api.CreateVpcEndpointRequest) error {
	switch {
	case in.ServiceName == "":
		return errMissing("serviceName")
	case in.IpAddressType != "" && in.IpAddressType != "ipv4":
		return errUnsupported("The IP address type " + string(in.IpAddressType))
	case in.VpcEndpointType != "" && in.VpcEndpointType != typeGateway && in.VpcEndpointType != typeInterface:
		return errUnsupported("The endpoint type " + string(in.VpcEndpointType))
	}
	if err := checkDNSOptions(in.DnsOptions); err != nil {
		return err
	}
	return checkPolicy(in.PolicyDocument)
}

func checkDNSOptions(o *ec2api.DnsOptionsSpecification) error {
	switch {
	case o == nil:
		return nil
	case o.DnsRecordIpType != "" && o.DnsRecordIpType != "ipv4":
		return errUnsupported("The DNS record IP type " + string(o.DnsRecordIpType))
	}
	return unsupported(o, "DnsRecordIpType")
}

// checkPolicy checks the form of an endpoint policy; it is evaluated at each request.
func checkPolicy(document string) error {
	if document == "" {
		return nil
	}
	var policy struct{ Statement json.RawMessage }
	if len(document) > maxPolicy || json.Unmarshal([]byte(document), &policy) != nil || len(policy.Statement) == 0 {
		return errorf("InvalidPolicyDocument", "Invalid policy document")
	}
	return nil
}

func (q *scope) checkEndpointService(e *state.VpcEndpoint, in *ec2api.CreateVpcEndpointRequest) error {
	if in.ServiceRegion != "" && in.ServiceRegion != q.region {
		return errUnsupported("The service region " + in.ServiceRegion)
	}
	service, ok := findEndpointService(q.region, e.ServiceName)
	if !ok {
		return errServiceName(e.ServiceName)
	}
	if !slices.Contains(service.types, e.Type) {
		return errorf("InvalidParameter", "Endpoint type (%s) does not match available service types ([%s]).", e.Type, strings.Join(service.types, ", "))
	}
	return nil
}

func (q *scope) endpointByToken(vpcKey, token string) (*state.VpcEndpoint, bool) {
	if token == "" {
		return nil, false
	}
	for e := range state.VpcEndpoints.By(q.tx, "vpc", vpcKey) {
		if e.ClientToken == token {
			return e, true
		}
	}
	return nil, false
}

// fillGateway sets what only a gateway endpoint has.
func (q *scope) fillGateway(e *state.VpcEndpoint, in *ec2api.CreateVpcEndpointRequest) error {
	switch {
	case len(in.SubnetIds) > 0:
		return errorf("InvalidParameter", "Subnets are not supported for Gateway endpoints.")
	case len(in.SecurityGroupIds) > 0:
		return errorf("InvalidParameter", "Security groups are not supported for Gateway endpoints.")
	case wire.Or(in.PrivateDnsEnabled, false):
		return errorf("InvalidParameter", "Private DNS can't be enabled for Gateway endpoints.")
	}
	return q.addTables(e, in.RouteTableIds)
}

// addTables puts the route of a gateway endpoint into route tables.
func (q *scope) addTables(e *state.VpcEndpoint, tableIDs []string) error {
	for _, id := range unique(tableIDs) {
		table, err := get(q, state.RouteTables, kindEndpointTable, id)
		if err != nil {
			return err
		}
		if table.VpcID != e.VpcID {
			return errorf("InvalidParameter", "Route table %s and VPC %s belong to different networks.", id, e.VpcID)
		}
		for other := range state.VpcEndpoints.By(q.tx, "route-table", table.Key()) {
			if other.ID != e.ID && other.ServiceName == e.ServiceName {
				return errorf("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s", id, prefixListID(q.region, serviceSuffix(e.ServiceName)))
			}
		}
		if !slices.Contains(e.RouteTableIDs, id) {
			e.RouteTableIDs = append(slices.Clone(e.RouteTableIDs), id)
		}
	}
	return nil
}

// fillInterface sets what only an interface endpoint has, and makes its interfaces.
func (q *scope) fillInterface(e *state.VpcEndpoint, in *ec2api.CreateVpcEndpointRequest, vpc *state.Vpc) error {
	if len(in.RouteTableIds) > 0 {
		return errorf("InvalidParameter", "Route tables are not supported for Interface endpoints.")
	}
	e.DNSLabel = ids.Lower(8)
	if wire.Or(in.PrivateDnsEnabled, true) { // AWS's default, for requests without it
		if err := q.enablePrivateDNS(e, vpc); err != nil {
			return err
		}
	}
	groups := unique(in.SecurityGroupIds)
	if len(groups) == 0 {
		groups = []string{q.defaultGroupOf(vpc.ID).ID}
	}
	if err := q.checkEndpointGroups(e, groups); err != nil {
		return err
	}
	e.SecurityGroupIDs = groups
	return q.addSubnets(e, in.SubnetIds)
}

// enablePrivateDNS lets the VPC answer the service's public names with the
// endpoint's addresses.
func (q *scope) enablePrivateDNS(e *state.VpcEndpoint, vpc *state.Vpc) error {
	if !vpc.EnableDNSSupport || !vpc.EnableDNSHostnames {
		return errorf("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", vpc.ID)
	}
	for other := range state.VpcEndpoints.By(q.tx, "vpc", vpc.Key()) {
		if other.ID != e.ID && other.Type == typeInterface && other.ServiceName == e.ServiceName && other.PrivateDNSEnabled {
			service, _ := findEndpointService(q.region, e.ServiceName)
			return errorf("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC %s", service.privateNames(q.region)[0], vpc.ID)
		}
	}
	e.PrivateDNSEnabled = true
	return nil
}

func (q *scope) checkEndpointGroups(e *state.VpcEndpoint, groups []string) error {
	for _, id := range groups {
		g, err := get(q, state.SecurityGroups, kindEndpointGroup, id)
		if err != nil {
			return err
		}
		if g.VpcID != e.VpcID {
			return errorf("InvalidParameter", "Security group %s and VPC %s belong to different networks.", id, e.VpcID)
		}
	}
	return quotaInterfaceGroups.allows(len(groups))
}

// addSubnets makes the endpoint's interfaces in further subnets, one per zone.
func (q *scope) addSubnets(e *state.VpcEndpoint, subnetIDs []string) error {
	taken := map[string]bool{} // zones
	for _, id := range e.SubnetIDs {
		if n, ok := state.Subnets.Get(q.tx, q.key(id)); ok {
			taken[n.AvailabilityZone] = true
		}
	}
	for _, id := range unique(subnetIDs) {
		if slices.Contains(e.SubnetIDs, id) {
			continue
		}
		subnet, err := get(q, state.Subnets, kindEndpointSubnet, id)
		if err != nil {
			return err
		}
		if subnet.VpcID != e.VpcID {
			return errorf("InvalidParameter", "Subnet %s and VPC %s belong to different networks.", id, e.VpcID)
		}
		if taken[subnet.AvailabilityZone] {
			return errorf("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s.", id)
		}
		taken[subnet.AvailabilityZone] = true
		n, err := q.makeInterface(newInterface{
			subnet: subnet, groups: e.SecurityGroupIDs, name: e.ID + "/" + id, owner: e.ID,
			description: "VPC Endpoint Interface " + e.ID, interfaceType: state.InterfaceTypeEndpoint, requester: requesterEndpoints,
			attachment: q.attach("ela-attach", ownerAWS, 1), status: "pending",
		})
		if err != nil {
			return err
		}
		e.SubnetIDs = append(slices.Clone(e.SubnetIDs), id)
		e.NetworkInterfaceIDs = append(slices.Clone(e.NetworkInterfaceIDs), n.ID)
	}
	return nil
}
