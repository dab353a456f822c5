package servicediscovery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// service makes a service; records are "A 60", "SRV 10 WEIGHTED" ...
func (w *world) service(namespace, name string, custom bool, records ...string) string {
	w.t.Helper()
	in := &servicediscoveryapi.CreateServiceRequest{Name: name, NamespaceId: namespace}
	for _, r := range records {
		f := append(strings.Fields(r), "MULTIVALUE")
		if in.DnsConfig == nil {
			in.DnsConfig = &servicediscoveryapi.DnsConfig{RoutingPolicy: servicediscoveryapi.RoutingPolicy(f[2])}
		}
		var ttl int64
		fmt.Sscan(f[1], &ttl)
		in.DnsConfig.DnsRecords = append(in.DnsConfig.DnsRecords, servicediscoveryapi.DnsRecord{Type: servicediscoveryapi.RecordType(f[0]), TTL: ttl})
	}
	if custom {
		in.HealthCheckCustomConfig = &servicediscoveryapi.HealthCheckCustomConfig{}
	}
	out, err := w.maps.CreateService(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Service.Id
}

// attributes are KEY=VALUE pairs; AWS_INSTANCE_ may be left out before IPV4, PORT ...
func attributes(pairs ...string) map[string]string {
	out := map[string]string{}
	for _, p := range pairs {
		key, value, _ := strings.Cut(p, "=")
		if slices.Contains([]string{"IPV4", "IPV6", "PORT", "CNAME"}, key) {
			key = "AWS_INSTANCE_" + key
		}
		out[key] = value
	}
	return out
}

func (w *world) register(service, id string, pairs ...string) {
	w.t.Helper()
	out, err := w.maps.RegisterInstance(w.ctx, &servicediscoveryapi.RegisterInstanceRequest{ServiceId: service, InstanceId: id, Attributes: attributes(pairs...)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.succeeds("INSTANCE", out.OperationId, nil)
}

// records are the record sets of a namespace's zone, but for NS and SOA: "NAME TYPE TTL VALUE".
func (w *world) records(namespace string) []string {
	w.t.Helper()
	list, err := w.zones.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: w.namespace(namespace).Properties.DnsProperties.HostedZoneId})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range list.ResourceRecordSets {
		if r.Type != "NS" && r.Type != "SOA" {
			out = append(out, fmt.Sprint(r.Name, " ", r.Type, " ", *r.TTL, " ", r.ResourceRecords[0].Value))
		}
	}
	slices.Sort(out)
	return out
}

// eventually waits until the zone's records are these.
func (w *world) eventually(what, namespace string, want ...string) {
	w.t.Helper()
	var have []string
	for range 1000 {
		if have = w.records(namespace); slices.Equal(have, want) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Errorf("%s: the records are %q, want %q", what, have, want)
}

func (w *world) health(service, id, status string) {
	w.t.Helper()
	if err := w.maps.UpdateInstanceCustomHealthStatus(w.ctx, &servicediscoveryapi.UpdateInstanceCustomHealthStatusRequest{ServiceId: service, InstanceId: id, Status: servicediscoveryapi.CustomHealthStatus(status)}); err != nil {
		w.t.Fatal(err)
	}
}

// TestRecordsFollowInstances: instances that are registered and healthy are in
// DNS, others are not.
func TestRecordsFollowInstances(t *testing.T) {
	w := newWorld(t)
	n := w.private("prod.local", "vpc-1")
	web := w.service(n, "Web", true, "A 60")
	w.register(web, "one", "IPV4=10.0.0.1", "stage=blue")
	w.register(web, "two", "IPV4=10.0.0.2", "AWS_INIT_HEALTH_STATUS=UNHEALTHY")
	if as := w.caller("ChangeResourceRecordSets"); as.ARN != "arn:aws:iam::000000000000:root" {
		t.Errorf("a registration changes the zone as %s", as.ARN)
	}
	one, two := "web.prod.local. A 60 10.0.0.1", "web.prod.local. A 60 10.0.0.2"
	w.eventually("one is healthy", n, one)
	w.health(web, "two", "HEALTHY")
	w.eventually("both are", n, one, two)
	if as := w.caller("ChangeResourceRecordSets"); as.ARN != "servicediscovery.amazonaws.com" {
		t.Errorf("health changes the zone as %s", as.ARN)
	}
	w.health(web, "one", "UNHEALTHY")
	w.eventually("two is", n, two)
	w.health(web, "two", "UNHEALTHY")
	w.eventually("none is: the last one stays", n, two)
	w.register(web, "two", "IPV4=10.0.0.9")
	w.eventually("it is registered anew", n, "web.prod.local. A 60 10.0.0.9")

	up, err := w.maps.UpdateService(w.ctx, &servicediscoveryapi.UpdateServiceRequest{Id: web, Service: &servicediscoveryapi.ServiceChange{DnsConfig: &servicediscoveryapi.DnsConfigChange{DnsRecords: []servicediscoveryapi.DnsRecord{{Type: "A", TTL: 5}}}}})
	w.succeeds("SERVICE", up.OperationId, err)
	w.eventually("another TTL", n, "web.prod.local. A 5 10.0.0.9")
	_, err = w.maps.DeleteService(w.ctx, &servicediscoveryapi.DeleteServiceRequest{Id: web})
	wants(t, "a deletion", err, "ResourceInUse: Service contains registered instances; delete the instances before deleting the service")
	_, err = w.maps.DeleteNamespace(w.ctx, &servicediscoveryapi.DeleteNamespaceRequest{Id: n})
	wants(t, "a deletion", err, "ResourceInUse")
	for _, id := range []string{"one", "two"} {
		out, err := w.maps.DeregisterInstance(w.ctx, &servicediscoveryapi.DeregisterInstanceRequest{ServiceId: web, InstanceId: id})
		w.succeeds("INSTANCE", out.OperationId, err)
	}
	w.eventually("nothing is registered", n)
	if _, err = w.maps.DeleteService(w.ctx, &servicediscoveryapi.DeleteServiceRequest{Id: web}); err != nil {
		t.Error(err)
	}
	gone, err := w.maps.DeleteNamespace(w.ctx, &servicediscoveryapi.DeleteNamespaceRequest{Id: n})
	w.succeeds("NAMESPACE", gone.OperationId, err)
}

// TestKindsOfRecords: SRV records lead to names of instances, which have
// addresses; services named below each other do not take each other's records.
func TestKindsOfRecords(t *testing.T) {
	w := newWorld(t)
	n := w.private("prod.local", "vpc-1")
	w.register(w.service(n, "_http._tcp", false, "SRV 10"), "i1", "IPV4=10.0.0.1", "IPV6=2001:db8::1", "PORT=8080")
	inner := []string{"_http._tcp.prod.local. SRV 10 1 1 8080 i1._http._tcp.prod.local.", "i1._http._tcp.prod.local. A 10 10.0.0.1", "i1._http._tcp.prod.local. AAAA 10 2001:db8::1"}
	w.eventually("SRV", n, inner...)
	outer := w.service(n, "_tcp", false, "A 5", "AAAA 5")
	w.register(outer, "i2", "IPV4=10.0.0.2", "IPV6=2001:db8::2")
	w.register(w.service(n, "db", false, "CNAME 7 WEIGHTED"), "i3", "CNAME=example.com")
	w.eventually("all", n, inner[0], "_tcp.prod.local. A 5 10.0.0.2", "_tcp.prod.local. AAAA 5 2001:db8::2", "db.prod.local. CNAME 7 example.com", inner[1], inner[2])
}

// TestAliases: an instance may stand for a load balancer.
func TestAliases(t *testing.T) {
	w := newWorld(t)
	name := "internal-web-1.eu-west-1.elb.amazonaws.com"
	w.write(func(tx *store.Tx) {
		state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: account, Region: region, Path: "app/web/1", Name: "web", DNSName: name})
	})
	n := w.private("prod.local", "vpc-1")
	w.register(w.service(n, "w", false, "A 1 WEIGHTED"), "i", "AWS_ALIAS_DNS_NAME="+name)
	list, err := w.zones.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: w.namespace(n).Properties.DnsProperties.HostedZoneId})
	if err != nil {
		t.Fatal(err)
	}
	alias := list.ResourceRecordSets[len(list.ResourceRecordSets)-1]
	if alias.Name != "w.prod.local." || alias.AliasTarget == nil || alias.AliasTarget.DNSName != name+"." || alias.AliasTarget.HostedZoneId != "Z32O12XQLNTSW2" || *alias.Weight != 1 {
		t.Errorf("%+v %+v", alias, alias.AliasTarget)
	}
}

