package why

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Names of Cloud Map are explained by who answers for them, and who is registered.
func TestNamesOfCloudMap(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	service := func(id, name string, types ...string) *state.DiscoveryService {
		v := &state.DiscoveryService{Account: "1", Region: "r", ID: id, NamespaceID: "ns-1", Name: name, CustomHealth: true}
		for _, kind := range types {
			v.Records = append(v.Records, state.DiscoveryRecord{Type: kind})
		}
		return v
	}
	instance := func(service, id, health string) *state.ServiceInstance {
		return &state.ServiceInstance{Account: "1", Region: "r", ServiceID: service, ID: id, Health: health, Attributes: map[string]string{"AWS_INSTANCE_IPV4": "10.0.0.1"}}
	}
	write := func(f func(tx *store.Tx)) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *store.Tx) error { f(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *store.Tx) {
		state.Vpcs.Put(tx, &state.Vpc{Account: "1", Region: "r", ID: "vpc-1", EnableDNSSupport: true})
		state.Subnets.Put(tx, &state.Subnet{Account: "1", Region: "r", ID: "subnet-2", VpcID: "vpc-2"})
		state.HostedZones.Put(tx, &state.HostedZone{Account: "1", ID: "Z1", Name: "prod.local.", Private: true, VPCs: []state.ZoneVPC{{Region: "r", VpcID: "vpc-1"}}})
		state.Namespaces.Put(tx, &state.Namespace{Account: "1", Region: "r", ID: "ns-1", Name: "prod.local", Type: state.NamespacePrivate, VpcID: "vpc-1", HostedZoneID: "Z1"})
		state.Namespaces.Put(tx, &state.Namespace{Account: "1", Region: "r", ID: "ns-2", Name: "apps", Type: state.NamespaceHTTP})
		state.DiscoveryServices.Put(tx, service("srv-web", "web", "A"))
		state.DiscoveryServices.Put(tx, service("srv-ill", "ill", "SRV"))
		state.DiscoveryServices.Put(tx, service("srv-none", "none", "A"))
		state.DiscoveryServices.Put(tx, service("srv-http", "http"))
		state.ServiceInstances.Put(tx, instance("srv-web", "one", "HEALTHY"))
		state.ServiceInstances.Put(tx, instance("srv-web", "two", "UNHEALTHY"))
		state.ServiceInstances.Put(tx, instance("srv-ill", "three", "UNHEALTHY"))
	})
	x := &Explainer{DB: db, Decisions: decision.NewLog(db)}
	check := func(name, summary string, findings ...string) {
		t.Helper()
		r, err := x.Why(t.Context(), "1", "r", "name/"+name)
		if err != nil || r.Summary != summary || r.Healthy != (len(findings) == 0) || len(r.Findings) != len(findings) {
			t.Errorf("%s: %v %+v", name, err, r)
			return
		}
		for i, want := range findings {
			if got := r.Findings[i].Code + ": " + r.Findings[i].Cause; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
	check("Web.prod.local.", "web.prod.local: 1/2 instances healthy")
	check("ill.prod.local", "ill.prod.local: 0/1 instances healthy", "net.name-unhealthy: none of the 1 instances of the service ill is healthy")
	check("three.ill.prod.local", "three.ill.prod.local: 0/1 instances healthy", "net.name-unhealthy: none of the 1 instances of the service ill is healthy")
	check("none.prod.local", "none.prod.local: 0/0 instances healthy", "net.name-empty: nothing is registered with the service none")
	check("http.prod.local", "http.prod.local: 0/0 instances healthy", "net.name-http: the service http has no DNS records: it is found by DiscoverInstances only")
	check("x.prod.local", "x.prod.local: 0/0 instances healthy", "net.dns-name: no service of the namespace prod.local has the name x.prod.local")
	check("a.apps", "a.apps: 0/0 instances healthy", "net.name-http: the namespace apps has no DNS: what is in it is found by DiscoverInstances only")
	if _, err := x.Why(t.Context(), "1", "r", "name/web.other"); err == nil || !strings.Contains(err.Error(), "nothing has that name") {
		t.Error(err)
	}
	write(func(tx *store.Tx) {
		state.Tasks.Put(tx, &state.Task{Account: "1", Region: "r", Cluster: "c", ID: "t", Subnet: "subnet-2", LastStatus: state.TaskRunning})
		state.Vpcs.Put(tx, &state.Vpc{Account: "1", Region: "r", ID: "vpc-1"})
	})
	check("web.prod.local", "web.prod.local: 1/2 instances healthy",
		"net.dns-off: DNS support is off in vpc-1, so web.prod.local does not resolve",
		"net.name-vpc: tasks of vpc-2 do not find web.prod.local: the namespace prod.local is one of vpc-1")
}
