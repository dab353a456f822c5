package servicediscovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// TestPrivateNamespace: it has a private zone of the VPC, which Cloud Map alone
// changes, and which goes with it.
func TestPrivateNamespace(t *testing.T) {
	w := newWorld(t)
	id := w.private("prod.local", "vpc-1")
	n := w.namespace(id)
	zoneID := n.Properties.DnsProperties.HostedZoneId
	if n.Type != "DNS_PRIVATE" || n.Properties.HttpProperties.HttpName != "prod.local" || n.Properties.DnsProperties.SOA.TTL != 15 {
		t.Errorf("%+v %+v", n, n.Properties)
	}
	if as := w.caller("CreateHostedZone"); as.ARN != "arn:aws:iam::000000000000:root" || as.ViaService != "servicediscovery.amazonaws.com" {
		t.Errorf("the zone was made as %+v", as)
	}
	zone, err := w.zones.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: zoneID})
	if err != nil || !zone.HostedZone.Config.PrivateZone || zone.VPCs[0].VPCId != "vpc-1" || zone.HostedZone.LinkedService.Description != n.Arn {
		t.Fatalf("%+v %v", zone, err)
	}
	_, err = w.zones.DeleteHostedZone(w.ctx, &route53api.DeleteHostedZoneRequest{Id: zoneID})
	wants(t, "a deletion past Cloud Map", err, "AccessDenied: The resource hostedzone/"+zoneID+" can only be managed through servicediscovery.amazonaws.com ("+n.Arn+")")

	up, err := w.maps.UpdatePrivateDnsNamespace(w.ctx, &servicediscoveryapi.UpdatePrivateDnsNamespaceRequest{Id: n.Arn, Namespace: &servicediscoveryapi.PrivateDnsNamespaceChange{
		Properties: &servicediscoveryapi.PrivateDnsNamespacePropertiesChange{DnsProperties: &servicediscoveryapi.PrivateDnsPropertiesMutableChange{SOA: &servicediscoveryapi.SOAChange{TTL: 7}}},
	}})
	w.succeeds("NAMESPACE", up.OperationId, err)
	for r := range state.RecordSets.All(w.db.Read(), zoneID+"/") {
		if r.Type == "SOA" && r.TTL != 7 {
			t.Errorf("the SOA record has the TTL %d", r.TTL)
		}
	}

	gone, err := w.maps.DeleteNamespace(w.ctx, &servicediscoveryapi.DeleteNamespaceRequest{Id: id})
	w.succeeds("NAMESPACE", gone.OperationId, err)
	_, err = w.zones.GetHostedZone(w.ctx, &route53api.GetHostedZoneRequest{Id: zoneID})
	wants(t, "the zone", err, "NoSuchHostedZone")
	_, err = w.maps.GetNamespace(w.ctx, &servicediscoveryapi.GetNamespaceRequest{Id: id})
	wants(t, "the namespace", err, "NamespaceNotFound")
}

// TestFailedOperations: what Route 53 and EC2 refuse is how the operation ends.
func TestFailedOperations(t *testing.T) {
	w := newWorld(t)
	try := func(name, vpc string) *servicediscoveryapi.Operation {
		t.Helper()
		out, err := w.maps.CreatePrivateDnsNamespace(w.ctx, &servicediscoveryapi.CreatePrivateDnsNamespaceRequest{Name: name, Vpc: vpc})
		return w.ended(out.OperationId, err)
	}
	w.private("prod.local", "vpc-1")
	for _, c := range []struct {
		name, vpc, denied, code, text string
	}{
		{"prod.local", "vpc-1", "", "CANNOT_CREATE_HOSTED_ZONE", "has already been associated with the hosted zone"},
		{"a..b", "vpc-1", "", "CANNOT_CREATE_HOSTED_ZONE", "a..b is not a valid domain name"},
		{"x.local", "vpc-9", "", "CANNOT_CREATE_HOSTED_ZONE", "vpc-9"},
		{"x.local", "vpc-1", "CreateHostedZone", "ACCESS_DENIED", "not authorized to perform: CreateHostedZone"},
		{"x.local", "vpc-1", "DescribeVpcs", "ACCESS_DENIED", "not authorized to perform: DescribeVpcs"},
	} {
		w.deny(c.denied)
		if o := try(c.name, c.vpc); o.Status != "FAIL" || o.ErrorCode != c.code || !strings.Contains(o.ErrorMessage, c.text) {
			t.Errorf("%s in %s: %+v", c.name, c.vpc, o)
		}
	}
	w.deny("")
	list, err := w.maps.ListNamespaces(w.ctx, &servicediscoveryapi.ListNamespacesRequest{})
	if err != nil || len(list.Namespaces) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	failed, err := w.maps.ListOperations(w.ctx, &servicediscoveryapi.ListOperationsRequest{Filters: []servicediscoveryapi.OperationFilter{{Name: "STATUS", Values: []string{"FAIL"}}, {Name: "TYPE", Values: []string{"CREATE_NAMESPACE", "UPDATE_SERVICE"}, Condition: "IN"}}})
	if err != nil || len(failed.Operations) != 5 {
		t.Errorf("%+v %v", failed, err)
	}
}