// TestRefusedRegistrations: what a service needs is asked for; what Route 53
// refuses is how the operation ends.
func TestRefusedRegistrations(t *testing.T) {
	w := newWorld(t)
	n := w.private("prod.local", "vpc-1")
	ids := map[string]string{"a": w.service(n, "a", false, "A 1"), "srv": w.service(n, "srv", true, "SRV 1"), "c": w.service(n, "c", false, "CNAME 1 WEIGHTED"), "w": w.service(n, "w", false, "A 1 WEIGHTED")}
	for _, c := range []struct{ service, attributes, want string }{
		{"a", "x=1", "InvalidInput: The attribute AWS_INSTANCE_IPV4 is required: the service has a record of the type A."},
		{"a", "IPV4=10.0.0.300", "InvalidInput: Invalid value for the attribute AWS_INSTANCE_IPV4: 10.0.0.300"},
		{"a", "IPV4=10.0.0.3 AWS_INIT_HEALTH_STATUS=HEALTHY", "InvalidInput: AWS_INIT_HEALTH_STATUS can be specified only if"},
		{"a", "AWS_ALIAS_DNS_NAME=x.elb.amazonaws.com IPV4=10.0.0.1", "InvalidInput: AWS_INSTANCE_IPV4 can't be specified beside AWS_ALIAS_DNS_NAME."},
		{"a", "AWS_EC2_INSTANCE_ID=i-1", "InvalidInput: AWS_EC2_INSTANCE_ID names an instance that does not exist: i-1"},
		{"srv", "IPV4=10.0.0.3", "AWS_INSTANCE_PORT is required"},
		{"srv", "PORT=80", "AWS_INSTANCE_IPV4 or AWS_INSTANCE_IPV6 is required"},
		{"srv", "PORT=0 IPV4=10.0.0.1", "Invalid value for the attribute AWS_INSTANCE_PORT: 0"},
		{"a", "AWS_ALIAS_DNS_NAME=x.elb.amazonaws.com", "the routing policy WEIGHTED"},
		{"w", "AWS_ALIAS_DNS_NAME=x.elb.amazonaws.com", "AWS_ALIAS_DNS_NAME is not the DNS name of a load balancer: x.elb.amazonaws.com"},
		{"c", "IPV4=10.0.0.3", "AWS_INSTANCE_CNAME is required"},
		{"none", "IPV4=10.0.0.3", "ServiceNotFound"},
	} {
		in := &servicediscoveryapi.RegisterInstanceRequest{ServiceId: ids[c.service], InstanceId: "i", Attributes: attributes(strings.Fields(c.attributes)...)}
		if in.ServiceId == "" {
			in.ServiceId = "srv-none"
		}
		_, err := w.maps.RegisterInstance(w.ctx, in)
		wants(t, c.service+" "+c.attributes, err, c.want)
	}
	w.deny("ChangeResourceRecordSets")
	out, err := w.maps.RegisterInstance(w.ctx, &servicediscoveryapi.RegisterInstanceRequest{ServiceId: ids["a"], InstanceId: "i", Attributes: attributes("IPV4=10.0.0.1")})
	if o := w.ended(out.OperationId, err); o.ErrorCode != "ACCESS_DENIED" || o.Targets["INSTANCE"] != "i" || o.Targets["SERVICE"] != ids["a"] {
		t.Errorf("%+v", o)
	}
	w.deny("")
	_, err = w.maps.GetInstance(w.ctx, &servicediscoveryapi.GetInstanceRequest{ServiceId: ids["a"], InstanceId: "i"})
	wants(t, "the instance", err, "InstanceNotFound")
	_, err = w.maps.DeregisterInstance(w.ctx, &servicediscoveryapi.DeregisterInstanceRequest{ServiceId: ids["a"], InstanceId: "i"})
	wants(t, "the instance", err, "InstanceNotFound")
}

