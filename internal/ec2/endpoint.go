package ec2

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// Texts of the policy that an endpoint has when nobody gave one.
const (
	defaultInterfacePolicy = "{\n  \"Statement\": [\n    {\n      \"Action\": \"*\", \n      \"Effect\": \"Allow\", \n      \"Principal\": \"*\", \n      \"Resource\": \"*\"\n    }\n  ]\n}"
	defaultGatewayPolicy   = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

var endpointResource = resource[state.VpcEndpoint]{
	table: state.VpcEndpoints, kind: kindEndpoint,
	id:   func(e *state.VpcEndpoint) string { return e.ID },
	tags: func(e *state.VpcEndpoint) []state.Tag { return e.Tags },
	fields: fields[state.VpcEndpoint]{
		"vpc-endpoint-id":    func(_ *scope, e *state.VpcEndpoint) []string { return one(e.ID) },
		"vpc-endpoint-type":  func(_ *scope, e *state.VpcEndpoint) []string { return one(e.Type) },
		"vpc-endpoint-state": func(_ *scope, e *state.VpcEndpoint) []string { return one(e.State) },
		"vpc-id":             func(_ *scope, e *state.VpcEndpoint) []string { return one(e.VpcID) },
		"service-name":       func(_ *scope, e *state.VpcEndpoint) []string { return one(e.ServiceName) },
		"service-region":     func(_ *scope, e *state.VpcEndpoint) []string { return one(e.Region) },
		"ip-address-type":    func(_ *scope, e *state.VpcEndpoint) []string { return one(addressType(e)) },
	},
}

// addressType is "ipv4" for interface endpoints and nothing for gateways.
func addressType(e *state.VpcEndpoint) string {
	if e.Type == typeInterface {
		return "ipv4"
	}
	return ""
}

// policyOf is the text of an endpoint's policy.
func policyOf(e *state.VpcEndpoint) string {
	switch {
	case e.PolicyDocument != "":
		return e.PolicyDocument
	case e.Type == typeGateway:
		return defaultGatewayPolicy
	}
	return defaultInterfacePolicy
}

// DescribeVpcEndpoints lists endpoints.
func (s *Service) DescribeVpcEndpoints(ctx context.Context, in *ec2api.DescribeVpcEndpointsRequest) (*ec2api.DescribeVpcEndpointsResult, error) {
	var out ec2api.DescribeVpcEndpointsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, endpointResource, query{in.VpcEndpointIds, "vpcEndpointIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.VpcEndpoints = each(found, func(e *state.VpcEndpoint) ec2api.VpcEndpoint { return *q.endpointOut(e) })
		return err
	})
	return &out, err
}

func (q *scope) endpointOut(e *state.VpcEndpoint) *ec2api.VpcEndpoint {
	no, private := false, e.PrivateDNSEnabled
	out := &ec2api.VpcEndpoint{
		VpcEndpointId: e.ID, VpcEndpointType: ec2api.VpcEndpointType(e.Type), VpcId: e.VpcID, ServiceName: e.ServiceName,
		ServiceRegion: e.Region, State: ec2api.State(e.State), PolicyDocument: policyOf(e),
		RouteTableIds: keep(e.RouteTableIDs), SubnetIds: keep(e.SubnetIDs), NetworkInterfaceIds: keep(e.NetworkInterfaceIDs),
		Groups: []ec2api.SecurityGroupIdentifier{}, DnsEntries: []ec2api.DnsEntry{},
		IpAddressType: ec2api.IpAddressType(addressType(e)), PrivateDnsEnabled: &private, RequesterManaged: &no,
		CreationTimestamp: e.CreatedAt, OwnerId: e.Account, Tags: apiTags(e.Tags),
	}
	if e.Type == typeGateway {
		return out
	}
	out.DnsOptions = &ec2api.DnsOptions{DnsRecordIpType: "ipv4"}
	for _, g := range q.groupsOut(e.SecurityGroupIDs) {
		out.Groups = append(out.Groups, ec2api.SecurityGroupIdentifier(g))
	}
	for _, n := range q.endpointNames(e) {
		out.DnsEntries = append(out.DnsEntries, ec2api.DnsEntry{DnsName: n.name, HostedZoneId: n.hostedZone})
	}
	return out
}

// keep is the list itself, but never nil: AWS answers these lists empty too.
func keep(list []string) []string { return append([]string{}, list...) }

// endpointName is one of the DNS names of an interface endpoint.
type endpointName struct {
	name       string
	hostedZone string
	subnetID   string // set: the name stands for the address in this subnet only
	private    bool   // a public name of the service, which the VPC's private zone answers
}

// endpointNames lists the names of an interface endpoint as AWS does: regional,
// of each zone, and the private ones.
func (q *scope) endpointNames(e *state.VpcEndpoint) []endpointName {
	service, ok := findEndpointService(e.Region, e.ServiceName)
	if !ok || e.Type != typeInterface {
		return nil
	}
	label, domain := e.ID+"-"+e.DNSLabel, service.endpointDomain(e.Region)
	star := ""
	if strings.HasPrefix(service.suffix, "s3") {
		star = "*." // buckets are labels before the name
	}
	zoneID := stableZone("vpce", e.Region)
	names := []endpointName{{name: star + label + "." + domain, hostedZone: zoneID}}
	for _, id := range e.SubnetIDs {
		if n, ok := state.Subnets.Get(q.tx, q.key(id)); ok {
			names = append(names, endpointName{name: star + label + "-" + n.AvailabilityZone + "." + domain, hostedZone: zoneID, subnetID: id})
		}
	}
	if e.PrivateDNSEnabled {
		for _, n := range service.privateNames(e.Region) {
			names = append(names, endpointName{name: n, hostedZone: stableZone("private", e.ID), private: true})
		}
	}
	return names
}

// DeleteVpcEndpoints deletes endpoints with their interfaces and routes.
func (s *Service) DeleteVpcEndpoints(ctx context.Context, in *ec2api.DeleteVpcEndpointsRequest) (*ec2api.DeleteVpcEndpointsResult, error) {
	out := ec2api.DeleteVpcEndpointsResult{Unsuccessful: []ec2api.UnsuccessfulItem{}}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		for _, id := range in.VpcEndpointIds {
			e, ok := state.VpcEndpoints.Get(q.tx, q.key(id))
			if !ok {
				out.Unsuccessful = append(out.Unsuccessful, ec2api.UnsuccessfulItem{ResourceId: id, Error: &ec2api.UnsuccessfulItemError{
					Code: "InvalidVpcEndpoint.NotFound", Message: "The Vpc Endpoint Id '" + id + "' does not exist",
				}})
				continue
			}
			q.removeEndpointInterfaces(e.NetworkInterfaceIDs)
			state.VpcEndpoints.Delete(q.tx, e.Key())
			q.touch(e.VpcID)
		}
		return nil
	})
	return &out, err
}

func (q *scope) removeEndpointInterfaces(interfaceIDs []string) {
	for _, id := range interfaceIDs {
		if n, ok := state.NetworkInterfaces.Get(q.tx, q.key(id)); ok {
			q.removeInterface(n)
		}
	}
}
