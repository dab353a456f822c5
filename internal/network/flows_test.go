package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/network/networktest"
)

// balanced is the example with nodes of network load balancers: one without security
// groups, one with a group that lets nothing out but to port 8080, and one of an
// application load balancer, which is a target.
func balanced() VPC {
	v := clone(example())
	v.SecurityGroups = append(v.SecurityGroups,
		SecurityGroup{ID: "sg-nlb", Ingress: []Rule{{ID: "sgr-nlb-in", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: prefix("10.0.1.0/24")}}, Egress: []Rule{{ID: "sgr-nlb-out", Protocol: TCP, FromPort: 8080, ToPort: 8080, CIDR: defaultRoute}}},
		SecurityGroup{ID: "sg-target", Ingress: []Rule{
			{ID: "sgr-by-cidr", Protocol: TCP, FromPort: 8080, ToPort: 8080, CIDR: prefix("203.0.113.1/32")},
			{ID: "sgr-by-client", Protocol: TCP, FromPort: 8080, ToPort: 8080, Group: "sg-task"},
			{ID: "sgr-by-nlb", Protocol: TCP, FromPort: 8080, ToPort: 8081, Group: "sg-nlb"},
			{ID: "sgr-udp", Protocol: UDP, FromPort: 53, ToPort: 53, CIDR: prefix("10.0.1.10/32")},
		}})
	v.ENIs = append(v.ENIs,
		ENI{ID: "eni-target", Kind: Attached, Subnet: "subnet-isolated", IP: addr("10.0.3.30"), Groups: []string{"sg-target"}},
		ENI{ID: "eni-open", Kind: FlowBalancer, Owner: "net/open/1", Subnet: "subnet-public", IP: addr("10.0.1.60")},
		ENI{ID: "eni-node", Kind: FlowBalancer, Owner: "net/node/2", Subnet: "subnet-public", IP: addr("10.0.1.61"), Groups: []string{"sg-nlb"}},
		ENI{ID: "eni-alb", Kind: LoadBalancer, Owner: "app/web/3", Subnet: "subnet-isolated", IP: addr("10.0.3.40"), Groups: []string{"sg-target"}},
	)
	return v
}

// flows are what nodes open for clients, and what the target says.
var flows = []struct {
	name, node, client, target string
	want                       string
}{
	{"a client of the internet, by its address", "eni-open", "203.0.113.1:4001", "10.0.3.30:8080", "target to 203.0.113.1 at 10.0.3.30"},
	{"that a client is in a group does not count", "eni-open", "10.0.1.10:4002", "10.0.3.30:8080", "time-out"},
	{"the group of the load balancer counts, whoever the client is", "eni-node", "10.0.1.10:4003", "10.0.3.30:8080", "target to 10.0.1.10 at 10.0.3.30"},
	{"what its own rules do not let out stays", "eni-node", "10.0.1.10:4004", "10.0.3.30:8081", "time-out"},
	{"a target that we host", "eni-node", "10.0.1.10:4005", "10.0.3.40:8080", "alb to 10.0.1.10 at 10.0.3.40"},
	{"the same client and port at another target", "eni-node", "10.0.1.10:4003", "10.0.3.40:8080", "alb to 10.0.1.10 at 10.0.3.40"},
	{"a client cannot be its own target", "eni-node", "10.0.3.30:4006", "10.0.3.30:8080", "time-out"},
	{"the node's own address, by its group", "eni-node", "", "10.0.3.30:8080", "target to 10.0.1.61 at 10.0.3.30"},
}

func TestFlowsWithTheirClientsAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := balanced()
	w.set(v)
	w.serve(w.NetNS("eni-target"), "0.0.0.0:8080", "target")
	w.serve(w.NetNS("eni-target"), "0.0.0.0:8081", "target")
	l, err := w.Listen(context.Background(), v.ID, "tcp4", "10.0.3.40:8080")
	must(t, err)
	networktest.Greet(t, l, "alb")
	look := func(t *testing.T) {
		for _, f := range flows {
			dial := w.Dialer(f.node)
			if f.client != "" {
				dial = w.DialerFor(f.node, netip.MustParseAddrPort(f.client))
			}
			patience := 5 * time.Second
			if f.want == "time-out" {
				patience = 400 * time.Millisecond
			}
			if got := said(dial, f.target, patience); got != f.want {
				t.Errorf("%s: got %q, want %q", f.name, got, f.want)
			}
		}
	}
	look(t)
	c, err := w.DialerFor("eni-open", netip.MustParseAddrPort("10.0.1.10:4009"))(t.Context(), "udp", "10.0.3.30:53")
	must(t, err)
	defer c.Close()
	networktest.EchoPackets(t, networktest.ListenPacket(t, w.NetNS("eni-target"), "0.0.0.0:53"))
	if !networktest.Speaks(c, 5*time.Second) {
		t.Error("no answer to a packet with the client's address")
	}
	must(t, w.Close())
	w.start() // and with what a former process left
	w.set(v)
	l, err = w.Listen(context.Background(), v.ID, "tcp4", "10.0.3.40:8080")
	must(t, err)
	networktest.Greet(t, l, "alb")
	look(t)
}

// said is what a target says, "time-out", or the error.
func said(dial Dialer, address string, patience time.Duration) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := dial(ctx, "tcp", address)
	if err != nil {
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	text, err := networktest.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return text
}

// What is explained of flows is what happens to their packets.
func TestExplainFlows(t *testing.T) {
	v := balanced()
	for _, f := range flows {
		to := netip.MustParseAddrPort(f.target)
		flow := Flow{From: f.node, To: to.Addr(), Port: int(to.Port()), Protocol: TCP}
		if f.client != "" {
			flow.Client = netip.MustParseAddrPort(f.client).Addr()
		}
		hops := Explain(site, v, flow)
		if last := hops[len(hops)-1]; last.Pass != (f.want != "time-out") && flow.Client != to.Addr() {
			t.Errorf("%s: %+v", f.name, last)
		}
	}
	if hops := ExplainInbound(site, v, HostClient, "eni-open", 80, TCP); hops[len(hops)-1].Code != CodeNotPublic {
		t.Errorf("from the internet to a node without a public address: %+v", hops)
	}
}

func TestPlanOfFlows(t *testing.T) {
	got := Plan(site, balanced(), 5).String()
	path := filepath.Join("testdata", "balanced.golden")
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("host state differs (-want +got):\n%s", diff)
	}
}
