package ec2_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is a service on an empty database and a data plane that remembers.
type world struct {
	t       *testing.T
	db      *store.DB
	service *ec2.Service
	engine  *memoryEngine
	ctx     context.Context
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	engine := newEngine()
	site := network.DefaultSite("test")
	return &world{
		t: t, db: db, engine: engine, service: ec2.New(db, engine, engine.edge(), ec2.Divide(site)),
		ctx: caller.With(t.Context(), caller.ForRoot("000000000000", "eu-west-1")),
	}
}

// run lets the data plane follow until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.service.Run(ctx) }()
	<-w.engine.started
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
}

func newEngine() *memoryEngine {
	return &memoryEngine{vpcs: map[string]network.VPC{}, started: make(chan struct{})}
}

// memoryEngine is a data plane that only remembers what it was told.
type memoryEngine struct {
	mu    sync.Mutex
	vpcs  map[string]network.VPC
	kept  []string
	fails error

	started chan struct{} // closed when the loop begins
}

func (e *memoryEngine) Set(_ context.Context, v network.VPC) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fails != nil {
		return e.fails
	}
	if err := v.Validate(network.DefaultSite("")); err != nil {
		return err
	}
	e.vpcs[v.ID] = v
	return nil
}

func (e *memoryEngine) Remove(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.vpcs, id)
	return e.fails
}

func (e *memoryEngine) Keep(_ context.Context, ids []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = ids
	close(e.started)
	return nil
}

func (e *memoryEngine) NetNS(id string) string { return "/run/netns/" + id }

// edge is an edge that only remembers zones.
func (e *memoryEngine) edge() memoryEdge { return memoryEdge{e} }

type memoryEdge struct{ engine *memoryEngine }

func (e memoryEdge) Set(_ context.Context, v edge.VPC) error {
	if _, ok := e.engine.vpc(v.Network.ID); !ok {
		return errors.New("the engine does not have the VPC")
	}
	return nil
}

func (e memoryEdge) Remove(string) {}

func (e *memoryEngine) vpc(id string) (network.VPC, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.vpcs[id]
	return v, ok
}

func (e *memoryEngine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fails = err
}

// must returns a value or ends the test with a panic that tells the error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) vpc(cidr string) string {
	w.t.Helper()
	out, err := w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: cidr})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Vpc.VpcId
}

func (w *world) subnet(vpc, cidr string) string {
	w.t.Helper()
	out, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: cidr})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Subnet.SubnetId
}

func (w *world) createTable(vpc string) string {
	w.t.Helper()
	out, err := w.service.CreateRouteTable(w.ctx, &ec2api.CreateRouteTableRequest{VpcId: vpc})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.RouteTable.RouteTableId
}

func (w *world) group(vpc, name string) string {
	w.t.Helper()
	out, err := w.service.CreateSecurityGroup(w.ctx, &ec2api.CreateSecurityGroupRequest{VpcId: vpc, GroupName: name, Description: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.GroupId
}

// attachedGateway gives a VPC an internet gateway.
func (w *world) attachedGateway(vpc string) string {
	w.t.Helper()
	id := must(w.service.CreateInternetGateway(w.ctx, &ec2api.CreateInternetGatewayRequest{})).InternetGateway.InternetGatewayId
	if err := w.service.AttachInternetGateway(w.ctx, &ec2api.AttachInternetGatewayRequest{VpcId: vpc, InternetGatewayId: id}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) mainTable(vpc string) ec2api.RouteTable {
	w.t.Helper()
	out := must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{Filters: []ec2api.Filter{
		filter("vpc-id", vpc), filter("association.main", "true"),
	}}))
	if len(out.RouteTables) != 1 {
		w.t.Fatalf("%d main route tables", len(out.RouteTables))
	}
	return out.RouteTables[0]
}

func filter(name string, values ...string) ec2api.Filter {
	return ec2api.Filter{Name: name, Values: values}
}

func ptr[T any](v T) *T { return &v }

// fails checks that an error has a code and a text that contains part.
func fails(t *testing.T, err error, code, part string) {
	t.Helper()
	var e wire.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), part) {
		t.Errorf("got %v, want %s: ...%s...", e, code, part)
	}
}

// eventually waits until something holds, which a loop is to bring about.
func (w *world) eventually(holds func() bool) {
	w.t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Error("it does not come about")
}

// ok ends the test when there is an error.
func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
