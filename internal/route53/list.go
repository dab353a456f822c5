package route53

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const (
	maxZones   = 100 // in an answer
	maxRecords = 300 // in an answer
)

// GetHostedZoneCount counts the account's zones.
func (s *Service) GetHostedZoneCount(ctx context.Context, _ *route53api.GetHostedZoneCountRequest) (*route53api.GetHostedZoneCountResponse, error) {
	return &route53api.GetHostedZoneCountResponse{HostedZoneCount: int64(len(s.zones(ctx)))}, nil
}

func (s *Service) zones(ctx context.Context) []*state.HostedZone {
	return slices.Collect(state.HostedZones.All(s.DB.Read(), caller.From(ctx).Account+"/"))
}

// ListHostedZones lists the account's zones by id.
func (s *Service) ListHostedZones(ctx context.Context, in *route53api.ListHostedZonesRequest) (*route53api.ListHostedZonesResponse, error) {
	most, err := items(in.MaxItems, maxZones)
	if err != nil {
		return nil, err
	}
	if in.DelegationSetId != "" {
		return nil, &route53api.NoSuchDelegationSet{Message: "Delegation set " + in.DelegationSetId + " not found. Neargate has no reusable delegation sets."}
	}
	out := &route53api.ListHostedZonesResponse{HostedZones: []route53api.HostedZone{}, Marker: in.Marker, MaxItems: strconv.Itoa(most)}
	for _, z := range s.zones(ctx) {
		if z.ID < in.Marker || in.HostedZoneType == route53api.HostedZoneTypePrivateHostedZone && !z.Private {
			continue
		}
		if len(out.HostedZones) == most {
			out.IsTruncated, out.NextMarker = true, z.ID
			break
		}
		out.HostedZones = append(out.HostedZones, *describe(s.DB.Read(), z))
	}
	return out, nil
}

// ListHostedZonesByName lists the account's zones by name, from its last label on.
func (s *Service) ListHostedZonesByName(ctx context.Context, in *route53api.ListHostedZonesByNameRequest) (*route53api.ListHostedZonesByNameResponse, error) {
	most, err := items(in.MaxItems, maxZones)
	if err != nil {
		return nil, err
	}
	if in.HostedZoneId != "" && in.DNSName == "" {
		return nil, invalid("HostedZoneId needs DNSName")
	}
	all := s.zones(ctx)
	order := func(name, id string) string { return state.RecordSetKey("", name, id, "") }
	slices.SortFunc(all, func(a, b *state.HostedZone) int { return cmp.Compare(order(a.Name, a.ID), order(b.Name, b.ID)) })
	from := ""
	if in.DNSName != "" {
		from = order(normal(in.DNSName), bare(in.HostedZoneId))
	}
	out := &route53api.ListHostedZonesByNameResponse{HostedZones: []route53api.HostedZone{}, DNSName: in.DNSName, HostedZoneId: in.HostedZoneId, MaxItems: strconv.Itoa(most)}
	for _, z := range all {
		if order(z.Name, z.ID) < from {
			continue
		}
		if len(out.HostedZones) == most {
			out.IsTruncated, out.NextDNSName, out.NextHostedZoneId = true, z.Name, z.ID
			break
		}
		out.HostedZones = append(out.HostedZones, *describe(s.DB.Read(), z))
	}
	return out, nil
}

// ListHostedZonesByVPC lists the private zones that a VPC's resolver answers for.
func (s *Service) ListHostedZonesByVPC(ctx context.Context, in *route53api.ListHostedZonesByVPCRequest) (*route53api.ListHostedZonesByVPCResponse, error) {
	most, err := items(in.MaxItems, maxZones)
	if err != nil {
		return nil, err
	}
	account, tx := caller.From(ctx).Account, s.DB.Read()
	if _, ok := state.Vpcs.Get(tx, state.Key(account, string(in.VPCRegion), in.VPCId)); !ok {
		return nil, &route53api.InvalidVPCId{Message: "The VPC: " + in.VPCId + " in region " + string(in.VPCRegion) + " that you provided is not found."}
	}
	out := &route53api.ListHostedZonesByVPCResponse{HostedZoneSummaries: []route53api.HostedZoneSummary{}, MaxItems: strconv.Itoa(most)}
	for z := range state.HostedZones.By(tx, "vpc", in.VPCId) {
		if z.ID <= in.NextToken {
			continue
		}
		if len(out.HostedZoneSummaries) == most {
			out.NextToken = out.HostedZoneSummaries[most-1].HostedZoneId
			break
		}
		out.HostedZoneSummaries = append(out.HostedZoneSummaries, route53api.HostedZoneSummary{HostedZoneId: z.ID, Name: z.Name, Owner: &route53api.HostedZoneOwner{OwningAccount: z.Account}})
	}
	return out, nil
}

// ListResourceRecordSets lists a zone's record sets by name, from its last label
// on, and type.
func (s *Service) ListResourceRecordSets(ctx context.Context, in *route53api.ListResourceRecordSetsRequest) (*route53api.ListResourceRecordSetsResponse, error) {
	most, err := items(in.MaxItems, maxRecords)
	if err != nil {
		return nil, err
	}
	tx := s.DB.Read()
	z, err := zone(ctx, tx, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	switch {
	case in.StartRecordType != "" && in.StartRecordName == "":
		return nil, invalid("The input is not valid: a type needs a name")
	case in.StartRecordIdentifier != "" && in.StartRecordType == "":
		return nil, invalid("The input is not valid: an identifier needs a name and a type")
	}
	from := ""
	if in.StartRecordName != "" {
		from = strings.TrimRight(state.RecordSetKey(z.ID, normal(in.StartRecordName), string(in.StartRecordType), in.StartRecordIdentifier), "\x01")
	}
	out := &route53api.ListResourceRecordSetsResponse{ResourceRecordSets: []route53api.ResourceRecordSet{}, MaxItems: strconv.Itoa(most)}
	for r := range state.RecordSets.All(tx, z.ID+"/") {
		if r.Key() < from {
			continue
		}
		if len(out.ResourceRecordSets) == most {
			out.IsTruncated, out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = true, r.Name, route53api.RRType(r.Type), r.SetIdentifier
			break
		}
		out.ResourceRecordSets = append(out.ResourceRecordSets, view(r))
	}
	return out, nil
}

// view is a record set as the API has it.
func view(r *state.RecordSet) route53api.ResourceRecordSet {
	out := route53api.ResourceRecordSet{Name: r.Name, Type: route53api.RRType(r.Type), SetIdentifier: r.SetIdentifier, HealthCheckId: r.HealthCheckID}
	viewPolicy(&out, r)
	if r.Alias != nil {
		out.AliasTarget = &route53api.AliasTarget{HostedZoneId: r.Alias.HostedZoneID, DNSName: r.Alias.DNSName, EvaluateTargetHealth: r.Alias.EvaluateTargetHealth}
		return out
	}
	out.TTL = new(r.TTL)
	for _, v := range r.Values {
		out.ResourceRecords = append(out.ResourceRecords, route53api.ResourceRecord{Value: v})
	}
	return out
}
