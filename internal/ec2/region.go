package ec2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// regions are AWS's regions that need no opting in. Any other region works too;
// it is listed when it is the request's own.
var regions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
	"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

type region struct{ name string }

var regionResource = resource[region]{
	id:   func(r *region) string { return r.name },
	tags: func(*region) []state.Tag { return nil },
	fields: fields[region]{
		"region-name":   func(_ *scope, r *region) []string { return one(r.name) },
		"endpoint":      func(_ *scope, r *region) []string { return one("ec2." + r.name + ".amazonaws.com") },
		"opt-in-status": func(*scope, *region) []string { return one("opt-in-not-required") },
	},
}

// DescribeRegions lists regions.
func (s *Service) DescribeRegions(ctx context.Context, in *ec2api.DescribeRegionsRequest) (*ec2api.DescribeRegionsResult, error) {
	var out ec2api.DescribeRegionsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		names := unique(append(slices.Clone(regions), q.region))
		slices.Sort(names)
		for _, name := range in.RegionNames {
			if !slices.Contains(names, name) {
				return errorf("InvalidParameterValue", "Invalid region provided: %s", name)
			}
		}
		var all []*region
		for _, name := range names {
			if len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, name) {
				all = append(all, &region{name})
			}
		}
		found, _, err := page(q, slices.Values(all), regionResource, query{filters: in.Filters})
		out.Regions = each(found, func(r *region) ec2api.Region {
			return ec2api.Region{RegionName: r.name, Endpoint: "ec2." + r.name + ".amazonaws.com", OptInStatus: "opt-in-not-required"}
		})
		return err
	})
	return &out, err
}

var zoneResource = resource[zone]{
	id:   func(z *zone) string { return z.Name },
	tags: func(*zone) []state.Tag { return nil },
	fields: fields[zone]{
		"zone-name":     func(_ *scope, z *zone) []string { return one(z.Name) },
		"zone-id":       func(_ *scope, z *zone) []string { return one(z.ID) },
		"zone-type":     func(*scope, *zone) []string { return one("availability-zone") },
		"region-name":   func(q *scope, _ *zone) []string { return one(q.region) },
		"group-name":    func(q *scope, _ *zone) []string { return one(zoneGroup(q.region)) },
		"opt-in-status": func(*scope, *zone) []string { return one("opt-in-not-required") },
		"state":         func(*scope, *zone) []string { return one("available") },
	},
}

func zoneGroup(region string) string { return region + "-zg-1" }

// DescribeAvailabilityZones lists the zones of the region.
func (s *Service) DescribeAvailabilityZones(ctx context.Context, in *ec2api.DescribeAvailabilityZonesRequest) (*ec2api.DescribeAvailabilityZonesResult, error) {
	var out ec2api.DescribeAvailabilityZonesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		wanted := append(slices.Clone(in.ZoneNames), in.ZoneIds...)
		for _, name := range wanted {
			if _, ok := findZone(q.region, name); !ok {
				return kindAvailabilityZone.notFound(name)
			}
		}
		var all []*zone
		for _, z := range zones(q.region) {
			if len(wanted) == 0 || slices.Contains(wanted, z.Name) || slices.Contains(wanted, z.ID) {
				all = append(all, &z)
			}
		}
		found, _, err := page(q, slices.Values(all), zoneResource, query{filters: in.Filters})
		out.AvailabilityZones = each(found, func(z *zone) ec2api.AvailabilityZone {
			return ec2api.AvailabilityZone{
				ZoneName: z.Name, ZoneId: z.ID, ZoneType: "availability-zone", RegionName: q.region, State: "available",
				OptInStatus: "opt-in-not-required", GroupName: zoneGroup(q.region), NetworkBorderGroup: q.region, Messages: []ec2api.AvailabilityZoneMessage{},
			}
		})
		return err
	})
	return &out, err
}

// DescribeAccountAttributes tells the account's default VPC and limits.
func (s *Service) DescribeAccountAttributes(ctx context.Context, in *ec2api.DescribeAccountAttributesRequest) (*ec2api.DescribeAccountAttributesResult, error) {
	var out ec2api.DescribeAccountAttributesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		defaultVpc := "none"
		if v, ok := q.defaultVpc(); ok {
			defaultVpc = v.ID
		}
		values := []struct{ name, value string }{
			{"supported-platforms", "VPC"}, {"vpc-max-security-groups-per-interface", itoa(quotaInterfaceGroups.most)}, {"max-elastic-ips", itoa(quotaAddresses.most)},
			{"max-instances", "0"}, {"vpc-max-elastic-ips", itoa(quotaAddresses.most)}, {"default-vpc", defaultVpc},
		}
		for _, v := range values {
			if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, ec2api.AccountAttributeName(v.name)) {
				out.AccountAttributes = append(out.AccountAttributes, ec2api.AccountAttribute{
					AttributeName: v.name, AttributeValues: []ec2api.AccountAttributeValue{{AttributeValue: v.value}},
				})
			}
		}
		return nil
	})
	return &out, err
}
