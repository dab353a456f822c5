package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// dhcpOptions is AWS::EC2::DHCPOptions.
type dhcpOptions struct{}

var dhcpOptionsSchema = &Schema{
	Type: "AWS::EC2::DHCPOptions",
	Properties: Properties{
		"DomainName": String.Replaces(), "DomainNameServers": Strings.Replaces(), "NtpServers": Strings.Replaces(),
		"NetbiosNameServers": Strings.Replaces(), "NetbiosNodeType": String.Replaces(),
		"Ipv6AddressPreferredLeaseTime": Integer.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"DhcpOptionsId"},
}

// dhcpKeys are the properties that stand for options, in the order in which AWS lists them.
var dhcpKeys = []struct{ property, key string }{
	{"DomainName", "domain-name"}, {"DomainNameServers", "domain-name-servers"}, {"NtpServers", "ntp-servers"},
	{"NetbiosNameServers", "netbios-name-servers"}, {"NetbiosNodeType", "netbios-node-type"}, {"Ipv6AddressPreferredLeaseTime", "ipv6-address-preferred-lease-time"},
}

// Schema is the type's schema.
func (dhcpOptions) Schema() *Schema { return dhcpOptionsSchema }

// Create makes the set.
func (dhcpOptions) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeDhcpOptions(ctx, &ec2api.DescribeDhcpOptionsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, d := range out.DhcpOptions {
			ids = append(ids, d.DhcpOptionsId)
		}
		return ids, nil
	}, func() (string, error) {
		in := &ec2api.CreateDhcpOptionsRequest{TagSpecifications: r.ec2Tags("dhcp-options")}
		for _, k := range dhcpKeys {
			v := r.Properties.Get(k.property)
			if v == nil {
				continue
			}
			values := list(v)
			if len(v.Items) == 0 {
				values = []string{v.Str()}
			}
			in.DhcpConfigurations = append(in.DhcpConfigurations, ec2api.NewDhcpConfiguration{Key: k.key, Values: values})
		}
		out, err := r.ec2().CreateDhcpOptions(ctx, in)
		if err != nil {
			return "", err
		}
		return out.DhcpOptions.DhcpOptionsId, nil
	})
	return Result{PhysicalID: id, Attributes: attributes("DhcpOptionsId", id)}, err
}

// Update changes tags.
func (dhcpOptions) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("DhcpOptionsId", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete deletes the set.
func (dhcpOptions) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteDhcpOptions(ctx, &ec2api.DeleteDhcpOptionsRequest{DhcpOptionsId: r.PhysicalID}), "InvalidDhcpOptionID.NotFound")
}

// dhcpOptionsAssociation is AWS::EC2::VPCDHCPOptionsAssociation.
type dhcpOptionsAssociation struct{}

var dhcpOptionsAssociationSchema = &Schema{
	Type:       "AWS::EC2::VPCDHCPOptionsAssociation",
	Properties: Properties{"VpcId": String.Required().Replaces(), "DhcpOptionsId": String.Required()},
}

// Schema is the type's schema.
func (dhcpOptionsAssociation) Schema() *Schema { return dhcpOptionsAssociationSchema }

// Create associates the set; that may be repeated.
func (dhcpOptionsAssociation) Create(ctx context.Context, r *Request) (Result, error) {
	id := r.Text("DhcpOptionsId") + "|" + r.Text("VpcId")
	if err := associateDHCP(ctx, r, r.Text("DhcpOptionsId")); err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: id}, r.Created(id)
}

func associateDHCP(ctx context.Context, r *Request, id string) error {
	return r.ec2().AssociateDhcpOptions(ctx, &ec2api.AssociateDhcpOptionsRequest{DhcpOptionsId: id, VpcId: r.Text("VpcId")})
}

// Update associates another set.
func (dhcpOptionsAssociation) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, associateDHCP(ctx, r, r.Text("DhcpOptionsId"))
}

// Delete leaves the VPC without options.
func (dhcpOptionsAssociation) Delete(ctx context.Context, r *Request) error {
	return gone(associateDHCP(ctx, r, "default"), "InvalidVpcID.NotFound")
}
