package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// dhcpOption is one option of a set.
type dhcpOption struct{ key, value string }

// dhcpValues are the options of a region's default set.
func dhcpValues(region string) []dhcpOption {
	return []dhcpOption{{"domain-name", internalDomain(region)}, {"domain-name-servers", "AmazonProvidedDNS"}}
}

var dhcpOptionsResource = resource[state.DhcpOptions]{
	table: state.DhcpOptionSets, kind: kindDHCPOptions,
	id:   func(d *state.DhcpOptions) string { return d.ID },
	tags: func(d *state.DhcpOptions) []state.Tag { return d.Tags },
	fields: fields[state.DhcpOptions]{
		"dhcp-options-id": func(_ *scope, d *state.DhcpOptions) []string { return one(d.ID) },
		"owner-id":        func(_ *scope, d *state.DhcpOptions) []string { return one(d.Account) },
		"key": func(_ *scope, d *state.DhcpOptions) []string {
			return each(dhcpValues(d.Region), func(o dhcpOption) string { return o.key })
		},
		"value": func(_ *scope, d *state.DhcpOptions) []string {
			return each(dhcpValues(d.Region), func(o dhcpOption) string { return o.value })
		},
	},
}

// DescribeDhcpOptions lists the sets of DHCP options.
func (s *Service) DescribeDhcpOptions(ctx context.Context, in *ec2api.DescribeDhcpOptionsRequest) (*ec2api.DescribeDhcpOptionsResult, error) {
	var out ec2api.DescribeDhcpOptionsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, dhcpOptionsResource, query{in.DhcpOptionsIds, "dhcpOptionsIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.DhcpOptions = each(found, func(d *state.DhcpOptions) ec2api.DhcpOptions {
			return ec2api.DhcpOptions{
				DhcpOptionsId: d.ID, OwnerId: d.Account, Tags: apiTags(d.Tags),
				DhcpConfigurations: each(dhcpValues(d.Region), func(o dhcpOption) ec2api.DhcpConfiguration {
					return ec2api.DhcpConfiguration{Key: o.key, Values: []ec2api.AttributeValue{{Value: o.value}}}
				}),
			}
		})
		return err
	})
	return &out, err
}
