package route53

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateHostedZone makes a zone with its NS and SOA records: a private one where a
// VPC is given.
func (s *Service) CreateHostedZone(ctx context.Context, in *route53api.CreateHostedZoneRequest) (*route53api.CreateHostedZoneResponse, error) {
	id := caller.From(ctx)
	z := &state.HostedZone{Account: id.Account, ID: "Z" + ids.Upper(20), Name: normal(in.Name), CallerReference: in.CallerReference, CreatedAt: s.Now().UTC()}
	if !validName(z.Name) {
		return nil, &route53api.InvalidDomainName{Message: in.Name + " is not a valid domain name"}
	}
	if in.DelegationSetId != "" {
		return nil, &route53api.NoSuchDelegationSet{Message: "Delegation set " + in.DelegationSetId + " not found. Neargate has no reusable delegation sets."}
	}
	private := in.HostedZoneConfig != nil && in.HostedZoneConfig.PrivateZone
	if in.HostedZoneConfig != nil {
		z.Comment = in.HostedZoneConfig.Comment
	}
	if private && in.VPC == nil {
		return nil, invalid("When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.")
	}
	z.NameServers = nameServers(z.ID)
	if in.VPC != nil {
		z.Private, z.NameServers = true, privateServers
	}
	if id.ViaService == cloudMap {
		z.LinkedService, z.LinkedTo = cloudMap, in.CallerReference // which is the ARN of its namespace
	}
	info, err := s.change(ctx, "", func(tx *store.Tx) error {
		for range state.HostedZones.By(tx, "reference", z.Account+"/"+z.CallerReference) {
			return &route53api.HostedZoneAlreadyExists{Message: "A hosted zone has already been created with the specified caller reference."}
		}
		if in.VPC != nil {
			if err := associate(tx, id.Account, z, in.VPC); err != nil {
				return err
			}
		}
		state.HostedZones.Put(tx, z)
		ttl, day := int64(900), int64(172_800)
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: z.ID, Name: z.Name, Type: "NS", TTL: day, Values: dotted(z.NameServers)})
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: z.ID, Name: z.Name, Type: "SOA", TTL: ttl, Values: []string{z.NameServers[0] + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	tx := s.DB.Read()
	return &route53api.CreateHostedZoneResponse{
		HostedZone: describe(tx, z), ChangeInfo: info, DelegationSet: delegation(z), VPC: in.VPC, Location: "https://route53.amazonaws.com/2013-04-01/hostedzone/" + z.ID,
	}, nil
}

// privateServers are the name servers of every private zone.
var privateServers = []string{"ns-0.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org", "ns-1536.awsdns-00.co.uk"}

// nameServers are those of a public zone; they follow from its id.
func nameServers(id string) []string {
	h := fnv.New32a()
	h.Write([]byte(id))
	n := h.Sum32()
	var out []string
	for i, tld := range []string{"com", "net", "org", "co.uk"} {
		out = append(out, fmt.Sprintf("ns-%d.awsdns-%02d.%s", 512*i+int(n>>uint(4*i))%512, n%64, tld))
	}
	return out
}

func dotted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n + "."
	}
	return out
}

func delegation(z *state.HostedZone) *route53api.DelegationSet {
	return &route53api.DelegationSet{NameServers: z.NameServers}
}

func describe(tx *store.Tx, z *state.HostedZone) *route53api.HostedZone {
	count := int64(0)
	for range state.RecordSets.All(tx, z.ID+"/") {
		count++
	}
	out := &route53api.HostedZone{Id: "/hostedzone/" + z.ID, Name: z.Name, CallerReference: z.CallerReference,
		Config: &route53api.HostedZoneConfig{Comment: z.Comment, PrivateZone: z.Private}, ResourceRecordSetCount: count}
	if z.LinkedService != "" {
		out.LinkedService = &route53api.LinkedService{ServicePrincipal: z.LinkedService, Description: z.LinkedTo}
	}
	return out
}

func vpcs(z *state.HostedZone) []route53api.VPC {
	var out []route53api.VPC
	for _, v := range z.VPCs {
		out = append(out, route53api.VPC{VPCRegion: route53api.VPCRegion(v.Region), VPCId: v.VpcID})
	}
	return out
}

// associate adds a VPC of the account to a private zone's record.
func associate(tx *store.Tx, account string, z *state.HostedZone, v *route53api.VPC) error {
	if v.VPCId == "" || v.VPCRegion == "" {
		return invalid("VPCId and VPCRegion are both required")
	}
	if _, ok := state.Vpcs.Get(tx, state.Key(account, string(v.VPCRegion), v.VPCId)); !ok {
		return &route53api.InvalidVPCId{Message: fmt.Sprintf("The VPC: %s in region %s that you provided is not found.", v.VPCId, v.VPCRegion)}
	}
	for other := range state.HostedZones.By(tx, "vpc", v.VPCId) {
		if other.Name == z.Name {
			return &route53api.ConflictingDomainExists{Message: fmt.Sprintf("The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.", v.VPCId, v.VPCRegion, other.ID)}
		}
	}
	z.VPCs = append(slices.Clone(z.VPCs), state.ZoneVPC{Region: string(v.VPCRegion), VpcID: v.VPCId})
	return nil
}

