package network

import (
	"context"
	"fmt"
	"testing"
	"time"
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
