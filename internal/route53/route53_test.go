package route53

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const account = "000000000000"

type world struct {
	*Service
	t       *testing.T
	ctx     context.Context
	changed int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: caller.With(t.Context(), caller.ForRoot(account, "us-east-1"))}
	w.Service = New(Options{DB: db, Changed: func() { w.changed++ }, Now: time.Now})
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for _, id := range []string{"vpc-1", "vpc-2"} {
			state.Vpcs.Put(tx, &state.Vpc{Account: account, Region: "eu-west-1", ID: id})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) zone(name string, vpc string) string {
	w.t.Helper()
	in := &route53api.CreateHostedZoneRequest{Name: name, CallerReference: name + vpc + fmt.Sprint(w.changed)}
	if vpc != "" {
		in.VPC = &route53api.VPC{VPCId: vpc, VPCRegion: "eu-west-1"}
	}
	out, err := w.CreateHostedZone(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return bare(out.HostedZone.Id)
}

// change is a batch: ACTION NAME TYPE TTL VALUE|VALUE, or ACTION NAME TYPE alias ZONE TARGET.
func (w *world) change(zone string, lines ...string) error {
	w.t.Helper()
	batch := &route53api.ChangeBatch{}
	for _, line := range lines {
		f := strings.SplitN(line, " ", 5)
		set := &route53api.ResourceRecordSet{Name: f[1], Type: route53api.RRType(f[2])}
		if f[3] == "alias" {
			id, target, _ := strings.Cut(f[4], " ")
			set.AliasTarget = &route53api.AliasTarget{HostedZoneId: id, DNSName: target}
		} else {
			ttl := int64(0)
			fmt.Sscan(f[3], &ttl)
			set.TTL = &ttl
			for v := range strings.SplitSeq(f[4], "|") {
				set.ResourceRecords = append(set.ResourceRecords, route53api.ResourceRecord{Value: v})
			}
		}
		batch.Changes = append(batch.Changes, route53api.Change{Action: route53api.ChangeAction(f[0]), ResourceRecordSet: set})
	}
	_, err := w.ChangeResourceRecordSets(w.ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: zone, ChangeBatch: batch})
	return err
}

func (w *world) list(zone string) string {
	w.t.Helper()
	out, err := w.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: zone})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, r := range out.ResourceRecordSets {
		lines = append(lines, r.Name+" "+string(r.Type))
	}
	return strings.Join(lines, ", ")
}

func wants(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v\nwant %s", what, err, text)
	}
}