// AssociateVPCWithHostedZone lets another VPC's resolver answer for a private zone.
func (s *Service) AssociateVPCWithHostedZone(ctx context.Context, in *route53api.AssociateVPCWithHostedZoneRequest) (*route53api.AssociateVPCWithHostedZoneResponse, error) {
	info, err := s.change(ctx, in.Comment, func(tx *store.Tx) error {
		z, err := zone(ctx, tx, in.HostedZoneId)
		if err != nil {
			return err
		}
		if !z.Private {
			return &route53api.PublicZoneVPCAssociation{Message: "The hosted zone " + z.ID + " is a public hosted zone: it cannot be associated with a VPC."}
		}
		changed := *z
		if err := associate(tx, z.Account, &changed, in.VPC); err != nil {
			return err
		}
		state.HostedZones.Put(tx, &changed)
		return nil
	})
	return &route53api.AssociateVPCWithHostedZoneResponse{ChangeInfo: info}, err
}

// DisassociateVPCFromHostedZone takes a VPC from a private zone, which keeps one.
func (s *Service) DisassociateVPCFromHostedZone(ctx context.Context, in *route53api.DisassociateVPCFromHostedZoneRequest) (*route53api.DisassociateVPCFromHostedZoneResponse, error) {
	info, err := s.change(ctx, in.Comment, func(tx *store.Tx) error {
		z, err := zone(ctx, tx, in.HostedZoneId)
		if err != nil {
			return err
		}
		rest := slices.DeleteFunc(slices.Clone(z.VPCs), func(v state.ZoneVPC) bool { return v.VpcID == in.VPC.VPCId && v.Region == string(in.VPC.VPCRegion) })
		switch {
		case len(rest) == len(z.VPCs):
			return &route53api.VPCAssociationNotFound{Message: fmt.Sprintf("The VPC %s in region %s isn't associated with hosted zone %s.", in.VPC.VPCId, in.VPC.VPCRegion, z.ID)}
		case len(rest) == 0:
			return &route53api.LastVPCAssociation{Message: fmt.Sprintf("The VPC %s in region %s is the last one that is associated with hosted zone %s.", in.VPC.VPCId, in.VPC.VPCRegion, z.ID)}
		}
		changed := *z
		changed.VPCs = rest
		state.HostedZones.Put(tx, &changed)
		return nil
	})
	return &route53api.DisassociateVPCFromHostedZoneResponse{ChangeInfo: info}, err
}

// GetHostedZone describes a zone.
func (s *Service) GetHostedZone(ctx context.Context, in *route53api.GetHostedZoneRequest) (*route53api.GetHostedZoneResponse, error) {
	tx := s.DB.Read()
	z, err := zone(ctx, tx, in.Id)
	if err != nil {
		return nil, err
	}
	out := &route53api.GetHostedZoneResponse{HostedZone: describe(tx, z), VPCs: vpcs(z)}
	if !z.Private {
		out.DelegationSet = delegation(z)
	}
	return out, nil
}

// UpdateHostedZoneComment changes a zone's comment.
func (s *Service) UpdateHostedZoneComment(ctx context.Context, in *route53api.UpdateHostedZoneCommentRequest) (*route53api.UpdateHostedZoneCommentResponse, error) {
	var changed state.HostedZone
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		z, err := zone(ctx, tx, in.Id)
		if err != nil {
			return err
		}
		changed = *z
		changed.Comment = in.Comment
		state.HostedZones.Put(tx, &changed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.UpdateHostedZoneCommentResponse{HostedZone: describe(s.DB.Read(), &changed)}, nil
}

// DeleteHostedZone deletes a zone that has no records but its own.
func (s *Service) DeleteHostedZone(ctx context.Context, in *route53api.DeleteHostedZoneRequest) (*route53api.DeleteHostedZoneResponse, error) {
	info, err := s.change(ctx, "", func(tx *store.Tx) error {
		z, err := ownZone(ctx, tx, in.Id)
		if err != nil {
			return err
		}
		all := slices.Collect(state.RecordSets.All(tx, z.ID+"/"))
		if slices.ContainsFunc(all, func(r *state.RecordSet) bool { return !own(z, r.Name, r.Type) }) {
			return &route53api.HostedZoneNotEmpty{Message: "The specified hosted zone contains non-required resource record sets and so cannot be deleted."}
		}
		for _, r := range all {
			state.RecordSets.Delete(tx, r.Key())
		}
		state.HostedZones.Delete(tx, z.Key())
		return nil
	})
	return &route53api.DeleteHostedZoneResponse{ChangeInfo: info}, err
}

// own reports whether a record is one that the zone must have.
func own(z *state.HostedZone, name, recordType string) bool {
	return name == z.Name && (recordType == "NS" || recordType == "SOA")
}

// within reports whether a name is the zone's or below it.
func within(z *state.HostedZone, name string) bool {
	return name == z.Name || strings.HasSuffix(name, "."+z.Name)
}
