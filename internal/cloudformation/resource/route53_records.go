package resource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// recordSet is AWS::Route53::RecordSet.
type recordSet struct{}

// recordSetGroup is AWS::Route53::RecordSetGroup.
type recordSetGroup struct{}

var recordProperties = Properties{
	"Name": String.Required(), "Type": String.Required(), "TTL": String, "ResourceRecords": Strings, "SetIdentifier": String, "Weight": Integer, "MultiValueAnswer": Boolean,
	"Failover": String, "Region": String, "HealthCheckId": String,
	"GeoLocation":          Object(Properties{"ContinentCode": String, "CountryCode": String, "SubdivisionCode": String}),
	"GeoProximityLocation": Object(Properties{"AWSRegion": String, "LocalZoneGroup": String, "Bias": Integer, "Coordinates": Object(Properties{"Latitude": String.Required(), "Longitude": String.Required()})}),
	"AliasTarget":          Object(Properties{"DNSName": String.Required(), "HostedZoneId": String.Required(), "EvaluateTargetHealth": Boolean}),
}

func withZone(more Properties) Properties {
	out := Properties{"HostedZoneId": String.Replaces(), "HostedZoneName": String.Replaces(), "Comment": String}
	maps.Copy(out, more)
	return out
}

var recordSetSchema = &Schema{Type: "AWS::Route53::RecordSet", Properties: withZone(renamedRecord())}

// renamedRecord are a record set's own properties: another name is another record.
func renamedRecord() Properties {
	p := maps.Clone(recordProperties)
	p["Name"] = String.Required().Replaces()
	return p
}

var recordSetGroupSchema = &Schema{Type: "AWS::Route53::RecordSetGroup", Properties: withZone(Properties{"RecordSets": ListOf(Object(recordProperties))})}

// Schema is the type's schema.
func (recordSet) Schema() *Schema { return recordSetSchema }

// Schema is the type's schema.
func (recordSetGroup) Schema() *Schema { return recordSetGroupSchema }

// zoneOf is the id of the zone that the properties name: by id, or by a name that
// one zone has.
func (r *Request) zoneOf(ctx context.Context, props *template.Value) (string, error) {
	id, name := props.Get("HostedZoneId").Str(), props.Get("HostedZoneName").Str()
	switch {
	case id != "" && name != "":
		return "", &Failure{Code: "InvalidRequest", Message: "Only one of HostedZoneName or HostedZoneId may be specified."}
	case id != "":
		return id, nil
	case !strings.HasSuffix(name, "."):
		return "", &Failure{Code: "InvalidRequest", Message: "HostedZoneName must end with a dot: give either HostedZoneId or HostedZoneName."}
	}
	out, err := r.route53().ListHostedZonesByName(ctx, &route53api.ListHostedZonesByNameRequest{DNSName: name})
	if err != nil {
		return "", err
	}
	var found []string
	for _, z := range out.HostedZones {
		if z.Name == strings.ToLower(name) {
			found = append(found, strings.TrimPrefix(z.Id, "/hostedzone/"))
		}
	}
	switch len(found) {
	case 0:
		return "", &Failure{Code: "NotFound", Message: "No hosted zones named " + name + " found"}
	case 1:
		return found[0], nil
	}
	return "", &Failure{Code: "InvalidRequest", Message: fmt.Sprintf("Found multiple hosted zones named %s", name)}
}

// recordOf is a record set as the API takes it.
func recordOf(props *template.Value) (route53api.ResourceRecordSet, error) {
	var out route53api.ResourceRecordSet
	if err := bind(props, &out, "ResourceRecords", "HostedZoneId", "HostedZoneName", "Comment"); err != nil {
		return out, err
	}
	if values := props.Get("ResourceRecords"); values != nil {
		for _, v := range values.Items {
			out.ResourceRecords = append(out.ResourceRecords, route53api.ResourceRecord{Value: v.Str()})
		}
	}
	return out, nil
}