func TestZones(t *testing.T) {
	w := newWorld(t)
	public := w.zone("Example.COM", "")
	got, err := w.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: "/hostedzone/" + public})
	if err != nil || got.HostedZone.Name != "example.com." || len(got.DelegationSet.NameServers) != 4 || got.VPCs != nil || got.HostedZone.ResourceRecordSetCount != 2 {
		t.Errorf("%+v %v", got, err)
	}
	private := w.zone("example.com", "vpc-1")
	got, err = w.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: private})
	if err != nil || !got.HostedZone.Config.PrivateZone || got.DelegationSet != nil || len(got.VPCs) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	vpc := func(id string) *route53api.VPC { return &route53api.VPC{VPCId: id, VPCRegion: "eu-west-1"} }
	_, err = w.CreateHostedZone(w.ctx, &route53api.CreateHostedZoneRequest{Name: "example.com", CallerReference: "x", VPC: vpc("vpc-1")})
	wants(t, "a second zone of the name", err, "ConflictingDomainExists: The VPC vpc-1 in region eu-west-1 has already been associated with the hosted zone "+private)
	_, err = w.CreateHostedZone(w.ctx, &route53api.CreateHostedZoneRequest{Name: "example.com", CallerReference: "x", VPC: vpc("vpc-9")})
	wants(t, "no such VPC", err, "InvalidVPCId")
	_, err = w.CreateHostedZone(w.ctx, &route53api.CreateHostedZoneRequest{Name: "a..b", CallerReference: "x"})
	wants(t, "a name", err, "InvalidDomainName: a..b is not a valid domain name")
	_, err = w.CreateHostedZone(w.ctx, &route53api.CreateHostedZoneRequest{Name: "example.com", CallerReference: "Example.COM0"})
	wants(t, "a caller reference again", err, "HostedZoneAlreadyExists")
	_, err = w.AssociateVPCWithHostedZone(w.ctx, &route53api.AssociateVPCWithHostedZoneRequest{HostedZoneId: public, VPC: vpc("vpc-2")})
	wants(t, "a public zone", err, "PublicZoneVPCAssociation")
	out, err := w.AssociateVPCWithHostedZone(w.ctx, &route53api.AssociateVPCWithHostedZoneRequest{HostedZoneId: private, VPC: vpc("vpc-2")})
	if err != nil || out.ChangeInfo.Status != "INSYNC" {
		t.Errorf("%+v %v", out, err)
	}
	if c, err := w.GetChange(w.ctx, &route53api.GetChangeRequest{Id: out.ChangeInfo.Id}); err != nil || c.ChangeInfo.Status != "INSYNC" {
		t.Errorf("%+v %v", c, err)
	}
	_, err = w.GetChange(w.ctx, &route53api.GetChangeRequest{Id: "C1"})
	wants(t, "no such change", err, "NoSuchChange: Could not find resource with ID: C1")
	if l, err := w.ListHostedZonesByVPC(w.ctx, &route53api.ListHostedZonesByVPCRequest{VPCId: "vpc-2", VPCRegion: "eu-west-1"}); err != nil || len(l.HostedZoneSummaries) != 1 || l.HostedZoneSummaries[0].Owner.OwningAccount != account {
		t.Errorf("%+v %v", l, err)
	}
	if _, err := w.DisassociateVPCFromHostedZone(w.ctx, &route53api.DisassociateVPCFromHostedZoneRequest{HostedZoneId: private, VPC: vpc("vpc-1")}); err != nil {
		t.Error(err)
	}
	_, err = w.DisassociateVPCFromHostedZone(w.ctx, &route53api.DisassociateVPCFromHostedZoneRequest{HostedZoneId: private, VPC: vpc("vpc-2")})
	wants(t, "the last VPC", err, "LastVPCAssociation")
	w.zone("b.test", "")
	w.zone("a.test", "")
	byName, err := w.ListHostedZonesByName(w.ctx, &route53api.ListHostedZonesByNameRequest{DNSName: "a.test", MaxItems: "1"})
	if err != nil || len(byName.HostedZones) != 1 || byName.HostedZones[0].Name != "a.test." || !byName.IsTruncated || byName.NextDNSName != "b.test." {
		t.Errorf("%+v %v", byName, err)
	}
	if n, err := w.GetHostedZoneCount(w.ctx, &route53api.GetHostedZoneCountRequest{}); err != nil || n.HostedZoneCount != 4 {
		t.Errorf("%+v %v", n, err)
	}
	if err := w.change(public, "CREATE www.example.com A 60 10.0.0.1"); err != nil {
		t.Fatal(err)
	}
	_, err = w.DeleteHostedZone(w.ctx, &route53api.DeleteHostedZoneRequest{Id: public})
	wants(t, "a zone with records", err, "HostedZoneNotEmpty")
	if _, err := w.DeleteHostedZone(w.ctx, &route53api.DeleteHostedZoneRequest{Id: private}); err != nil {
		t.Error(err)
	}
	_, err = w.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: private})
	wants(t, "a zone that is gone", err, "NoSuchHostedZone: No hosted zone found with ID: "+private)
}

func TestRecords(t *testing.T) {
	w := newWorld(t)
	z := w.zone("example.com", "")
	before := w.changed
	if err := w.change(z, "CREATE www.example.com A 60 10.0.0.1|10.0.0.2", "UPSERT *.example.com TXT 5 \"a\"", "CREATE a.b.example.com CNAME 5 www.example.com", "CREATE example.com MX 5 10 mail.example.com.",
		"CREATE _x._tcp.example.com SRV 5 1 1 80 www.example.com", "CREATE example.com A alias Z35SXDOTRQ7X7K dualstack.lb-1.us-east-1.elb.amazonaws.com", "CREATE here.example.com A alias "+z+" www.example.com"); err != nil {
		t.Fatal(err)
	}
	if w.changed != before+1 {
		t.Error("resolvers are not told")
	}
	const want = `example.com. A, example.com. MX, example.com. NS, example.com. SOA, \052.example.com. TXT, _x._tcp.example.com. SRV, a.b.example.com. CNAME, here.example.com. A, www.example.com. A`
	if got := w.list(z); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	page, err := w.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: z, StartRecordName: "a.b.example.com", MaxItems: "1"})
	if err != nil || len(page.ResourceRecordSets) != 1 || page.ResourceRecordSets[0].Type != "CNAME" || page.NextRecordName != "here.example.com." || page.NextRecordType != "A" {
		t.Errorf("%+v %v", page, err)
	}
	for line, fault := range map[string]string{
		"CREATE www.example.com A 60 10.0.0.9":                       "[Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]",
		"DELETE none.example.com A 60 10.0.0.9":                      "[Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found]",
		"DELETE www.example.com A 60 10.0.0.1":                       "but the values provided do not match the current values]",
		"CREATE www.other.com A 60 10.0.0.1":                         "[RRSet with DNS name www.other.com. is not permitted in zone example.com.]",
		"CREATE x.example.com A 60 10.0.0":                           "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '10.0.0'",
		"CREATE x.example.com AAAA 60 10.0.0.1":                      "AAAARRDATAIllegalIPv6Address",
		"CREATE x.example.com TXT 60 bare":                           "should be enclosed in quotation marks",
		"CREATE x.example.com SRV 60 1 2":                            "Value is not valid for the type SRV",
		"UPSERT example.com CNAME 60 www.example.com":                "is not permitted at apex in zone example.com.",
		"UPSERT www.example.com CNAME 60 other.example.com":          "RRSet of type CNAME with DNS name www.example.com. is not permitted because a conflicting RRSet",
		"CREATE x.example.com A 60 10.0.0.1|10.0.0.1":                "Duplicate Resource Record: '10.0.0.1'",
		"CREATE x.example.com A alias " + z + " none.example.com":    "but that target was not found",
		"CREATE x.example.com A alias " + z + " www.test":            "does not lie within the target zone",
		"CREATE x.example.com A alias Z2 d1.cloudfront.net":          "Neargate has aliases to load balancers, VPC endpoints and records of the same zone only",
		"DELETE example.com NS 172800 " + strings.Join(w.ns(z), "|"): "A HostedZone must contain at least one NS record",
	} {
		err := w.change(z, "UPSERT both.example.com A 1 10.0.0.1", line)
		wants(t, line, err, "InvalidChangeBatch: [")
		wants(t, line, err, fault)
	}
	if got := w.list(z); got != want {
		t.Errorf("a refused batch left %s", got)
	}
	if err := w.change(z, "DELETE www.example.com A 60 10.0.0.2|10.0.0.1", "DELETE here.example.com A alias "+z+" www.example.com"); err != nil {
		t.Error(err)
	}
}

