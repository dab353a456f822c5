package edge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/network/networktest"
	"github.com/neargate/neargate/internal/pki"
)

// place is an engine, an edge, and one or two VPCs with equal addresses.
type place struct {
	t      *testing.T
	engine *network.Kernel
	site   network.Site
	edge   *Edge
	roots  *x509.CertPool
	stop   func()
	world  *networktest.World
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, world: networktest.New(t)}
	p.site = network.DefaultSite(p.world.Instance)
	p.start()
	t.Cleanup(func() {
		p.stop()
		must(t, p.engine.Purge(context.Background()))
		must(t, p.engine.Close())
	})
	return p
}

// start opens engine and edge as a process does when it begins.
func (p *place) start() {
	engine, err := network.Open(network.Options{Site: p.site, HostNS: p.world.Host.Path})
	must(p.t, err)
	authority, err := pki.Open(p.t.TempDir())
	must(p.t, err)
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(authority.PEM())
	tell := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f, ok := Conn(r.Context())
			fmt.Fprintf(w, "%s %s %v %s %s %s endpoint=%s,%s gateway=%s seen=%s tls=%v %s", what, r.Host, ok, f.VPC, f.ENI, f.Through, f.Endpoint, f.EndpointENI, f.Gateway, f.Seen, f.TLS, r.Proto)
		})
	}
	p.engine = engine
	p.edge = New(Options{Engine: engine, Site: p.site, AWS: tell("aws"), Metadata: tell("metadata"),
		Certificate: authority.GetCertificate(func(name string) bool { return strings.HasSuffix(name, ".amazonaws.com") })})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.edge.Run(ctx) }()
	p.stop = func() { cancel(); must(p.t, <-done) }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// vpc has a task in a public subnet, one in an isolated subnet, an interface
// endpoint of logs that admits the isolated one only, and a gateway endpoint of S3.
func (p *place) vpc(suffix string) VPC {
	everywhere := netip.MustParsePrefix("0.0.0.0/0")
	out := func(id string) []network.Rule {
		return []network.Rule{{ID: id + suffix, Protocol: network.AnyProtocol, CIDR: everywhere}}
	}
	ip := netip.MustParseAddr
	v := network.VPC{
		ID: "vpc-" + suffix, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}, DNSSupport: true,
		Subnets: []network.Subnet{
			{ID: "subnet-p" + suffix, CIDR: netip.MustParsePrefix("10.0.1.0/24"), RouteTable: "rtb-p"},
			{ID: "subnet-i" + suffix, CIDR: netip.MustParsePrefix("10.0.2.0/24"), RouteTable: "rtb-i"},
		},
		RouteTables: []network.RouteTable{
			{ID: "rtb-p", Routes: []network.Route{{Destination: everywhere, Target: network.Target{Kind: network.InternetGateway, ID: "igw-1"}}}},
			{ID: "rtb-i", Routes: []network.Route{{PrefixList: "pl-s3", Target: network.Target{Kind: network.GatewayEndpoint, ID: "vpce-s3"}}}},
		},
		PrefixLists: []network.PrefixList{{ID: "pl-s3", Prefixes: []netip.Prefix{p.site.S3()}}},
		SecurityGroups: []network.SecurityGroup{
			{ID: "sg-open", Egress: out("sgr-a")}, {ID: "sg-task", Egress: out("sgr-b")},
			{ID: "sg-endpoint", Ingress: []network.Rule{{ID: "sgr-https" + suffix, Protocol: network.TCP, FromPort: 443, ToPort: 443, Group: "sg-task"}}},
		},
		ENIs: []network.ENI{
			{ID: "eni-p" + suffix, Kind: network.Attached, Subnet: "subnet-p" + suffix, IP: ip("10.0.1.10"), Groups: []string{"sg-open"}, PublicIP: ip("198.19.0.7")},
			{ID: "eni-i" + suffix, Kind: network.Attached, Subnet: "subnet-i" + suffix, IP: ip("10.0.2.10"), Groups: []string{"sg-task"}},
			{ID: "eni-e" + suffix, Kind: network.InterfaceEndpoint, Owner: "vpce-logs", Subnet: "subnet-i" + suffix, IP: ip("10.0.2.20"), Groups: []string{"sg-endpoint"}},
			{ID: "eni-l" + suffix, Kind: network.LoadBalancer, Owner: "alb", Subnet: "subnet-p" + suffix, IP: ip("10.0.1.20"), Groups: []string{"sg-alb"}},
		},
	}
	v.SecurityGroups = append(v.SecurityGroups, network.SecurityGroup{ID: "sg-alb", Ingress: []network.Rule{{ID: "sgr-alb" + suffix, Protocol: network.AnyProtocol, CIDR: everywhere}}})
	z := dns.Zone{Region: "us-east-1", CIDRs: v.CIDRs, Services: p.site.Services(), S3: p.site.S3(),
		Endpoints: []dns.Endpoint{{ID: "vpce-logs", Names: []dns.Name{{Name: "logs.us-east-1.amazonaws.com", Addrs: []netip.Addr{ip("10.0.2.20")}}}}}}
	return VPC{v, z}
}

func (p *place) set(v VPC) {
	p.t.Helper()
	must(p.t, p.engine.Set(context.Background(), v.Network))
	must(p.t, p.edge.Set(context.Background(), v))
}

