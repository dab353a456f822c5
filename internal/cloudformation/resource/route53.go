package resource

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

func (r *Request) route53() route53api.API { return route53api.NewClient(r.Invoker) }

// hostedZone is AWS::Route53::HostedZone.
type hostedZone struct{}

var zoneVPC = Object(Properties{"VPCId": String.Required(), "VPCRegion": String.Required()})

var hostedZoneSchema = &Schema{
	Type: "AWS::Route53::HostedZone",
	Properties: Properties{
		"Name": String.Replaces(), "HostedZoneConfig": Object(Properties{"Comment": String}), "VPCs": ListOf(zoneVPC), "HostedZoneTags": Tags,
	},
	Attributes: []string{"Id", "NameServers"},
}

// Schema is the type's schema.
func (hostedZone) Schema() *Schema { return hostedZoneSchema }

func zoneVPCs(list *template.Value) []route53api.VPC {
	var out []route53api.VPC
	if list == nil {
		return nil
	}
	for _, v := range list.Items {
		out = append(out, route53api.VPC{VPCId: v.Get("VPCId").Str(), VPCRegion: route53api.VPCRegion(v.Get("VPCRegion").Str())})
	}
	return out
}

func zoneComment(props *template.Value) string {
	return props.Get("HostedZoneConfig").Get("Comment").Str()
}

// Create makes the zone with its VPCs and tags. Its caller reference is the
// resource's token, by which an earlier attempt's zone is found again.
func (t hostedZone) Create(ctx context.Context, r *Request) (Result, error) {
	vpcs := zoneVPCs(r.Properties.Get("VPCs"))
	in := &route53api.CreateHostedZoneRequest{Name: r.Text("Name"), CallerReference: r.clientToken(),
		HostedZoneConfig: &route53api.HostedZoneConfig{Comment: zoneComment(r.Properties), PrivateZone: len(vpcs) > 0}}
	if len(vpcs) > 0 {
		in.VPC = &vpcs[0]
	}
	if r.PhysicalID == "" {
		out, err := r.route53().CreateHostedZone(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = strings.TrimPrefix(out.HostedZone.Id, "/hostedzone/")
		case isCode(err, "HostedZoneAlreadyExists"):
			if r.PhysicalID, err = t.madeBefore(ctx, r, in.CallerReference); err != nil {
				return Result{}, err
			}
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	for _, v := range vpcs[min(1, len(vpcs)):] {
		if err := gone(t.associate(ctx, r, v), "ConflictingDomainExists"); err != nil {
			return Result{}, err
		}
	}
	if err := r.tagRoute53(ctx, route53api.TagResourceTypeHostedzone, "HostedZoneTags"); err != nil {
		return Result{}, err
	}
	return t.result(ctx, r)
}

// madeBefore is the zone of a caller reference.
func (hostedZone) madeBefore(ctx context.Context, r *Request, reference string) (string, error) {
	for marker := ""; ; {
		page, err := r.route53().ListHostedZones(ctx, &route53api.ListHostedZonesRequest{Marker: marker})
		if err != nil {
			return "", err
		}
		for _, z := range page.HostedZones {
			if z.CallerReference == reference {
				return strings.TrimPrefix(z.Id, "/hostedzone/"), nil
			}
		}
		if marker = page.NextMarker; marker == "" {
			return "", &Failure{Code: "NotFound", Message: "The hosted zone that was made is gone"}
		}
	}
}

func (hostedZone) associate(ctx context.Context, r *Request, v route53api.VPC) error {
	_, err := r.route53().AssociateVPCWithHostedZone(ctx, &route53api.AssociateVPCWithHostedZoneRequest{HostedZoneId: r.PhysicalID, VPC: &v})
	return err
}

// tagRoute53 brings the tags of a zone or health check to what a property of the template says.
func (r *Request) tagRoute53(ctx context.Context, kind route53api.TagResourceType, property string) error {
	set, removed := r.allTags(r.Properties.Get(property)), []string(nil)
	if r.Previous != nil {
		set, removed = r.tagChangeOf(property)
	}
	in := &route53api.ChangeTagsForResourceRequest{ResourceType: kind, ResourceId: r.PhysicalID, RemoveTagKeys: removed}
	for _, t := range set {
		in.AddTags = append(in.AddTags, route53api.Tag{Key: t.Key, Value: t.Value})
	}
	if in.AddTags == nil && in.RemoveTagKeys == nil {
		return nil
	}
	_, err := r.route53().ChangeTagsForResource(ctx, in)
	return err
}

func (hostedZone) result(ctx context.Context, r *Request) (Result, error) {
	out, err := r.route53().GetHostedZone(ctx, &route53api.GetHostedZoneRequest{Id: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	attributes := map[string]*template.Value{"Id": template.Text(r.PhysicalID), "NameServers": template.Strings(nil)}
	if out.DelegationSet != nil {
		attributes["NameServers"] = template.Strings(out.DelegationSet.NameServers)
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes}, nil
}

// Update changes the comment, the VPCs and the tags.
func (t hostedZone) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("HostedZoneConfig") {
		if _, err := r.route53().UpdateHostedZoneComment(ctx, &route53api.UpdateHostedZoneCommentRequest{Id: r.PhysicalID, Comment: zoneComment(r.Properties)}); err != nil {
			return Result{}, err
		}
	}
	before, wanted := zoneVPCs(r.Previous.Get("VPCs")), zoneVPCs(r.Properties.Get("VPCs"))
	for _, v := range wanted { // first, as a private zone keeps one at all times
		if !slices.Contains(before, v) {
			if err := gone(t.associate(ctx, r, v), "ConflictingDomainExists"); err != nil {
				return Result{}, err
			}
		}
	}
	for _, v := range before {
		if !slices.Contains(wanted, v) {
			_, err := r.route53().DisassociateVPCFromHostedZone(ctx, &route53api.DisassociateVPCFromHostedZoneRequest{HostedZoneId: r.PhysicalID, VPC: &v})
			if err := gone(err, "VPCAssociationNotFound"); err != nil {
				return Result{}, err
			}
		}
	}
	if err := r.tagRoute53(ctx, route53api.TagResourceTypeHostedzone, "HostedZoneTags"); err != nil {
		return Result{}, err
	}
	return t.result(ctx, r)
}

// Delete deletes the zone.
func (hostedZone) Delete(ctx context.Context, r *Request) error {
	_, err := r.route53().DeleteHostedZone(ctx, &route53api.DeleteHostedZoneRequest{Id: r.PhysicalID})
	return gone(err, "NoSuchHostedZone")
}