func (w *world) ns(z string) []string {
	got, err := w.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: z})
	if err != nil {
		w.t.Fatal(err)
	}
	return dotted(got.DelegationSet.NameServers)
}

func TestRoutingPolicies(t *testing.T) {
	w := newWorld(t)
	z := w.zone("example.com", "")
	put := func(change func(*route53api.ResourceRecordSet)) error {
		set := &route53api.ResourceRecordSet{Name: "w.example.com", Type: "A", TTL: new(int64(5)), ResourceRecords: []route53api.ResourceRecord{{Value: "10.0.0.1"}}}
		change(set)
		_, err := w.ChangeResourceRecordSets(w.ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: z, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{Action: "CREATE", ResourceRecordSet: set}}}})
		return err
	}
	for _, id := range []string{"one", "two"} {
		if err := put(func(r *route53api.ResourceRecordSet) { r.SetIdentifier, r.Weight = id, new(int64(0)) }); err != nil {
			t.Fatal(err)
		}
	}
	out, err := w.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: z, StartRecordName: "w.example.com"})
	if err != nil || len(out.ResourceRecordSets) != 2 || out.ResourceRecordSets[0].SetIdentifier != "one" || *out.ResourceRecordSets[0].Weight != 0 {
		t.Errorf("%+v %v", out, err)
	}
	for fault, change := range map[string]func(*route53api.ResourceRecordSet){
		"non multivalue answer rrset exists": func(r *route53api.ResourceRecordSet) { r.SetIdentifier, r.MultiValueAnswer = "three", new(true) },
		"Missing field 'SetIdentifier'":      func(r *route53api.ResourceRecordSet) { r.Weight = new(int64(1)) },
		"but found none in Change":           func(r *route53api.ResourceRecordSet) { r.SetIdentifier = "x" },
		"but found more than one in Change": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.Weight, r.MultiValueAnswer = "x", new(int64(1)), new(true)
		},
		"Neargate does not carry out ResourceRecordSet.CidrRoutingConfig": func(r *route53api.ResourceRecordSet) {
			r.CidrRoutingConfig = &route53api.CidrRoutingConfig{}
		},
		"Neargate does not carry out ResourceRecordSet.GeoProximityLocation.LocalZoneGroup": func(r *route53api.ResourceRecordSet) {
			r.GeoProximityLocation = &route53api.GeoProximityLocation{LocalZoneGroup: "us-east-1-bue-1"}
		},
		"[A non-alias primary ResourceRecordSet must have an associated health check. No changes made.]": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.Failover = "x", "PRIMARY"
		},
		"[RRSet with DNS name w.example.com., type A cannot be created as other RRSets exist with the same name and type.]": func(*route53api.ResourceRecordSet) {},
		"[RRSet with DNS name w.example.com., type A, SetIdentifier x cannot be created as a non-latency set exists with the same name and type.]": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.Region = "x", "eu-west-1"
		},
		"[RRSet with DNS name w.example.com., type A, SetIdentifier x cannot be created as weighted sets must contain the same TTL.]": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.Weight, r.TTL = "x", new(int64(1)), new(int64(6))
		},
		"The geolocation [ContinentCode=EU, CountryCode=DE, SubdivisionCode=null] is not valid": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.GeoLocation = "x", &route53api.GeoLocation{ContinentCode: "EU", CountryCode: "DE"}
		},
		"The geolocation [ContinentCode=null, CountryCode=DE, SubdivisionCode=BY] is not valid": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.GeoLocation = "x", &route53api.GeoLocation{CountryCode: "DE", SubdivisionCode: "BY"}
		},
		"The geoproximity location [AWSRegion=null, Latitude=91, Longitude=0] is not valid": func(r *route53api.ResourceRecordSet) {
			r.SetIdentifier, r.GeoProximityLocation = "x", &route53api.GeoProximityLocation{Coordinates: &route53api.Coordinates{Latitude: "91", Longitude: "0"}}
		},
		"Missing field 'TTL' or 'ResourceRecords'": func(r *route53api.ResourceRecordSet) { r.TTL = nil },
	} {
		wants(t, fault, put(change), fault)
	}
}

