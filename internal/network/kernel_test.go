package network

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// named returns the example with ids of its own, as a second VPC of equal ranges.
func named(suffix string) VPC {
	v := example()
	v.ID += suffix
	for i := range v.ENIs {
		v.ENIs[i].ID += suffix
	}
	return v
}

func TestEqualRangesNeverMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := named("-a"), named("-b")
	w.set(a)
	w.set(b)
	for _, v := range []VPC{a, b} {
		suffix := v.ID[len("vpc-a"):]
		v = clone(v)
		v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: TCP, FromPort: 8080, ToPort: 8080, Group: "sg-task"}}
		w.set(v)
		w.serve(w.NetNS("eni-isolated"+suffix), "0.0.0.0:8080", "hello from "+v.ID)
		l, err := w.Listen(context.Background(), v.ID, "tcp4", MetadataAddr.String()+":80")
		must(t, err)
		networktest.Greet(t, l, "metadata of "+v.ID)
	}
	w.expect("eni-public-a", "10.0.3.10:8080", "hello from vpc-a-a to 10.0.1.10 at 10.0.3.10")
	w.expect("eni-public-b", "10.0.3.10:8080", "hello from vpc-a-b to 10.0.1.10 at 10.0.3.10")
	w.expect("eni-closed-a", "169.254.170.2:80", "metadata of vpc-a-a to 10.0.3.11 at 169.254.170.2")
	w.expect("eni-closed-b", "169.254.170.2:80", "metadata of vpc-a-b to 10.0.3.11 at 169.254.170.2")
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := clone(example())
	v.SecurityGroups = append(v.SecurityGroups, SecurityGroup{ID: "sg-web", Egress: []Rule{{ID: "sgr-web-out", Protocol: AnyProtocol, CIDR: defaultRoute}}, Ingress: []Rule{
		{ID: "sgr-by-group", Protocol: TCP, FromPort: 8000, ToPort: 8080, Group: "sg-task"},
	}})
	v.ENIs[6] = ENI{ID: "eni-web", Kind: Attached, Subnet: "subnet-isolated", IP: addr("10.0.3.20"), Groups: []string{"sg-web"}}
	v.ENIs = append(v.ENIs, ENI{ID: "eni-peer", Kind: Attached, Subnet: "subnet-isolated", IP: addr("10.0.3.30"), Groups: []string{"sg-web"}})
	w.set(v)
	w.serve(w.NetNS("eni-web"), "0.0.0.0:8080", "web")
	w.serve(w.NetNS("eni-web"), "0.0.0.0:9090", "web")
	w.expect("eni-isolated", "10.0.3.20:8080", "web to 10.0.3.10 at 10.0.3.20") // same subnet, by group
	w.expect("eni-public", "10.0.3.20:8080", "web to 10.0.1.10 at 10.0.3.20")   // another subnet
	w.expect("eni-isolated", "10.0.3.20:9090", "time-out")                      // another port
	w.expect("eni-peer", "10.0.3.20:8080", "time-out")                          // same subnet, not in the group
	w.expect("eni-closed", "10.0.3.20:8080", "time-out")                        // no egress

	counters, err := w.Counters(context.Background(), v.ID)
	must(t, err)
	if counters.Rules["sgr-by-group"].Packets != 2 || counters.IngressDrops["eni-web"].Packets == 0 || counters.EgressDrops["eni-closed"].Packets == 0 {
		t.Errorf("counters: %+v", counters)
	}

	ctx := context.Background()
	open, err := w.Dialer("eni-isolated")(ctx, "tcp", "10.0.3.20:8080")
	must(t, err)
	defer open.Close()
	v = clone(v)
	v.SecurityGroups[3].Ingress = nil
	start := time.Now()
	w.set(v)
	t.Logf("a rule is revoked in %s", time.Since(start))
	w.expect("eni-isolated", "10.0.3.20:8080", "time-out")
	b := make([]byte, 3)
	must(t, open.SetReadDeadline(time.Now().Add(time.Second)))
	if _, err := open.Read(b); err != nil {
		t.Errorf("an established connection does not survive the revocation: %v", err)
	}
	v = clone(v)
	v.SecurityGroups[3].Ingress = []Rule{{ID: "sgr-by-range", Protocol: AnyProtocol, CIDR: prefix("10.0.3.0/28")}}
	w.set(v)
	w.expect("eni-isolated", "10.0.3.20:9090", "web to 10.0.3.10 at 10.0.3.20")
	w.expect("eni-public", "10.0.3.20:9090", "time-out")
}