// TestNamesOfNamespaces: names of HTTP namespaces are taken once; a second
// namespace with DNS is told apart by its HttpName.
func TestNamesOfNamespaces(t *testing.T) {
	w := newWorld(t)
	web := func(name, request string) (*servicediscoveryapi.CreateHttpNamespaceResponse, error) {
		return w.maps.CreateHttpNamespace(w.ctx, &servicediscoveryapi.CreateHttpNamespaceRequest{Name: name, CreatorRequestId: request, Tags: []servicediscoveryapi.Tag{{Key: "team", Value: "a"}}})
	}
	first, err := web("web", "r1")
	id := w.succeeds("NAMESPACE", first.OperationId, err)
	again, err := web("web", "r1")
	if err != nil || again.OperationId != first.OperationId {
		t.Errorf("the same request again: %+v %v", again, err)
	}
	_, err = web("web", "r2")
	wants(t, "a second one", err, "NamespaceAlreadyExists: Namespace with name web already exists.")
	n := w.namespace(w.private("web", "vpc-1"))
	if name := n.Properties.HttpProperties.HttpName; n.Name != "web" || !strings.HasPrefix(name, "web-") {
		t.Errorf("%s is called %s", n.Name, name)
	}
	for _, c := range []struct {
		filter servicediscoveryapi.NamespaceFilter
		want   int
	}{
		{servicediscoveryapi.NamespaceFilter{Name: "NAME", Values: []string{"web"}}, 2},
		{servicediscoveryapi.NamespaceFilter{Name: "HTTP_NAME", Values: []string{"web"}, Condition: "EQ"}, 1},
		{servicediscoveryapi.NamespaceFilter{Name: "NAME", Values: []string{"we"}, Condition: "BEGINS_WITH"}, 2},
		{servicediscoveryapi.NamespaceFilter{Name: "TYPE", Values: []string{"HTTP", "DNS_PUBLIC"}, Condition: "IN"}, 1},
		{servicediscoveryapi.NamespaceFilter{Name: "RESOURCE_OWNER", Values: []string{"OTHER_ACCOUNTS"}}, 0},
	} {
		list, err := w.maps.ListNamespaces(w.ctx, &servicediscoveryapi.ListNamespacesRequest{Filters: []servicediscoveryapi.NamespaceFilter{c.filter}})
		if err != nil || len(list.Namespaces) != c.want {
			t.Errorf("%+v: %+v %v", c.filter, list, err)
		}
	}
	arn := w.namespace(id).Arn
	if _, err := w.maps.TagResource(w.ctx, &servicediscoveryapi.TagResourceRequest{ResourceARN: arn, Tags: []servicediscoveryapi.Tag{{Key: "b", Value: "2"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.maps.UntagResource(w.ctx, &servicediscoveryapi.UntagResourceRequest{ResourceARN: arn, TagKeys: []string{"team"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := w.maps.ListTagsForResource(w.ctx, &servicediscoveryapi.ListTagsForResourceRequest{ResourceARN: arn})
	if err != nil || len(tags.Tags) != 1 || tags.Tags[0].Key != "b" {
		t.Errorf("%+v %v", tags, err)
	}
}

// TestRestart: an operation that a crash left half done is taken up, and makes no
// second zone.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	id := w.private("prod.local", "vpc-1")
	n, _ := state.Namespaces.Get(w.db.Read(), state.Key(account, region, id))
	var o state.DiscoveryOperation
	for done := range state.DiscoveryOperations.All(w.db.Read(), "") {
		o = *done
	}
	o.Status, o.Namespace = state.OperationSubmitted, n
	left, err := store.OpenMemory(state.Schema()...) // as it was before the operation's end was written
	if err != nil {
		t.Fatal(err)
	}
	err = left.Write(t.Context(), func(tx *store.Tx) error {
		for z := range state.HostedZones.All(w.db.Read(), "") {
			state.HostedZones.Put(tx, z)
		}
		for r := range state.RecordSets.All(w.db.Read(), "") {
			state.RecordSets.Put(tx, r)
		}
		state.DiscoveryOperations.Put(tx, &o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(servicediscovery.New(servicediscovery.Options{DB: left, Invoker: w.gate, Now: time.Now}))
	for range 1000 {
		if again, ok := state.Namespaces.Get(left.Read(), n.Key()); ok {
			if again.HostedZoneID != n.HostedZoneID {
				t.Errorf("the zone is %s, and was %s", again.HostedZoneID, n.HostedZoneID)
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("the operation was not taken up")
}
