package why

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// A client whose address is preserved must be let in itself, or by the load
// balancer's group when it has one; a node without a group is let in by its address.
func TestNetworkLoadBalancersClients(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr
	view := func(groups ...string) network.VPC {
		return network.VPC{
			ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
			Subnets:        []network.Subnet{{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.1.0/24")}},
			SecurityGroups: []network.SecurityGroup{{ID: "sg-target"}, {ID: "sg-nlb", Egress: []network.Rule{{ID: "sgr-1", Protocol: network.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}}},
			ENIs: []network.ENI{
				{ID: "eni-node", Kind: network.FlowBalancer, Subnet: "subnet-1", IP: addr("10.0.1.5"), Groups: groups},
				{ID: "eni-target", Kind: network.Attached, Subnet: "subnet-1", IP: addr("10.0.1.9"), Groups: []string{"sg-target"}},
			},
		}
	}
	for _, tt := range []struct {
		name    string
		vpc     network.VPC
		client  string
		code    string
		command string
	}{
		{"a client", view(), "203.0.113.1", "lb.client-address", "authorize-security-group-ingress --group-id sg-target --protocol udp --port 53 --cidr 203.0.113.1/32"},
		{"a client of one with a group", view("sg-nlb"), "203.0.113.1", "lb.client-address", "--group-id sg-target --protocol udp --port 53 --source-group sg-nlb"},
		{"a node without a group", view(), "", "net.sg-ingress", "--group-id sg-target --protocol udp --port 53 --cidr 10.0.1.0/24"},
	} {
		a := Attempt{Account: "1", Region: "r", VPC: tt.vpc, ENI: "eni-node", Host: "10.0.1.9", Addr: addr("10.0.1.9"), Port: 53, Protocol: network.UDP, Balancer: true}
		if tt.client != "" {
			a.Client = addr(tt.client)
		}
		d, refused := Network(db.Read(), network.Site{}, a)
		found := false
		for _, f := range d.Fix {
			found = found || strings.Contains(f.Text, tt.command)
		}
		if !refused || d.Code != tt.code || !found {
			t.Errorf("%s: %v %s %+v", tt.name, refused, d.Cause, d.Fix)
		}
	}
}

// A healthy target that drops clients is no healthy target group.
func TestDroppedClientsOfHealthyTargets(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	g := &state.TargetGroup{Account: "1", Region: "r", Path: "dns/0", Name: "dns", Protocol: "UDP", Port: 53, TargetType: "ip"}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		state.TargetGroups.Put(tx, g)
		state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: "1", Region: "r", Path: "net/dns/0", Type: "network", Subnets: []state.LoadBalancerSubnet{{InterfaceID: "eni-1"}}})
		state.ListenerRules.Put(tx, &state.ListenerRule{Account: "1", Region: "r", Path: "net/dns/0/1/2", Actions: []state.ListenerAction{{TargetGroups: []state.ActionTargetGroup{{ARN: g.ARN()}}}}})
		state.Targets.Put(tx, &state.Target{Account: "1", Region: "r", Group: g.Path, ID: "10.0.0.1", Port: 53, Health: state.TargetHealthy})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	x := &Explainer{DB: db, Decisions: decision.NewLog(db), Clients: func(_, _, eni string, to netip.Addr, port int) []decision.Decision {
		return []decision.Decision{{Code: "lb.client-address", Cause: eni + " to " + netip.AddrPortFrom(to, uint16(port)).String()}}
	}}
	r, err := x.Why(t.Context(), "1", "r", "target-group/dns")
	if err != nil || r.Healthy || len(r.Findings) != 1 || r.Findings[0].Cause != "eni-1 to 10.0.0.1:53" {
		t.Errorf("%v %+v", err, r)
	}
}