// An address that is not the interface's gets nowhere, not even where everybody
// may go, and not even when it is another interface's.
func TestSpoofedSourcesAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := example()
	w.set(v)
	l, err := w.Listen(context.Background(), v.ID, "tcp4", MetadataAddr.String()+":80")
	must(t, err)
	networktest.Greet(t, l, "metadata")
	w.expect("eni-isolated", "169.254.170.2:80", "metadata to 10.0.3.10 at 169.254.170.2")
	for _, other := range []string{"10.0.3.11", "10.0.3.77", "169.254.170.2"} {
		out, err := exec.Command("nsenter", "--net="+w.NetNS("eni-isolated"), "ip", "address", "add", other+"/32", "dev", "lo").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		before, err := w.Counters(context.Background(), v.ID)
		must(t, err)
		err = networktest.Enter(w.NetNS("eni-isolated"), func() error {
			d := net.Dialer{Timeout: 300 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(other)}}
			c, err := d.Dial("tcp4", "10.0.1.10:80") // by the router, whose MAC is known already
			if err == nil {
				c.Close()
			}
			return err
		})
		if err == nil || !os.IsTimeout(err) {
			t.Errorf("as %s: %v", other, err)
		}
		after, err := w.Counters(context.Background(), v.ID)
		must(t, err)
		if after.Spoofed.Packets == before.Spoofed.Packets {
			t.Errorf("as %s: not counted", other)
		}
	}
}

func TestRoutesLeadOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := example()
	w.set(v)
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	w.serve(w.Host.Path, "0.0.0.0:80", "host")
	aws, err := w.Listen(context.Background(), v.ID, "tcp4", "0.0.0.0:443")
	must(t, err)
	networktest.Greet(t, aws, "aws")

	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	w.expect("eni-behind", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	if counters, err := w.Counters(context.Background(), "vpc-a"); err != nil || counters.Carried["eni-nat"].Packets == 0 {
		t.Errorf("the NAT gateway is not counted: %+v, %v", counters.Carried, err)
	}
	w.expect("eni-private", internetAddr+":80", "time-out")
	w.expect("eni-isolated", internetAddr+":80", "time-out")

	w.expect("eni-public", "198.18.200.7:443", "aws to 10.0.1.10 at 198.18.200.7")
	w.expect("eni-behind", "198.18.200.7:443", "aws to 10.0.2.10 at 198.18.200.7")
	w.expect("eni-behind", "198.19.0.2:443", "time-out") // the public IP of eni-public is not AWS's
	w.expect("eni-private", "198.18.200.7:443", "time-out")
	w.expect("eni-isolated", "198.18.200.7:443", "time-out")
	w.expect("eni-isolated", "198.18.0.7:443", "aws to 10.0.3.10 at 198.18.0.7")
	w.expect("eni-isolated", "10.0.3.20:443", "aws to 10.0.3.10 at 10.0.3.20")
	w.expect("eni-closed", "198.18.0.7:443", "time-out")

	w.expect("eni-public", "192.0.2.2:80", "time-out") // the host itself
	w.expect("eni-public", w.site.uplink(int(w.vpcs[v.ID].number.Load())).Host.Addr().String()+":80", "time-out")

	v = clone(v)
	v.RouteTables[1] = RouteTable{ID: "rtb-nat"}
	v.RouteTables[2] = RouteTable{ID: "rtb-isolated"}
	w.set(v)
	w.expect("eni-behind", internetAddr+":80", "time-out")
	w.expect("eni-isolated", "198.18.0.7:443", "time-out")
	w.expect("eni-public", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
}

func TestRestartAdopts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := example()
	w.set(v)
	w.serve(w.NetNS("eni-isolated"), "0.0.0.0:8080", "task")
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	must(t, w.Close())

	w.start()
	must(t, w.Keep(context.Background(), []string{v.ID})) // before anything is Set: nothing is lost
	v = clone(v)
	v.ENIs = append(v.ENIs[:1:1], v.ENIs[2:]...) // eni-public went while nobody looked
	v.RouteTables[2] = RouteTable{ID: "rtb-isolated"}
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: TCP, FromPort: 8080, ToPort: 8080, CIDR: prefix("10.0.2.0/24")}}
	w.set(v)
	w.expect("eni-behind", "10.0.3.10:8080", "task to 10.0.2.10 at 10.0.3.10")
	w.expect("eni-behind", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	if names, _ := namespacesNamed(w.site.namespace("eni-public")); len(names) > 0 {
		t.Errorf("namespaces of removed interfaces stay: %v", names)
	}
	w.background.Wait()
	s := w.vpcs[v.ID]
	if err := s.adopt(); err != nil {
		t.Fatal(err)
	}
	s.applied.Filter = Plan(w.site, v, int(s.number.Load())).Filter
	want, got := Plan(w.site, v, int(s.number.Load())), s.applied
	if len(want.Links) != len(got.Links) || len(missing(want.Routes, got.Routes)) > 0 || len(missing(got.Routes, want.Routes)) > 0 ||
		len(missing(want.Addresses, got.Addresses)) > 0 || len(missing(got.Addresses, want.Addresses)) > 0 ||
		len(missing(want.Rules, got.Rules)) > 0 || len(missing(got.Rules, want.Rules)) > 0 {
		t.Errorf("the kernel holds\n%s\nand the plan is\n%s", got, want)
	}
}