// get fetches a URL from inside an ENI, names and all.
func (p *place) get(eni, url string) string {
	client := http.Client{Timeout: 700 * time.Millisecond, Transport: &http.Transport{
		DialContext: p.engine.Dialer(eni), TLSClientConfig: &tls.Config{RootCAs: p.roots}, DisableKeepAlives: true, ForceAttemptHTTP2: strings.Contains(url, "h2")}}
	r, err := client.Get(url)
	if err != nil {
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			return "time-out"
		}
		return err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(p.t, err)
	return string(b)
}

func (p *place) expect(eni, url, want string) {
	p.t.Helper()
	if got := p.get(eni, url); got != want {
		p.t.Errorf("%s %s:\n got %q\nwant %q", eni, url, got, want)
	}
}

func TestWhoGetsWhere(t *testing.T) {
	p := newPlace(t)
	p.set(p.vpc("a"))
	p.set(p.vpc("b"))
	logs := "https://logs.us-east-1.amazonaws.com/"
	p.expect("eni-ia", logs, "aws logs.us-east-1.amazonaws.com true vpc-a eni-ia local endpoint=vpce-logs,eni-ea gateway= seen=10.0.2.10 tls=true HTTP/1.1")
	p.expect("eni-ib", logs+"h2", "aws logs.us-east-1.amazonaws.com true vpc-b eni-ib local endpoint=vpce-logs,eni-eb gateway= seen=10.0.2.10 tls=true HTTP/2.0")
	p.expect("eni-pa", logs, "time-out") // private DNS leads to the endpoint, whose group does not admit it
	p.expect("eni-ia", "https://bucket.s3.us-east-1.amazonaws.com/", "aws bucket.s3.us-east-1.amazonaws.com true vpc-a eni-ia gateway-endpoint endpoint=vpce-s3, gateway= seen=10.0.2.10 tls=true HTTP/1.1")
	p.expect("eni-pa", "http://sts.us-east-1.amazonaws.com/", "aws sts.us-east-1.amazonaws.com true vpc-a eni-pa internet-gateway endpoint=, gateway=igw-1 seen=198.19.0.7 tls=false HTTP/1.1")
	p.expect("eni-ia", "https://sts.us-east-1.amazonaws.com/", "time-out")
	p.expect("eni-pa", "http://169.254.170.2/v4", "metadata 169.254.170.2 true vpc-a eni-pa local endpoint=, gateway= seen=10.0.1.10 tls=false HTTP/1.1")
	for id, connections := range map[string]uint64{"vpce-logs": 2, "vpce-s3": 1, "igw-1": 1} {
		if u := p.edge.Usage()[id]; u.Connections != connections {
			t.Errorf("through %s went %+v, want %d connections", id, u, connections)
		}
	}
	if got := p.get("eni-ia", "https://example.com/"); !strings.Contains(got, "lookup example.com on 10.0.0.2:53: no such host") {
		t.Errorf("a name that nobody knows: %s", got)
	}
	if got := p.get("eni-pa", "https://10.0.1.20/"); !strings.Contains(got, "reset") && !strings.Contains(got, "EOF") {
		t.Errorf("the address of a load balancer answers as AWS: %s", got)
	}
	var names []string
	for _, q := range p.edge.Queries("vpc-a", netip.MustParseAddr("10.0.2.10")) {
		names = append(names, q.Name+" "+string(q.Origin)+" "+q.Rcode)
	}
	want := "[logs.us-east-1.amazonaws.com endpoint NOERROR bucket.s3.us-east-1.amazonaws.com aws NOERROR sts.us-east-1.amazonaws.com aws NOERROR example.com none NXDOMAIN]"
	if got := fmt.Sprint(names); got != want {
		t.Errorf("remembered %s\nwant       %s", got, want)
	}
}

func TestDNSSupportComesAndGoes(t *testing.T) {
	p := newPlace(t)
	v := p.vpc("a")
	p.set(v)
	without := v
	without.Network.DNSSupport = false
	p.set(without)
	if got := p.get("eni-ia", "https://logs.us-east-1.amazonaws.com/"); !strings.Contains(got, "no DNS support") {
		t.Error(got)
	}
	if c, err := p.engine.Dialer("eni-ia")(context.Background(), "udp", "169.254.169.253:53"); err == nil {
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		_, _ = c.Write([]byte("anything"))
		if _, err := c.Read(make([]byte, 10)); err == nil {
			t.Error("the resolver answers without DNS support")
		}
		c.Close()
	}
	p.set(v)
	if got := p.get("eni-ia", "https://logs.us-east-1.amazonaws.com/"); !strings.HasPrefix(got, "aws") {
		t.Error(got)
	}
}

func TestRestartAndRemove(t *testing.T) {
	p := newPlace(t)
	v := p.vpc("a")
	p.set(v)
	p.stop()
	must(t, p.engine.Close())
	p.start()
	p.set(v)
	p.set(v) // nothing to do
	if got := p.get("eni-ia", "https://logs.us-east-1.amazonaws.com/"); !strings.HasPrefix(got, "aws") {
		t.Error(got)
	}
	p.edge.Remove(v.Network.ID)
	p.edge.Remove(v.Network.ID)
	if got := p.get("eni-ia", "http://169.254.170.2/"); !strings.Contains(got, "refused") {
		t.Errorf("after Remove: %s", got)
	}
	must(t, p.engine.Remove(context.Background(), v.Network.ID))
	if got := p.get("eni-ia", "http://169.254.170.2/"); !strings.Contains(got, "no such vpc or interface") {
		t.Error(got)
	}
}
