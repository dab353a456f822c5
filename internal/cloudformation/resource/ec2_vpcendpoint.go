package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// vpcEndpoint is AWS::EC2::VPCEndpoint.
type vpcEndpoint struct{}

var vpcEndpointSchema = &Schema{
	Type: "AWS::EC2::VPCEndpoint",
	Properties: Properties{
		"ServiceName": String.Required().Replaces(), "VpcEndpointType": String.Replaces(), "VpcId": String.Required().Replaces(),
		"RouteTableIds": Strings, "SubnetIds": Strings, "SecurityGroupIds": Strings, "PrivateDnsEnabled": Boolean,
		"PolicyDocument": Document, "IpAddressType": String, "Tags": Tags,
	},
	Attributes: []string{"Id", "NetworkInterfaceIds", "CreationTimestamp", "DnsEntries"},
}

// Schema is the type's schema.
func (vpcEndpoint) Schema() *Schema { return vpcEndpointSchema }

// Create makes the endpoint and waits until it is available. Without a type it
// is a Gateway endpoint, and private DNS is off unless it is asked for.
func (vpcEndpoint) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &ec2api.CreateVpcEndpointRequest{ClientToken: r.Token, TagSpecifications: r.ec2Tags("vpc-endpoint")}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return Result{}, err
		}
		if in.VpcEndpointType == "" {
			in.VpcEndpointType = "Gateway"
		}
		if in.VpcEndpointType == "Interface" && in.PrivateDnsEnabled == nil {
			in.PrivateDnsEnabled = new(bool)
		}
		out, err := r.ec2().CreateVpcEndpoint(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.VpcEndpoint.VpcEndpointId
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return vpcEndpointReady(ctx, r)
}

// Update changes what the endpoint is attached to, its policy and its tags.
func (vpcEndpoint) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	in := &ec2api.ModifyVpcEndpointRequest{VpcEndpointId: r.PhysicalID}
	in.AddRouteTableIds, in.RemoveRouteTableIds = r.listChange("RouteTableIds")
	in.AddSubnetIds, in.RemoveSubnetIds = r.listChange("SubnetIds")
	in.AddSecurityGroupIds, in.RemoveSecurityGroupIds = r.listChange("SecurityGroupIds")
	changed := len(in.AddRouteTableIds)+len(in.RemoveRouteTableIds)+len(in.AddSubnetIds)+len(in.RemoveSubnetIds)+len(in.AddSecurityGroupIds)+len(in.RemoveSecurityGroupIds) > 0
	if r.Changed("PrivateDnsEnabled") {
		if in.PrivateDnsEnabled = r.Flag("PrivateDnsEnabled"); in.PrivateDnsEnabled == nil {
			in.PrivateDnsEnabled = new(bool)
		}
		changed = true
	}
	if r.Changed("IpAddressType") {
		in.IpAddressType, changed = ec2api.IpAddressType(r.Text("IpAddressType")), true
	}
	if r.Changed("PolicyDocument") {
		changed = true
		if document := r.Properties.Get("PolicyDocument"); document != nil {
			in.PolicyDocument = document.JSON()
		} else {
			yes := true
			in.ResetPolicy = &yes
		}
	}
	if changed {
		if _, err := r.ec2().ModifyVpcEndpoint(ctx, in); err != nil {
			return Result{}, err
		}
	}
	return vpcEndpointReady(ctx, r)
}

// listChange returns what an update adds to a list of ids and removes from it.
func (r *Request) listChange(name string) (added, removed []string) {
	wanted, had := list(r.Properties.Get(name)), list(r.Previous.Get(name))
	return difference(wanted, had), difference(had, wanted)
}

// Delete deletes the endpoint and waits until it is gone, as its network
// interfaces stand in the way of deleting subnets and groups.
func (vpcEndpoint) Delete(ctx context.Context, r *Request) error {
	out, err := r.ec2().DeleteVpcEndpoints(ctx, &ec2api.DeleteVpcEndpointsRequest{VpcEndpointIds: []string{r.PhysicalID}})
	if err != nil {
		return gone(err, "InvalidVpcEndpointId.NotFound")
	}
	for _, u := range out.Unsuccessful {
		if u.Error != nil && u.Error.Code != "InvalidVpcEndpoint.NotFound" && u.Error.Code != "InvalidVpcEndpointId.NotFound" {
			return &Failure{Code: "GeneralServiceException", Message: u.Error.Message}
		}
	}
	return r.Wait(ctx, func(ctx context.Context) (bool, error) {
		e, err := describeEndpoint(ctx, r)
		return e == nil || e.State == "deleted", err
	})
}

func describeEndpoint(ctx context.Context, r *Request) (*ec2api.VpcEndpoint, error) {
	out, err := r.ec2().DescribeVpcEndpoints(ctx, &ec2api.DescribeVpcEndpointsRequest{VpcEndpointIds: []string{r.PhysicalID}})
	if err != nil {
		return nil, gone(err, "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
	}
	if len(out.VpcEndpoints) == 0 {
		return nil, nil
	}
	return &out.VpcEndpoints[0], nil
}

func vpcEndpointReady(ctx context.Context, r *Request) (Result, error) {
	var endpoint *ec2api.VpcEndpoint
	err := r.Wait(ctx, func(ctx context.Context) (ready bool, err error) {
		if endpoint, err = describeEndpoint(ctx, r); err != nil {
			return false, err
		}
		if endpoint == nil {
			return false, &Failure{Code: "NotFound", Message: "The VPC endpoint " + r.PhysicalID + " does not exist"}
		}
		switch endpoint.State {
		case "failed", "Failed", "rejected", "Rejected", "deleted", "Deleted":
			return false, &Failure{Code: "NotStabilized", Message: "The VPC endpoint " + r.PhysicalID + " is " + string(endpoint.State) + ": " + endpoint.FailureReason}
		}
		return endpoint.State == "available" || endpoint.State == "Available", nil
	})
	if err != nil {
		return Result{}, err
	}
	attrs := map[string]*template.Value{}
	addText(attrs, "Id", r.PhysicalID, "CreationTimestamp", endpoint.CreationTimestamp.UTC().Format("Mon Jan 02 15:04:05 UTC 2006"))
	addList(attrs, "NetworkInterfaceIds", endpoint.NetworkInterfaceIds)
	var names []string
	for _, d := range endpoint.DnsEntries {
		names = append(names, d.HostedZoneId+":"+d.DnsName)
	}
	addList(attrs, "DnsEntries", names)
	return Result{PhysicalID: r.PhysicalID, Attributes: attrs}, nil
}
