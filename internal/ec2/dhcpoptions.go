package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// amazonDNS stands for the VPC's own resolver; noDHCPOptions is the id that takes
// a VPC's options away.
const (
	amazonDNS     = "AmazonProvidedDNS"
	noDHCPOptions = "default"
)

// The options that tasks see the effect of.
const (
	optionDomain  = "domain-name"
	optionServers = "domain-name-servers"
)

// maxDHCPServers is how many servers an option may name.
const maxDHCPServers = 4

// dhcpOptions are the options of a set.
func dhcpOptions(d *state.DhcpOptions) []state.DhcpOption {
	if len(d.Options) > 0 {
		return d.Options
	}
	return []state.DhcpOption{{Key: optionDomain, Values: []string{internalDomain(d.Region)}}, {Key: optionServers, Values: []string{amazonDNS}}}
}

var dhcpOptionsResource = resource[state.DhcpOptions]{
	table: state.DhcpOptionSets, kind: kindDHCPOptions,
	id:   func(d *state.DhcpOptions) string { return d.ID },
	tags: func(d *state.DhcpOptions) []state.Tag { return d.Tags },
	fields: fields[state.DhcpOptions]{
		"dhcp-options-id": func(_ *scope, d *state.DhcpOptions) []string { return one(d.ID) },
		"owner-id":        func(_ *scope, d *state.DhcpOptions) []string { return one(d.Account) },
		"key": func(_ *scope, d *state.DhcpOptions) []string {
			return each(dhcpOptions(d), func(o state.DhcpOption) string { return o.Key })
		},
		"value": func(_ *scope, d *state.DhcpOptions) []string {
			var values []string
			for _, o := range dhcpOptions(d) {
				values = append(values, o.Values...)
			}
			return values
		},
	},
}

// CreateDhcpOptions makes a set of options. What it says of domains and name servers
// stands in the resolv.conf of tasks that start later; nothing asks for the rest.
func (s *Service) CreateDhcpOptions(ctx context.Context, in *ec2api.CreateDhcpOptionsRequest) (*ec2api.CreateDhcpOptionsResult, error) {
	var out ec2api.CreateDhcpOptionsResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		d := &state.DhcpOptions{Account: q.account, Region: q.region, ID: ids.New("dopt")}
		for _, c := range in.DhcpConfigurations {
			if err := checkDHCPOption(c.Key, c.Values); err != nil {
				return err
			}
			if slices.ContainsFunc(d.Options, func(o state.DhcpOption) bool { return o.Key == c.Key }) {
				return errParameter(c.Key, "dhcpConfiguration", "The option is there twice.")
			}
			d.Options = append(d.Options, state.DhcpOption{Key: c.Key, Values: slices.Clone(c.Values)})
		}
		if len(d.Options) == 0 {
			return errMissing("dhcpConfiguration")
		}
		if err := oneMore(quotaDHCPOptions, state.DhcpOptionSets.All(q.tx, q.prefix())); err != nil {
			return err
		}
		var err error
		if d.Tags, err = specifiedTags(q, in.TagSpecifications, "dhcp-options"); err != nil {
			return err
		}
		state.DhcpOptionSets.Put(q.tx, d)
		out.DhcpOptions = dhcpOptionsOut(d)
		return nil
	})
	return &out, err
}

// checkDHCPOption checks one option as AWS does.
func checkDHCPOption(key string, values []string) error {
	most, check := 1, func(string) bool { return true }
	address := func(v string) bool { return mustAddr(v).IsValid() }
	switch key {
	case optionDomain:
	case optionServers:
		most, check = maxDHCPServers, func(v string) bool { return v == amazonDNS || address(v) }
	case "ntp-servers", "netbios-name-servers":
		most, check = maxDHCPServers, address
	case "netbios-node-type":
		check = func(v string) bool { return slices.Contains([]string{"1", "2", "4", "8"}, v) }
	case "ipv6-address-preferred-lease-time":
		check = func(v string) bool {
			n, err := strconv.Atoi(v)
			return err == nil && 140 <= n && n <= 2147483647
		}
	default:
		return errParameter(key, "dhcpConfiguration", "Unknown DHCP option")
	}
	if len(values) == 0 || len(values) > most {
		return errParameter(strings.Join(values, ", "), key, "Wrong number of values.")
	}
	for _, v := range values {
		if len(v) > 255 || !check(v) {
			return errParameter(v, key, "Invalid value.")
		}
	}
	return nil
}