// records are the record sets of the properties of either type.
func records(props *template.Value) ([]route53api.ResourceRecordSet, error) {
	items := []*template.Value{props}
	if group := props.Get("RecordSets"); group != nil {
		items = group.Items
	}
	var out []route53api.ResourceRecordSet
	for _, item := range items {
		r, err := recordOf(item)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func recordID(r route53api.ResourceRecordSet) string {
	return strings.ToLower(strings.TrimSuffix(r.Name, ".")) + " " + string(r.Type) + " " + r.SetIdentifier
}

// changeRecords makes the record sets of the properties, in place of those before.
// A first attempt creates, so that what somebody else made is not overwritten.
func (r *Request) changeRecords(ctx context.Context) error {
	zone, err := r.zoneOf(ctx, r.Properties)
	if err != nil {
		return err
	}
	wanted, err := records(r.Properties)
	if err != nil {
		return err
	}
	action := route53api.ChangeActionUpsert
	if r.Previous == nil && !r.Retry {
		action = route53api.ChangeActionCreate
	}
	batch := &route53api.ChangeBatch{Comment: r.Text("Comment")}
	if r.Previous != nil {
		before, err := records(r.Previous)
		if err != nil {
			return err
		}
		for _, b := range before {
			if !slices.ContainsFunc(wanted, func(w route53api.ResourceRecordSet) bool { return recordID(w) == recordID(b) }) {
				batch.Changes = append(batch.Changes, route53api.Change{Action: route53api.ChangeActionDelete, ResourceRecordSet: &b})
			}
		}
	}
	for _, w := range wanted {
		batch.Changes = append(batch.Changes, route53api.Change{Action: action, ResourceRecordSet: &w})
	}
	if len(batch.Changes) == 0 {
		return nil
	}
	_, err = r.route53().ChangeResourceRecordSets(ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: zone, ChangeBatch: batch})
	return err
}

// deleteRecords deletes the record sets, one by one: some may be gone.
func (r *Request) deleteRecords(ctx context.Context) error {
	zone, err := r.zoneOf(ctx, r.Properties)
	if err != nil {
		return gone(err)
	}
	all, err := records(r.Properties)
	if err != nil {
		return err
	}
	for _, one := range all {
		_, err := r.route53().ChangeResourceRecordSets(ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: zone, ChangeBatch: &route53api.ChangeBatch{
			Changes: []route53api.Change{{Action: route53api.ChangeActionDelete, ResourceRecordSet: &one}}}})
		if isCode(err, "InvalidChangeBatch") && strings.Contains(err.Error(), "but it was not found") {
			continue
		}
		if err := gone(err, "NoSuchHostedZone"); err != nil {
			return err
		}
	}
	return nil
}

// Create makes the record set; Ref returns its name.
func (recordSet) Create(ctx context.Context, r *Request) (Result, error) {
	if err := r.changeRecords(ctx); err != nil {
		return Result{}, err
	}
	r.PhysicalID = strings.TrimSuffix(r.Text("Name"), ".")
	return Result{PhysicalID: r.PhysicalID}, r.Created(r.PhysicalID)
}

// Update changes the record set; another type is another record in its place.
func (recordSet) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, r.changeRecords(ctx)
}

// Delete deletes the record set.
func (recordSet) Delete(ctx context.Context, r *Request) error { return r.deleteRecords(ctx) }

// Create makes the record sets.
func (recordSetGroup) Create(ctx context.Context, r *Request) (Result, error) {
	if err := r.changeRecords(ctx); err != nil {
		return Result{}, err
	}
	r.PhysicalID = r.StackName + "-" + r.LogicalID + "-" + r.Token
	return Result{PhysicalID: r.PhysicalID}, r.Created(r.PhysicalID)
}

// Update changes the record sets.
func (recordSetGroup) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, r.changeRecords(ctx)
}

// Delete deletes the record sets.
func (recordSetGroup) Delete(ctx context.Context, r *Request) error { return r.deleteRecords(ctx) }
