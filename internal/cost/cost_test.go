package cost

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

var made = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bill is the bill, a line each, of what put stores; ten hours after it was made.
func bill(t *testing.T, stack string, put func(tx *store.Tx)) (string, float64) {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { put(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	g := &Gatherer{DB: db, LogBytes: func(id string) (int64, error) { return map[string]int64{"app": 10 << 30}[id], nil },
		UnitHours: func(*state.LoadBalancer, time.Time) (float64, time.Time, error) { return 5, made, nil }}
	usage, err := g.Gather(account, region, stack, made.Add(10*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	prices, err := Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	out := Estimate(usage, prices)
	for _, l := range out.Lines {
		fmt.Fprintf(&b, "%.2f %s %s %.2f %s\n", l.USD, l.Price, l.Resource, l.Quantity, l.Note)
	}
	return b.String(), out.Total
}

func everything(tx *store.Tx) {
	task := state.Task{Account: account, Region: region, Cluster: "c", Service: "web", Group: "service:web", CPU: "512", Memory: "1024", LastStatus: "RUNNING", DesiredStatus: "RUNNING",
		TaskDefinition: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1"}
	for _, id := range []string{"one", "two"} {
		t := task
		t.ID, t.EphemeralGiB = id, 30
		state.Tasks.Put(tx, &t)
	}
	stopped, spot := task, task
	stopped.ID, stopped.LastStatus, stopped.DesiredStatus = "three", "STOPPED", "STOPPED"
	spot.ID, spot.Group, spot.Service, spot.CapacityProvider = "four", "family:job", "", "FARGATE_SPOT"
	state.Tasks.Put(tx, &stopped)
	state.Tasks.Put(tx, &spot)
	state.TaskDefinitions.Put(tx, &state.TaskDefinition{Account: account, Region: region, Family: "web", Revision: 1})
	state.NatGateways.Put(tx, &state.NatGateway{Account: account, Region: region, ID: "nat-1", State: "available", CreatedAt: made})
	state.NatGateways.Put(tx, &state.NatGateway{Account: account, Region: region, ID: "nat-2", State: "deleted", CreatedAt: made})
	state.NetworkUses.Put(tx, &state.NetworkUse{Account: account, Region: region, ID: "nat-1", Bytes: 2 << 30})
	state.VpcEndpoints.Put(tx, &state.VpcEndpoint{Account: account, Region: region, ID: "vpce-1", Type: "Interface", ServiceName: "logs", SubnetIDs: []string{"a", "b"}, CreatedAt: made})
	state.VpcEndpoints.Put(tx, &state.VpcEndpoint{Account: account, Region: region, ID: "vpce-2", Type: "Gateway", ServiceName: "s3", CreatedAt: made})
	state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: account, Region: region, Path: "app/front/1", Name: "front", Type: "application"})
	state.Addresses.Put(tx, &state.Address{Account: account, Region: region, AllocationID: "eipalloc-1", PublicIP: "198.51.100.1"})
	state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: account, Region: region, ID: "eni-1", PublicIPAddress: "198.51.100.2"})
	state.Secrets.Put(tx, &state.Secret{Account: account, Region: region, Name: "token"})
	state.KMSKeys.Put(tx, &state.KMSKey{Account: account, Region: region, ID: "key"})
	state.KMSKeys.Put(tx, &state.KMSKey{Account: account, Region: region, ID: "aws", Service: "s3"})
	state.LogGroups.Put(tx, &state.LogGroup{Account: account, Region: region, Name: "app", CreatedAt: made})
	state.LogStreams.Put(tx, &state.LogStream{Account: account, Region: region, Group: "app", Name: "s", ID: "app"})
	state.Repositories.Put(tx, &state.Repository{Account: account, Region: region, Name: "app"})
	state.Layers.Put(tx, &state.Layer{Account: account, Region: region, Repository: "app", Digest: "sha256:1", Size: 5 << 30})
	state.Buckets.Put(tx, &state.Bucket{Account: account, Region: region, Name: "files"})
	state.ObjectVersions.Put(tx, &state.ObjectVersion{Bucket: "files", ObjectKey: "a", Order: 1, Size: 100 << 30})
	state.HostedZones.Put(tx, &state.HostedZone{Account: account, ID: "Z1", Name: "prod.local."})
	state.DiscoveryServices.Put(tx, &state.DiscoveryService{Account: account, Region: region, ID: "srv-1", Name: "queue"})
	state.ServiceInstances.Put(tx, &state.ServiceInstance{Account: account, Region: region, ServiceID: "srv-1", ID: "orders"})
	state.ServiceInstances.Put(tx, &state.ServiceInstance{Account: account, Region: region, ServiceID: "srv-1", ID: "task", Attributes: map[string]string{"ECS_SERVICE_NAME": "web"}})
	state.NatGateways.Put(tx, &state.NatGateway{Account: account, Region: "eu-west-1", ID: "nat-3", State: "available", CreatedAt: made})
}

func TestEverythingOfAnAccountAndRegion(t *testing.T) {
	got, total := bill(t, "", everything)
	const want = `365.00 logs-ingested-gb app 730.00 10240.0 MB in 10h0m0s
32.85 nat-gateway-hour nat-1 730.00 
29.55 fargate-vcpu-hour service:web, 2 running 730.00 
16.43 application-load-balancer-hour front 730.00 
14.60 interface-endpoint-hour vpce-1 logs 1460.00 
6.57 nat-gateway-gb nat-1 146.00 2048.0 MB in 10h0m0s
6.49 fargate-gib-hour service:web, 2 running 1460.00 
4.43 fargate-spot-vcpu-hour family:job, 1 running 365.00 
3.65 public-ipv4-hour elastic 198.51.100.1 730.00 
3.65 public-ipv4-hour 1 of tasks and load balancers 730.00 
2.92 application-load-balancer-unit-hour front 365.00 5.0000 unit-hours in 10h0m0s
2.30 s3-gb-month files 100.00 
1.62 fargate-storage-gib-hour service:web, 2 running 14600.00 
1.00 kms-key-month key 1.00 
0.97 fargate-spot-gib-hour family:job, 1 running 730.00 
0.50 registry-gb-month app 5.00 
0.50 hosted-zone-month prod.local. 1.00 without queries
0.40 secret-month token 1.00 
0.10 cloud-map-instance-month queue (1) 1.00 
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if total < 493.5 || total > 493.7 {
		t.Errorf("the total is %.2f", total)
	}
}

func TestOneStackWithTheStacksInIt(t *testing.T) {
	got, _ := bill(t, "parent", func(tx *store.Tx) {
		everything(tx)
		parent := &state.Stack{Account: account, Region: region, ID: "arn:parent", Name: "parent"}
		state.Stacks.Put(tx, parent)
		inner := &state.Stack{Account: account, Region: region, ID: "arn:inner", Name: "inner", ParentID: parent.ID}
		state.Stacks.Put(tx, inner)
		resource := func(stack, id, physical string) {
			state.StackResources.Put(tx, &state.StackResource{Account: account, Region: region, StackID: stack, LogicalID: id, Live: state.Physical{ID: physical}})
		}
		resource(parent.ID, "Inner", inner.ID)
		resource(parent.ID, "Endpoint", "vpce-1")
		resource(inner.ID, "Service", "arn:aws:ecs:us-east-1:000000000000:service/c/web")
	})
	for _, want := range []string{"interface-endpoint-hour vpce-1", "fargate-vcpu-hour service:web"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Count(got, "\n") != 4 {
		t.Errorf("also what is not in the stack:\n%s", got)
	}
	g := &Gatherer{DB: must(store.OpenMemory(state.Schema()...))}
	var none ErrNoStack
	if _, err := g.Gather(account, region, "none", made); !errors.As(err, &none) {
		t.Errorf("a stack that is not there: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTablesOfPrices(t *testing.T) {
	if _, err := Read([]byte("x")); err == nil {
		t.Error("no JSON: no error")
	}
	if _, err := Read([]byte(`{"prices":{"nat-gateway-hour":{"usd":1}}}`)); err == nil || !strings.Contains(err.Error(), "has no ") {
		t.Errorf("half a table: %v", err)
	}
	own, err := Read([]byte(strings.Replace(string(builtIn), "0.045", "1", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if b := Estimate([]Usage{{Price: "nat-gateway-hour", Quantity: 2}}, own); b.Total != 2 {
		t.Errorf("by an own table: %+v", b)
	}
}
