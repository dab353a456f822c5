package ec2

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/neargate/neargate/internal/aws/wire"
)

// badRequest is the status of all of EC2's client errors but a dry run's.
const badRequest = 400

func errorf(code, format string, args ...any) error {
	return wire.NewError(code, badRequest, "%s", fmt.Sprintf(format, args...))
}

func errDryRun() error {
	return wire.NewError("DryRunOperation", 412, "Request would have succeeded, but DryRun flag is set.")
}

func errParameter(value any, parameter, why string) error {
	return errorf("InvalidParameterValue", "Value (%v) for parameter %s is invalid. %s", value, parameter, why)
}

func errMissing(parameter string) error {
	return errorf("MissingParameter", "The request must contain the parameter %s", parameter)
}

// errDependency is the answer to deleting what something else still needs.
func errDependency(kind, id string) error {
	return errorf("DependencyViolation", "The %s '%s' has dependencies and cannot be deleted.", kind, id)
}

// kind is how AWS speaks of a kind of resource when one does not exist.
type kind struct {
	code string
	text string // with one %s, the id
}

var (
	kindVpc                   = kind{"InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"}
	kindSubnet                = kind{"InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"}
	kindRouteTable            = kind{"InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist"}
	kindAssociation           = kind{"InvalidAssociationID.NotFound", "The association ID '%s' does not exist"}
	kindInternetGateway       = kind{"InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist"}
	kindGateway               = kind{"InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist"}
	kindSecurityGroup         = kind{"InvalidGroup.NotFound", "The security group '%s' does not exist"}
	kindRule                  = kind{"InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist"}
	kindEndpoint              = kind{"InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist"}
	kindInterface             = kind{"InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"}
	kindAllocation            = kind{"InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist"}
	kindAddress               = kind{"InvalidAddress.NotFound", "Address '%s' not found."}
	kindNatGateway            = kind{"NatGatewayNotFound", "The Nat Gateway %s was not found"}
	kindFlowLog               = kind{"InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] %s"}
	kindPeering               = kind{"InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID '%s' does not exist"}
	kindCIDRAssociation       = kind{"InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist"}
	kindSubnetCIDRAssociation = kind{"InvalidSubnetCidrBlockAssociationID.NotFound", "The subnet CIDR block association ID '%s' does not exist"}
	kindEgressOnlyGateway     = kind{"InvalidEgressOnlyInternetGatewayId.NotFound", "The egressOnlyInternetGateway ID '%s' does not exist"}
	kindNetworkACL            = kind{"InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist"}
	kindDHCPOptions           = kind{"InvalidDhcpOptionID.NotFound", "The dhcpOption ID '%s' does not exist"}
	kindInsightsPath          = kind{"InvalidNetworkInsightsPathId.NotFound", "The network insights path ID '%s' does not exist"}
	kindInsightsAnalysis      = kind{"InvalidNetworkInsightsAnalysisId.NotFound", "The network insights analysis ID '%s' does not exist"}
	kindPrefixList            = kind{"InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist"}
	kindEndpointTable         = kind{"InvalidRouteTableId.NotFound", "The route table Id '%s' does not exist"}
	kindEndpointSubnet        = kind{"InvalidSubnetId.NotFound", "The subnet Id '%s' does not exist"}
	kindEndpointGroup         = kind{"InvalidSecurityGroupID.NotFound", "The security group ID '%s' does not exist"}
	kindTaggedResource        = kind{"InvalidID", "The ID '%s' is not valid"}
	kindAvailabilityZone      = kind{"InvalidParameterValue", "Invalid availability zone: [%s]"}
)

func (k kind) notFound(id string) error { return errorf(k.code, k.text, id) }

// unsupported refuses a request that sets a member which we do not carry out:
// in is a pointer to a request, carried are the members that have an effect.
// A member that the model gains later is so refused until somebody carries it out.
func unsupported(in any, carried ...string) error {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "DryRun" || slices.Contains(carried, name) || asksNothing(v.Field(i)) {
			continue
		}
		return errUnsupported("The parameter " + name)
	}
	return nil
}

// errUnsupported says that Neargate does not carry something out.
func errUnsupported(what string) error {
	return errorf("UnsupportedOperation", "%s is not supported by Neargate.", what)
}

// asksNothing reports whether a member is absent, empty, or says "no".
func asksNothing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return true
		}
		return v.Elem().Kind() != reflect.Struct && v.Elem().IsZero()
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}