// A fresh interface carries its first packet at once.
func TestFirstPacketOfFreshENI(t *testing.T) {
	w := newWorld(t)
	v := clone(example())
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: AnyProtocol, Group: "sg-task"}}
	w.set(v)
	w.serve(w.NetNS("eni-public"), "0.0.0.0:8080", "hello")
	var setUp, first time.Duration
	const n = 20
	for i := range n {
		v = clone(v)
		id := "eni-fresh" + string(rune('a'+i))
		v.ENIs = append(v.ENIs, ENI{ID: id, Kind: Attached, Subnet: "subnet-nat", IP: addr("10.0.2." + string(rune('2'+i%8)) + "0").Next(), Groups: []string{"sg-task"}})
		if i >= 8 {
			v.ENIs[len(v.ENIs)-1].IP = addr("10.0.2.100")
			for range i {
				v.ENIs[len(v.ENIs)-1].IP = v.ENIs[len(v.ENIs)-1].IP.Next()
			}
		}
		start := time.Now()
		w.set(v)
		setUp += time.Since(start)
		start = time.Now()
		if got := w.call(id, "10.0.1.10:8080"); got[:5] != "hello" {
			t.Fatalf("%d: %s", i, got)
		}
		took := time.Since(start)
		first = max(first, took)
	}
	t.Logf("set-up %s on average, slowest first connection %s", setUp/n, first)
	if first > 300*time.Millisecond {
		t.Errorf("the first packet of a fresh interface was lost: %s", first)
	}
}

// The path to the internet is narrower than the VPC's links; bulk data finds out.
func TestBulkDataThroughNarrowPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(example())
	l := networktest.Listen(t, w.Internet.Path, internetAddr+":80")
	got := make(chan int64, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		n, _ := io.Copy(io.Discard, c)
		got <- n
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.Dialer("eni-behind")(ctx, "tcp", internetAddr+":80")
	must(t, err)
	const size = 4 << 20
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = c.Write(make([]byte, size))
	must(t, err)
	must(t, c.Close())
	select {
	case n := <-got:
		if n != size {
			t.Errorf("%d of %d bytes arrived", n, size)
		}
	case <-ctx.Done():
		t.Error("the data does not arrive")
	}
}

// Calls for one VPC take turns, whoever makes them, and the last one counts.
func TestSetAndRemoveTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := example()
	v.ENIs = v.ENIs[:3]
	var calls sync.WaitGroup
	for i := range 12 {
		calls.Go(func() {
			if i%3 == 2 {
				if err := w.Remove(context.Background(), v.ID); err != nil {
					t.Error(err)
				}
			} else if err := w.Set(context.Background(), v); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	w.set(v)
	w.serve(w.NetNS("eni-public"), "0.0.0.0:80", "task")
	w.expect("eni-private", "10.0.1.10:80", "time-out")
	must(t, w.Remove(context.Background(), v.ID))
	if names, _ := namespacesNamed(w.site.namespaces()); len(names) > 0 {
		t.Errorf("namespaces stay: %v", names)
	}
}
