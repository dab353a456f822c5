package netmap

import (
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// example is a VPC with a public and an isolated subnet, a task and an endpoint.
func example(t *testing.T) VPC {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	vpc := &state.Vpc{Account: "1", Region: "r", ID: "vpc-1", CIDRBlock: "10.0.0.0/16", Tags: []state.Tag{{Key: "Name", Value: `shop <"&">`}}}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		state.Vpcs.Put(tx, vpc)
		state.Subnets.Put(tx, &state.Subnet{Account: "1", Region: "r", ID: "subnet-1", VpcID: "vpc-1", CIDRBlock: "10.0.1.0/24", AvailabilityZone: "ra"})
		state.Subnets.Put(tx, &state.Subnet{Account: "1", Region: "r", ID: "subnet-2", VpcID: "vpc-1", CIDRBlock: "10.0.2.0/24", AvailabilityZone: "rb", Tags: []state.Tag{{Key: "Name", Value: "data"}}})
		state.RouteTables.Put(tx, &state.RouteTable{Account: "1", Region: "r", ID: "rtb-1", VpcID: "vpc-1", Main: true})
		state.RouteTables.Put(tx, &state.RouteTable{Account: "1", Region: "r", ID: "rtb-2", VpcID: "vpc-1"})
		state.InternetGateways.Put(tx, &state.InternetGateway{Account: "1", Region: "r", ID: "igw-1", VpcID: "vpc-1"})
		state.VpcEndpoints.Put(tx, &state.VpcEndpoint{Account: "1", Region: "r", ID: "vpce-1", VpcID: "vpc-1", Type: "Interface", ServiceName: "com.amazonaws.r.logs", NetworkInterfaceIDs: []string{"eni-2"}})
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: "1", Region: "r", ID: "sg-1", VpcID: "vpc-1", Name: "web"})
		state.Tasks.Put(tx, &state.Task{Account: "1", Region: "r", Cluster: "c", ID: "0123456789abcdef", Service: "shop", LastStatus: "RUNNING", Interface: state.TaskInterface{ID: "eni-1"}})
		state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: "1", Region: "r", ID: "eni-1", VpcID: "vpc-1", SubnetID: "subnet-1", PrivateIPAddress: "10.0.1.4", PublicIPAddress: "198.19.0.1", SecurityGroupIDs: []string{"sg-1"}, Owner: "0123456789abcdef"})
		state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: "1", Region: "r", ID: "eni-2", VpcID: "vpc-1", SubnetID: "subnet-2", PrivateIPAddress: "10.0.2.4", InterfaceType: state.InterfaceTypeEndpoint, Owner: "vpce-1"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	view := network.VPC{
		ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
		Subnets: []network.Subnet{{ID: "subnet-1", RouteTable: "rtb-1"}, {ID: "subnet-2", RouteTable: "rtb-2"}},
		RouteTables: []network.RouteTable{
			{ID: "rtb-1", Routes: []network.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Target: network.Target{Kind: network.InternetGateway, ID: "igw-1"}}}},
			{ID: "rtb-2", Routes: []network.Route{{Destination: netip.MustParsePrefix("10.9.0.0/16"), Target: network.Target{Kind: network.Blackhole}}}},
		},
		SecurityGroups: []network.SecurityGroup{{ID: "sg-1", Ingress: []network.Rule{{ID: "sgr-1", Protocol: network.TCP, FromPort: 80, ToPort: 80, Group: "sg-1"}}}},
		ENIs: []network.ENI{
			{ID: "eni-1", Kind: network.Attached, Groups: []string{"sg-1"}},
			{ID: "eni-2", Kind: network.InterfaceEndpoint, Owner: "vpce-1"},
		},
	}
	return Build(db.Read(), vpc, view)
}

func TestText(t *testing.T) {
	var got strings.Builder
	Text(&got, example(t))
	want := `shop <"&"> (vpc-1)  10.0.0.0/16
├ ! DNS support is off
├ internet gateway igw-1
├ ra
│ └ subnet-1  10.0.1.0/24  public, route table rtb-1
│   └ task 01234567 (shop)  10.0.1.4, public 198.19.0.1  [web]
├ rb
│ └ data (subnet-2)  10.0.2.0/24  isolated, route table rtb-2
│   └ endpoint logs  10.0.2.4
├ route tables
│ ├ rtb-1, main
│ │ ├ 10.0.0.0/16 → local
│ │ └ 0.0.0.0/0 → igw-1
│ └ rtb-2
│   ├ 10.0.0.0/16 → local
│   └ 10.9.0.0/16 → blackhole (leads nowhere)
└ security groups
  └ web (sg-1)
    ├ in   tcp 80 from web
    └ out  nothing
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// The SVG is well-formed whatever people call their things, and everything that
// has an address is in it.
func TestSVG(t *testing.T) {
	var got strings.Builder
	v := example(t)
	if err := SVG(&got, v, v); err != nil {
		t.Fatal(err)
	}
	var words []string
	for d := xml.NewDecoder(strings.NewReader(got.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, got.String())
		}
		if text, ok := token.(xml.CharData); ok {
			words = append(words, string(text))
		}
	}
	all := strings.Join(words, "\n")
	for _, want := range []string{`shop <"&">`, "task 01234567", "10.0.1.4 / 198.19.0.1", "endpoint logs", "web", "0.0.0.0/0 → igw-1", "isolated", "prefers-color-scheme:dark"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the drawing", want)
		}
	}
}

func TestMermaid(t *testing.T) {
	var got strings.Builder
	Mermaid(&got, example(t))
	for _, want := range []string{
		`subgraph vpc_1["shop #lt;#quot;&#quot;#gt; (vpc-1) 10.0.0.0/16"]`, `eni_1["task 01234567<br/>10.0.1.4 / 198.19.0.1<br/>web"]`,
		`subnet_1 -- "0.0.0.0/0" --> igw_1`, "class subnet_1 public", "igw_1 --- internet",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %s in\n%s", want, got.String())
		}
	}
	if strings.Count(got.String(), "subgraph") != strings.Count(got.String(), "end\n") {
		t.Errorf("subgraphs are not closed:\n%s", got.String())
	}
}

// The way of a subnet is that of its IPv4: an internet gateway for IPv6 alone makes
// nothing public.
func TestWayIsThatOfIPv4(t *testing.T) {
	six := network.Route{Destination: netip.MustParsePrefix("::/0"), Target: network.Target{Kind: network.InternetGateway, ID: "igw-1"}}
	four := network.Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Target: network.Target{Kind: network.NATGateway, ID: "nat-1"}}
	view := network.VPC{RouteTables: []network.RouteTable{{ID: "rtb-1", Routes: []network.Route{six}}, {ID: "rtb-2", Routes: []network.Route{six, four}}}}
	if way := wayOf(view, "rtb-1"); way != Isolated {
		t.Errorf("with a route of IPv6 only: %s", way)
	}
	if way := wayOf(view, "rtb-2"); way != NATed {
		t.Errorf("behind NAT: %s", way)
	}
}
