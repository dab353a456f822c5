package ec2_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/network/networktest"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// newKernelWorld is a world on real namespaces, with a make-believe internet and
// a real edge, on which handler answers for AWS.
func newKernelWorld(t *testing.T, handler http.HandlerFunc) (*world, *network.Kernel) {
	t.Helper()
	host := networktest.New(t)
	site := network.DefaultSite(host.Instance)
	kernel, err := network.Open(network.Options{Site: site, HostNS: host.Host.Path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(kernel.Purge(context.Background()), kernel.Close()); err != nil {
			t.Error(err)
		}
	})
	networktest.Greet(t, networktest.Listen(t, host.Internet.Path, networktest.InternetAddr+":80"), "internet")
	inside := edge.New(edge.Options{Engine: kernel, Site: site, AWS: handler, Metadata: http.NotFoundHandler(), Certificate: noCertificate})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- inside.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	engine := newEngine()
	w := &world{
		t: t, db: db, engine: engine, service: ec2.New(db, startSignal{kernel, engine}, inside, ec2.Divide(site)),
		ctx: caller.With(t.Context(), caller.ForRoot("000000000000", "eu-west-1")),
	}
	w.run()
	return w, kernel
}

// startSignal is an engine that tells when the loop begins.
type startSignal struct {
	*network.Kernel
	engine *memoryEngine
}

func (e startSignal) Keep(ctx context.Context, ids []string) error {
	return errors.Join(e.engine.Keep(ctx, ids), e.Kernel.Keep(ctx, ids))
}

func noCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("the test speaks plain HTTP")
}

// call connects from an interface and returns what it reads, or "time-out".
func call(t *testing.T, kernel *network.Kernel, eni, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	c, err := kernel.Dialer(eni)(ctx, "tcp", address)
	if err != nil {
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		return err.Error()
	}
	said, err := networktest.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return said
}

func TestWhatTheAPIAnsweredIsInForce(t *testing.T) {
	w, kernel := newKernelWorld(t, http.NotFound)
	vpc := w.vpc("10.0.0.0/16")
	one, two := w.subnet(vpc, "10.0.1.0/24"), w.subnet(vpc, "10.0.2.0/24")
	web, client := w.group(vpc, "web"), w.group(vpc, "client")
	server := must(w.service.EnsureInterface(w.ctx, taskSpec("server", one, web)))
	task := must(w.service.EnsureInterface(w.ctx, taskSpec("client", two, client)))
	address := netip.AddrPortFrom(netip.MustParseAddr(server.PrivateIPAddress), 80).String()
	networktest.Greet(t, networktest.Listen(t, server.NetNS, address), "server")
	expect := func(when, target, want string) {
		t.Helper()
		if got := call(t, kernel, task.ID, target); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	greeting := "server to " + task.PrivateIPAddress + " at " + server.PrivateIPAddress
	expect("no rule", address, "time-out")
	rule := ec2api.IpPermission{IpProtocol: "tcp", FromPort: ptr(int32(80)), ToPort: ptr(int32(80)), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: client}}}
	must(w.authorize(web, rule))
	expect("allowed", address, greeting)
	if err := w.revoke(web, rule); err != nil {
		t.Fatal(err)
	}
	expect("revoked", address, "time-out")

	const internet = networktest.InternetAddr + ":80"
	expect("isolated", internet, "time-out")
	gateway := w.attachedGateway(vpc)
	must(w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: w.mainTable(vpc).RouteTableId, DestinationCidrBlock: "0.0.0.0/0", GatewayId: gateway}))
	expect("no public address", internet, "time-out")
	elastic := must(w.service.AllocateAddress(w.ctx, &ec2api.AllocateAddressRequest{}))
	nat := must(w.service.CreateNatGateway(w.ctx, &ec2api.CreateNatGatewayRequest{SubnetId: one, AllocationId: elastic.AllocationId})).NatGateway.NatGatewayId
	table := w.createTable(vpc)
	must(w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: nat}))
	must(w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: table, SubnetId: two}))
	if got := call(t, kernel, task.ID, internet); len(got) < 8 || got[:8] != "internet" {
		t.Errorf("behind a NAT gateway: %q", got)
	}
	must(w.service.DeleteNatGateway(w.ctx, &ec2api.DeleteNatGatewayRequest{NatGatewayId: nat}))
	expect("NAT gateway deleted", internet, "time-out")

	spec := taskSpec("public", one, client)
	spec.AssignPublicIP = true
	public := must(w.service.EnsureInterface(w.ctx, spec))
	if got := call(t, kernel, public.ID, internet); len(got) < 8 || got[:8] != "internet" {
		t.Errorf("with a public address: %q", got)
	}
	for _, n := range []ec2.Interface{server, task, public} {
		if err := w.service.RemoveInterface(w.ctx, n.Account, n.Region, n.ID); err != nil {
			t.Error(err)
		}
	}
}

// TestNamesLeadThroughEndpoints asks for AWS's names from inside an isolated
// VPC: resolver, route, endpoint, security group and edge together.
func TestNamesLeadThroughEndpoints(t *testing.T) {
	w, kernel := newKernelWorld(t, func(w http.ResponseWriter, r *http.Request) {
		facts, _ := edge.Conn(r.Context())
		fmt.Fprintf(w, "%s through %s from %s", r.Host, facts.Endpoint, facts.Source)
	})
	i := isolate(w)
	task := must(w.service.EnsureInterface(w.ctx, taskSpec("task-1", i.subnets[0], i.group)))
	const logs, bucket = "logs.eu-west-1.amazonaws.com", "layers.s3.eu-west-1.amazonaws.com"
	expect := func(when, host, endpoint string) {
		t.Helper()
		want := fmt.Sprintf("%s through %s from %s", host, endpoint, task.PrivateIPAddress)
		if endpoint == "" {
			want = "time-out"
		}
		if got := get(kernel, task.ID, host); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	expect("nothing leads there", logs, "")
	endpoint := must(i.endpoint("logs")).VpcEndpointId
	expect("with the endpoint", logs, endpoint)
	off := &ec2api.ModifyVpcEndpointRequest{VpcEndpointId: endpoint, PrivateDnsEnabled: ptr(false)}
	must(w.service.ModifyVpcEndpoint(w.ctx, off))
	expect("without private DNS", logs, "")
	off.PrivateDnsEnabled = ptr(true)
	must(w.service.ModifyVpcEndpoint(w.ctx, off))
	expect("with private DNS again", logs, endpoint)

	s3 := must(w.service.CreateVpcEndpoint(w.ctx, &ec2api.CreateVpcEndpointRequest{
		VpcId: i.vpc, ServiceName: "com.amazonaws.eu-west-1.s3", RouteTableIds: []string{i.table},
	})).VpcEndpoint.VpcEndpointId
	expect("with the gateway endpoint", bucket, s3)
	must(w.service.DeleteVpcEndpoints(w.ctx, &ec2api.DeleteVpcEndpointsRequest{VpcEndpointIds: []string{s3, endpoint}}))
	expect("without the gateway endpoint", bucket, "")
	expect("without the endpoint", logs, "")
}

// get fetches http://HOST/ from inside an interface, names and all.
func get(kernel *network.Kernel, eni, host string) string {
	client := http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DialContext: kernel.Dialer(eni), DisableKeepAlives: true}}
	answer, err := client.Get("http://" + host + "/")
	if err != nil {
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