// AssociateDhcpOptions gives a VPC a set of options; "default" gives it none.
func (s *Service) AssociateDhcpOptions(ctx context.Context, in *ec2api.AssociateDhcpOptionsRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		if in.DhcpOptionsId != noDHCPOptions {
			if _, err := get(q, state.DhcpOptionSets, kindDHCPOptions, in.DhcpOptionsId); err != nil {
				return err
			}
		}
		state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) { v.DHCPOptionsID = in.DhcpOptionsId })
		q.touch(vpc.ID)
		return nil
	})
}

// DeleteDhcpOptions deletes a set that no VPC uses.
func (s *Service) DeleteDhcpOptions(ctx context.Context, in *ec2api.DeleteDhcpOptionsRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		d, err := get(q, state.DhcpOptionSets, kindDHCPOptions, in.DhcpOptionsId)
		if err != nil {
			return err
		}
		for v := range state.Vpcs.All(q.tx, q.prefix()) {
			if v.DHCPOptionsID == d.ID {
				return errDependency("dhcpOptions", d.ID)
			}
		}
		state.DhcpOptionSets.Delete(q.tx, d.Key())
		return nil
	})
}

// DescribeDhcpOptions lists the sets of DHCP options.
func (s *Service) DescribeDhcpOptions(ctx context.Context, in *ec2api.DescribeDhcpOptionsRequest) (*ec2api.DescribeDhcpOptionsResult, error) {
	var out ec2api.DescribeDhcpOptionsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, dhcpOptionsResource, query{in.DhcpOptionsIds, "dhcpOptionsIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.DhcpOptions = each(found, func(d *state.DhcpOptions) ec2api.DhcpOptions { return *dhcpOptionsOut(d) })
		return err
	})
	return &out, err
}

func dhcpOptionsOut(d *state.DhcpOptions) *ec2api.DhcpOptions {
	return &ec2api.DhcpOptions{
		DhcpOptionsId: d.ID, OwnerId: d.Account, Tags: apiTags(d.Tags),
		DhcpConfigurations: each(dhcpOptions(d), func(o state.DhcpOption) ec2api.DhcpConfiguration {
			return ec2api.DhcpConfiguration{Key: o.Key, Values: each(o.Values, func(v string) ec2api.AttributeValue { return ec2api.AttributeValue{Value: v} })}
		}),
	}
}

// nameService is what a VPC's options tell its interfaces: the domain to search in,
// and the servers to ask. The VPC's own resolver needs DNS support.
func nameService(vpc *state.Vpc, d *state.DhcpOptions) (domain string, servers []netip.Addr) {
	for _, o := range dhcpOptions(d) {
		switch o.Key {
		case optionDomain:
			domain = o.Values[0]
		case optionServers:
			for _, v := range o.Values {
				if v != amazonDNS {
					servers = append(servers, mustAddr(v))
				} else if vpc.EnableDNSSupport {
					servers = append(servers, mustPrefix(vpc.CIDRBlock).Addr().Next().Next())
				}
			}
		}
	}
	return domain, servers
}

// nameServiceOf is the same for a VPC, by its record; a VPC without options has none.
func (q *scope) nameServiceOf(vpc *state.Vpc) (string, []netip.Addr) {
	d, ok := state.DhcpOptionSets.Get(q.tx, state.Key(vpc.Account, vpc.Region, vpc.DHCPOptionsID))
	if !ok {
		return "", nil
	}
	return nameService(vpc, d)
}