// TestDiscoverInstances: by health and by attributes, some of which only narrow.
func TestDiscoverInstances(t *testing.T) {
	w := newWorld(t)
	out, err := w.maps.CreateHttpNamespace(w.ctx, &servicediscoveryapi.CreateHttpNamespaceRequest{Name: "apps"})
	n := w.succeeds("NAMESPACE", out.OperationId, err)
	web := w.service(n, "web", true)
	w.register(web, "one", "stage=blue", "az=1")
	w.register(web, "two", "stage=blue", "az=2", "AWS_INIT_HEALTH_STATUS=UNHEALTHY")
	w.register(web, "three", "stage=green")
	none := w.service(n, "none", true)
	w.register(none, "ill", "AWS_INIT_HEALTH_STATUS=UNHEALTHY")
	w.register(w.service(n, "plain", false), "p")
	for _, c := range []struct{ service, health, query, optional, want string }{
		{"web", "", "", "", "one three"},
		{"web", "ALL", "", "", "one three two"},
		{"web", "UNHEALTHY", "", "", "two"},
		{"web", "ALL", "stage=blue", "", "one two"},
		{"web", "ALL", "stage=blue", "az=2", "two"},
		{"web", "ALL", "stage=blue", "az=3", "one two"},
		{"web", "ALL", "stage=red", "", ""},
		{"none", "HEALTHY", "", "", ""},
		{"none", "HEALTHY_OR_ELSE_ALL", "", "", "ill"},
		{"plain", "UNHEALTHY", "", "", "p"},
	} {
		in := &servicediscoveryapi.DiscoverInstancesRequest{NamespaceName: "apps", ServiceName: c.service, HealthStatus: servicediscoveryapi.HealthStatusFilter(c.health), QueryParameters: attributes(strings.Fields(c.query)...), OptionalParameters: attributes(strings.Fields(c.optional)...)}
		out, err := w.maps.DiscoverInstances(w.ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, i := range out.Instances {
			have = append(have, i.InstanceId)
		}
		slices.Sort(have)
		if got := strings.Join(have, " "); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	revision := func() int64 {
		out, err := w.maps.DiscoverInstancesRevision(w.ctx, &servicediscoveryapi.DiscoverInstancesRevisionRequest{NamespaceName: "apps", ServiceName: "web"})
		if err != nil {
			t.Fatal(err)
		}
		return out.InstancesRevision
	}
	before := revision()
	w.health(web, "two", "HEALTHY")
	if revision() != before {
		t.Error("health changes the revision")
	}
	w.register(web, "four")
	if revision() <= before {
		t.Error("a registration does not change the revision")
	}
	_, err = w.maps.DiscoverInstances(w.ctx, &servicediscoveryapi.DiscoverInstancesRequest{NamespaceName: "apps", ServiceName: "webs"})
	wants(t, "no such service", err, "ServiceNotFound")
	_, err = w.maps.DiscoverInstances(w.ctx, &servicediscoveryapi.DiscoverInstancesRequest{NamespaceName: "app", ServiceName: "web"})
	wants(t, "no such namespace", err, "NamespaceNotFound")
	status, err := w.maps.GetInstancesHealthStatus(w.ctx, &servicediscoveryapi.GetInstancesHealthStatusRequest{ServiceId: web, Instances: []string{"one", "two"}})
	if err != nil || status.Status["one"] != "HEALTHY" || len(status.Status) != 2 {
		t.Errorf("%+v %v", status, err)
	}
	page, err := w.maps.ListInstances(w.ctx, &servicediscoveryapi.ListInstancesRequest{ServiceId: web, MaxResults: new(int32(3))})
	if err != nil || len(page.Instances) != 3 {
		t.Fatalf("%+v %v", page, err)
	}
	rest, err := w.maps.ListInstances(w.ctx, &servicediscoveryapi.ListInstancesRequest{ServiceId: web, MaxResults: new(int32(3)), NextToken: page.NextToken})
	if err != nil || len(rest.Instances) != 1 || rest.NextToken != "" {
		t.Errorf("%+v %v", rest, err)
	}
}

// TestServices: names are taken once, the same request answers with the same
// service, and settings that contradict each other are refused.
func TestServices(t *testing.T) {
	w := newWorld(t)
	n := w.private("prod.local", "vpc-1")
	out, err := w.maps.CreateHttpNamespace(w.ctx, &servicediscoveryapi.CreateHttpNamespaceRequest{Name: "apps"})
	web := w.succeeds("NAMESPACE", out.OperationId, err)
	dns := func(policy string, types ...string) *servicediscoveryapi.DnsConfig {
		c := &servicediscoveryapi.DnsConfig{RoutingPolicy: servicediscoveryapi.RoutingPolicy(policy)}
		for _, r := range types {
			c.DnsRecords = append(c.DnsRecords, servicediscoveryapi.DnsRecord{Type: servicediscoveryapi.RecordType(r), TTL: 1})
		}
		return c
	}
	check, custom := &servicediscoveryapi.HealthCheckConfig{Type: "HTTP"}, &servicediscoveryapi.HealthCheckCustomConfig{}
	for _, c := range []struct {
		in   servicediscoveryapi.CreateServiceRequest
		want string
	}{
		{servicediscoveryapi.CreateServiceRequest{Name: "a b", NamespaceId: web}, "failed to satisfy constraint"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a"}, "NamespaceId is required"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: "ns-none"}, "NamespaceNotFound"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: web, DnsConfig: dns("", "A")}, "DnsConfig can't be specified"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n}, "DnsConfig is required"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n, Type: "HTTP", DnsConfig: dns("", "A")}, "DnsConfig can't be specified"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n, DnsConfig: dns("", "A", "A")}, "more than one record of the type A"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n, DnsConfig: dns("WEIGHTED", "A", "CNAME")}, "A CNAME record can't be combined"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n, DnsConfig: dns("MULTIVALUE", "CNAME")}, "must be WEIGHTED"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: n, DnsConfig: dns("", "A"), HealthCheckConfig: check}, "isn't supported for services of private DNS namespaces"},
		{servicediscoveryapi.CreateServiceRequest{Name: "a", NamespaceId: web, HealthCheckConfig: check, HealthCheckCustomConfig: custom}, "can't both be specified"},
	} {
		_, err := w.maps.CreateService(w.ctx, &c.in)
		wants(t, fmt.Sprintf("%+v", c.in), err, c.want)
	}
	in := &servicediscoveryapi.CreateServiceRequest{Name: "api", NamespaceId: w.namespace(n).Arn, CreatorRequestId: "r", DnsConfig: dns("", "A"), HealthCheckCustomConfig: custom}
	made, err := w.maps.CreateService(w.ctx, in)
	if err != nil || made.Service.Type != "DNS_HTTP" || made.Service.DnsConfig.RoutingPolicy != "MULTIVALUE" || made.Service.HealthCheckCustomConfig.FailureThreshold != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	again, err := w.maps.CreateService(w.ctx, in)
	if err != nil || again.Service.Id != made.Service.Id {
		t.Errorf("again: %+v %v", again, err)
	}
	in = &servicediscoveryapi.CreateServiceRequest{Name: "API", NamespaceId: n, DnsConfig: dns("", "A")}
	_, err = w.maps.CreateService(w.ctx, in)
	wants(t, "a name that differs by case", err, "ServiceAlreadyExists: Service already exists.")
	w.service(web, "api", false)
	w.service(web, "API", false)
	list, err := w.maps.ListServices(w.ctx, &servicediscoveryapi.ListServicesRequest{Filters: []servicediscoveryapi.ServiceFilter{{Name: "NAMESPACE_ID", Values: []string{web}}}})
	if err != nil || len(list.Services) != 2 || list.Services[0].Type != "HTTP" {
		t.Errorf("%+v %v", list, err)
	}

	id := made.Service.Id
	if _, err := w.maps.UpdateServiceAttributes(w.ctx, &servicediscoveryapi.UpdateServiceAttributesRequest{ServiceId: id, Attributes: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.maps.DeleteServiceAttributes(w.ctx, &servicediscoveryapi.DeleteServiceAttributesRequest{ServiceId: id, Attributes: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	got, err := w.maps.GetServiceAttributes(w.ctx, &servicediscoveryapi.GetServiceAttributesRequest{ServiceId: id})
	if err != nil || len(got.ServiceAttributes.Attributes) != 1 || got.ServiceAttributes.Attributes["b"] != "2" {
		t.Errorf("%+v %v", got, err)
	}
	many := map[string]string{}
	for i := range 30 {
		many[fmt.Sprint(i)] = "x"
	}
	_, err = w.maps.UpdateServiceAttributes(w.ctx, &servicediscoveryapi.UpdateServiceAttributesRequest{ServiceId: id, Attributes: many})
	wants(t, "31 attributes", err, "ServiceAttributesLimitExceededException")
}

// TestHealthChecksOfRoute53: each instance gets a health check, which its records
// name, and which goes with it.
func TestHealthChecksOfRoute53(t *testing.T) {
	w := newWorld(t)
	out, err := w.maps.CreatePublicDnsNamespace(w.ctx, &servicediscoveryapi.CreatePublicDnsNamespaceRequest{Name: "shop.example"})
	n := w.succeeds("NAMESPACE", out.OperationId, err)
	made, err := w.maps.CreateService(w.ctx, &servicediscoveryapi.CreateServiceRequest{Name: "web", NamespaceId: n, HealthCheckConfig: &servicediscoveryapi.HealthCheckConfig{Type: "HTTP"},
		DnsConfig: &servicediscoveryapi.DnsConfig{DnsRecords: []servicediscoveryapi.DnsRecord{{Type: "A", TTL: 5}}}})
	if err != nil || made.Service.HealthCheckConfig.ResourcePath != "/" || made.Service.HealthCheckConfig.FailureThreshold != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	web := made.Service.Id
	_, err = w.maps.RegisterInstance(w.ctx, &servicediscoveryapi.RegisterInstanceRequest{ServiceId: web, InstanceId: "one", Attributes: attributes("IPV4=198.19.0.1")})
	wants(t, "without a port", err, "are required: the service has a HealthCheckConfig")
	checks := func() []route53api.HealthCheck {
		t.Helper()
		list, err := w.zones.ListHealthChecks(w.ctx, &route53api.ListHealthChecksRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return list.HealthChecks
	}
	w.deny("ChangeResourceRecordSets")
	refused, err := w.maps.RegisterInstance(w.ctx, &servicediscoveryapi.RegisterInstanceRequest{ServiceId: web, InstanceId: "one", Attributes: attributes("IPV4=198.19.0.1", "PORT=8080")})
	if o := w.ended(refused.OperationId, err); o.ErrorCode != "ACCESS_DENIED" || len(checks()) != 0 {
		t.Errorf("%+v, %+v", o, checks())
	}
	w.deny("")
	w.register(web, "one", "IPV4=198.19.0.1", "PORT=8080")
	first := checks()
	if len(first) != 1 || first[0].HealthCheckConfig.IPAddress != "198.19.0.1" || *first[0].HealthCheckConfig.Port != 8080 || first[0].LinkedService == nil {
		t.Fatalf("%+v", first)
	}
	record := func() route53api.ResourceRecordSet {
		t.Helper()
		list, err := w.zones.ListResourceRecordSets(w.ctx, &route53api.ListResourceRecordSetsRequest{HostedZoneId: w.namespace(n).Properties.DnsProperties.HostedZoneId, StartRecordName: "web.shop.example"})
		if err != nil || len(list.ResourceRecordSets) == 0 {
			t.Fatalf("%+v %v", list, err)
		}
		return list.ResourceRecordSets[0]
	}
	if r := record(); r.HealthCheckId != first[0].Id {
		t.Errorf("%+v", r)
	}
	status, err := w.maps.GetInstancesHealthStatus(w.ctx, &servicediscoveryapi.GetInstancesHealthStatusRequest{ServiceId: web})
	if err != nil || status.Status["one"] != "HEALTHY" { // until somebody has asked
		t.Errorf("%+v %v", status, err)
	}
	w.register(web, "one", "IPV4=198.19.0.2", "PORT=8080")
	second := checks()
	if len(second) != 1 || second[0].Id == first[0].Id || record().HealthCheckId != second[0].Id {
		t.Errorf("registered anew: %+v", second)
	}
	_, err = w.maps.UpdateService(w.ctx, &servicediscoveryapi.UpdateServiceRequest{Id: web, Service: &servicediscoveryapi.ServiceChange{}})
	wants(t, "without its health check", err, "Neargate does not carry out a change of HealthCheckConfig.")
	gone, err := w.maps.DeregisterInstance(w.ctx, &servicediscoveryapi.DeregisterInstanceRequest{ServiceId: web, InstanceId: "one"})
	w.succeeds("INSTANCE", gone.OperationId, err)
	if left := checks(); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
}
