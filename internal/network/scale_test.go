package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// crowd is a VPC with many interfaces in many groups.
func crowd(n int) VPC {
	v := example()
	v.Subnets = append(v.Subnets, Subnet{ID: "subnet-crowd", CIDR: prefix("10.0.128.0/17"), RouteTable: "rtb-public"})
	for g := range 20 {
		v.SecurityGroups = append(v.SecurityGroups, SecurityGroup{ID: fmt.Sprint("sg-", g), Ingress: []Rule{{ID: fmt.Sprint("sgr-crowd", g), Protocol: TCP, FromPort: 80, ToPort: 80, Group: fmt.Sprint("sg-", (g+1)%20)}}})
	}
	ip := addr("10.0.128.10")
	for i := range n {
		v.ENIs = append(v.ENIs, ENI{ID: fmt.Sprintf("eni-crowd%d", i), Kind: Attached, Subnet: "subnet-crowd", IP: ip, PublicIP: ip, Groups: []string{fmt.Sprint("sg-", i%20), "sg-task"}})
		ip = ip.Next()
	}
	return v
}

// One more interface costs little, also in a crowd.
func BenchmarkAttach(b *testing.B) {
	for _, n := range []int{0, 100} {
		b.Run(fmt.Sprint(n, " others"), func(b *testing.B) {
			w := newWorld(b)
			without, with := crowd(n), crowd(n+1)
			w.set(without)
			var attach, detach time.Duration
			for b.Loop() {
				start := time.Now()
				must(b, w.Set(context.Background(), with))
				attach += time.Since(start)
				start = time.Now()
				must(b, w.Set(context.Background(), without))
				detach += time.Since(start)
				w.background.Wait()
			}
			b.ReportMetric(float64(attach.Microseconds())/float64(b.N), "µs/attach")
			b.ReportMetric(float64(detach.Microseconds())/float64(b.N), "µs/detach")
		})
	}
}

// BenchmarkPlan is the pure part of a Set.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v := crowd(n)
			for b.Loop() {
				Plan(site, v, 0)
			}
		})
	}
}

// BenchmarkRuleChange is how long it takes until a rule more or less is in force
// in a VPC with 1,000 rules.
func BenchmarkRuleChange(b *testing.B) {
	w := newWorld(b)
	v := crowd(20)
	for g := range 20 {
		group := SecurityGroup{ID: fmt.Sprint("sg-rules", g)}
		for r := range 50 {
			group.Ingress = append(group.Ingress, Rule{ID: fmt.Sprintf("sgr-rules%d-%d", g, r), Protocol: TCP, FromPort: r, ToPort: r + 1, CIDR: prefix("10.0.0.0/16")})
		}
		v.SecurityGroups = append(v.SecurityGroups, group)
	}
	without := clone(v)
	last := &without.SecurityGroups[len(without.SecurityGroups)-1]
	last.Ingress = last.Ingress[1:]
	w.set(v)
	for b.Loop() {
		w.set(without)
		v, without = without, v
	}
}

// BenchmarkThroughput is what one connection carries from task to task, and from
// task to a listener of ours in the VPC (an endpoint, a load balancer), beside a
// plain veth pair without any rules.
func BenchmarkThroughput(b *testing.B) {
	b.Run("task to task", func(b *testing.B) {
		w := newWorld(b)
		v := clone(example())
		v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-in", Protocol: AnyProtocol, Group: "sg-task"}}
		w.set(v)
		carry(b, networktest.Listen(b, w.NetNS("eni-isolated"), "0.0.0.0:7"), func() (net.Conn, error) {
			return w.Dialer("eni-public")(context.Background(), "tcp", "10.0.3.10:7")
		})
	})
	b.Run("task to proxy", func(b *testing.B) {
		w := newWorld(b)
		v := clone(example())
		for i := range v.SecurityGroups {
			v.SecurityGroups[i].Ingress = []Rule{{ID: fmt.Sprint("sgr-in", i), Protocol: AnyProtocol, Group: "sg-task"}}
		}
		w.set(v)
		endpoint, _ := v.ENI("eni-vpce")
		l, err := w.Listen(context.Background(), v.ID, "tcp4", endpoint.IP.String()+":7")
		must(b, err)
		b.Cleanup(func() { _ = l.Close() })
		carry(b, l, func() (net.Conn, error) {
			return w.Dialer("eni-isolated")(context.Background(), "tcp", l.Addr().String())
		})
	})
	b.Run("veth", func(b *testing.B) {
		w := networktest.New(b)
		carry(b, networktest.Listen(b, w.Internet.Path, "192.0.2.1:7"), func() (c net.Conn, err error) {
			return c, networktest.Enter(w.Host.Path, func() error {
				c, err = net.Dial("tcp4", "192.0.2.1:7")
				return err
			})
		})
	})
}

// carry sends data over a connection to whoever accepts it.
func carry(b *testing.B, l net.Listener, dial func() (net.Conn, error)) {
	b.Helper()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	c, err := dial()
	must(b, err)
	defer c.Close()
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		_, err := c.Write(data)
		must(b, err)
	}
}

// BenchmarkManyVPCs sets up 20 VPCs of the same ranges with 10 tasks each, and
// tells the time of the first and of the last; nothing may be left afterwards.
func BenchmarkManyVPCs(b *testing.B) {
	for b.Loop() {
		w := newWorld(b)
		var first, last, change time.Duration
		for n := range 20 {
			v := crowd(10)
			v.ID = fmt.Sprint("vpc-", n)
			for i := range v.ENIs {
				v.ENIs[i].ID += fmt.Sprint("-", n)
				v.ENIs[i].PublicIP = netip.Addr{}
			}
			start := time.Now()
			w.set(v)
			last = time.Since(start)
			if n == 0 {
				first = last
			}
			v = clone(v)
			v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-more", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: defaultRoute}}
			start = time.Now()
			w.set(v)
			change = time.Since(start)
		}
		b.ReportMetric(float64(first.Milliseconds()), "ms/first-VPC")
		b.ReportMetric(float64(last.Milliseconds()), "ms/last-VPC")
		b.ReportMetric(float64(change.Microseconds()), "µs/last-rule-change")
	}
}

// A transaction of thousands of objects goes through whole.
func TestManyRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := crowd(0)
	for i := range 40 {
		g := SecurityGroup{ID: fmt.Sprint("sg-many", i)}
		for r := range 120 {
			g.Ingress = append(g.Ingress, Rule{ID: fmt.Sprintf("sgr-many%d-%d", i, r), Protocol: TCP, FromPort: r, ToPort: r + 1, CIDR: prefix("10.0.0.0/16")})
		}
		v.SecurityGroups = append(v.SecurityGroups, g)
	}
	for i := range 600 { // members of a group, without links
		v.ENIs = append(v.ENIs, ENI{ID: fmt.Sprint("eni-many", i), Kind: Detached, Subnet: "subnet-crowd", IP: addr(fmt.Sprintf("10.0.%d.%d", 140+i/250, 1+i%250)), Groups: []string{"sg-0"}})
	}
	start := time.Now()
	w.set(v)
	t.Logf("4,800 rules in %s", time.Since(start))
	counters, err := w.Counters(context.Background(), v.ID)
	must(t, err)
	if len(counters.Rules) < 4800 {
		t.Errorf("%d rules have counters", len(counters.Rules))
	}
}