// TestPoliciesComeBack: a record set of each policy is listed as it was made, and is
// deleted by the same words only.
func TestPoliciesComeBack(t *testing.T) {
	w := newWorld(t)
	z := w.zone("example.com", "")
	carry := func(action route53api.ChangeAction, set route53api.ResourceRecordSet) error {
		_, err := w.ChangeResourceRecordSets(w.ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: z, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{Action: action, ResourceRecordSet: &set}}}})
		return err
	}
	balancer := &route53api.AliasTarget{HostedZoneId: "Z35SXDOTRQ7X7K", DNSName: "lb-1.us-east-1.elb.amazonaws.com.", EvaluateTargetHealth: true}
	values := []route53api.ResourceRecord{{Value: "10.0.0.1"}}
	for i, set := range []route53api.ResourceRecordSet{
		{Weight: new(int64(5)), AliasTarget: balancer},
		{Failover: "PRIMARY", AliasTarget: balancer},
		{Failover: "SECONDARY", TTL: new(int64(5)), ResourceRecords: values},
		{Region: "eu-west-1", TTL: new(int64(5)), ResourceRecords: values},
		{GeoLocation: &route53api.GeoLocation{CountryCode: "US", SubdivisionCode: "VA"}, TTL: new(int64(5)), ResourceRecords: values},
		{GeoLocation: &route53api.GeoLocation{CountryCode: "*"}, TTL: new(int64(5)), ResourceRecords: values},
		{GeoProximityLocation: &route53api.GeoProximityLocation{Coordinates: &route53api.Coordinates{Latitude: "49.22", Longitude: "-74.01"}, Bias: 10}, TTL: new(int64(5)), ResourceRecords: values},
		{GeoProximityLocation: &route53api.GeoProximityLocation{AWSRegion: "eu-west-1"}, TTL: new(int64(5)), ResourceRecords: values},
		{MultiValueAnswer: new(true), TTL: new(int64(5)), ResourceRecords: values},
	} {
		set.Name, set.Type, set.SetIdentifier = fmt.Sprintf("r%d.example.com.", i), "A", "it"
		if err := carry("CREATE", set); err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		out, err := w.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: z, StartRecordName: set.Name, StartRecordType: "A", MaxItems: "1"})
		if err != nil || len(out.ResourceRecordSets) != 1 || !reflect.DeepEqual(out.ResourceRecordSets[0], set) {
			t.Errorf("%d: %+v %v\nwant %+v", i, out, err, set)
		}
		other := set
		other.Weight, other.MultiValueAnswer, other.GeoLocation, other.Failover, other.Region, other.GeoProximityLocation = nil, nil, nil, "", "ap-south-1", nil
		wants(t, "another policy", carry("DELETE", other), "but the values provided do not match the current values")
		if err := carry("DELETE", set); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	z := w.zone("example.com", "")
	_, err := w.ChangeTagsForResource(w.ctx, &route53api.ChangeTagsForResourceRequest{ResourceType: "hostedzone", ResourceId: z, AddTags: []route53api.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.ChangeTagsForResource(w.ctx, &route53api.ChangeTagsForResourceRequest{ResourceType: "hostedzone", ResourceId: z, RemoveTagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	out, err := w.ListTagsForResource(w.ctx, &route53api.ListTagsForResourceRequest{ResourceType: "hostedzone", ResourceId: z})
	if err != nil || len(out.ResourceTagSet.Tags) != 1 || out.ResourceTagSet.Tags[0].Key != "b" {
		t.Errorf("%+v %v", out, err)
	}
}
