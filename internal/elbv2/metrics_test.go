package elbv2

import (
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

func openMetrics(t testing.TB) *metrics.Store {
	m, err := metrics.Open(filepath.Join(t.TempDir(), "metrics.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// sum is what a metric of AWS/ApplicationELB comes to over two hours, and how often
// it was counted.
func (w *world) sum(name, unit string, dims ...metrics.Dimension) (sum, count float64) {
	w.t.Helper()
	return w.sumOf("AWS/ApplicationELB", name, unit, dims...)
}

func (w *world) sumOf(namespace, name, unit string, dims ...metrics.Dimension) (sum, count float64) {
	w.t.Helper()
	k := metrics.Key{Account: acct, Region: region, Namespace: namespace, Name: name, Unit: unit, Dimensions: metrics.Dims(dims...)}
	points := must[[]metrics.Point](w)(w.Metrics.Read(w.ctx, k, 24*time.Hour, time.Now().Add(-time.Hour).Truncate(time.Minute), time.Now().Add(time.Hour)))
	for _, p := range points {
		sum, count = sum+p.Sum, count+p.Count
	}
	return sum, count
}

// checkMetrics looks at what two good requests, one at each node, left behind.
func checkMetrics(t *testing.T, w *world, b elbv2api.LoadBalancer, g elbv2api.TargetGroup) {
	t.Helper()
	_, path, _ := cutKind(b.LoadBalancerArn)
	lb, group := metrics.Dimension{Name: "LoadBalancer", Value: path}, metrics.Dimension{Name: "TargetGroup", Value: groupName(g.TargetGroupArn)}
	zone := metrics.Dimension{Name: "AvailabilityZone", Value: "eu-west-1b"}
	w.eventually("both requests are counted", func() string { // once they were answered
		n, _ := w.sum("RequestCount", "Count", lb)
		return differs(fmt.Sprint(n >= 2), "true")
	})
	w.measureAll(time.Now())
	w.measureAll(time.Now().Add(time.Minute))
	for _, c := range []struct {
		name, unit string
		dims       []metrics.Dimension
		atLeast    float64
	}{
		{"RequestCount", "Count", []metrics.Dimension{lb}, 2},
		{"RequestCount", "Count", []metrics.Dimension{lb, zone}, 1},
		{"RequestCount", "Count", []metrics.Dimension{group, lb, zone}, 1},
		{"HTTPCode_Target_2XX_Count", "Count", []metrics.Dimension{lb, group}, 2},
		{"TargetResponseTime", "Seconds", []metrics.Dimension{lb}, 0.000001},
		{"ProcessedBytes", "Bytes", []metrics.Dimension{lb}, 100},
		{"NewConnectionCount", "Count", []metrics.Dimension{lb}, 2},
		{"HealthyHostCount", "Count", []metrics.Dimension{lb, group}, 1},
	} {
		if sum, _ := w.sum(c.name, c.unit, c.dims...); sum < c.atLeast {
			t.Errorf("%s of %v is %v, less than %v", c.name, c.dims, sum, c.atLeast)
		}
	}
	if sum, n := w.sum("HTTPCode_Target_2XX_Count", "Count", group); n != 0 {
		t.Errorf("AWS has no HTTPCode_Target_2XX_Count by target group alone; here it is %v", sum)
	}
}

// What each kind of answer counts as.
func TestRequestsCountAsOnAWS(t *testing.T) {
	w := newWorld(t, nil)
	w.Metrics = openMetrics(t)
	b := &state.LoadBalancer{Account: acct, Region: region, Path: "app/web/1"}
	m := newMeters(w.Metrics, applicationELB, b)
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/1"
	m.shares.Store(&map[string]float64{arn: 0.5})
	now, target := time.Now(), netip.MustParseAddrPort("10.0.0.1:80")
	for _, r := range []loadbalancer.AccessRecord{
		{Status: 200, TargetStatus: 200, Target: target, Group: arn, TargetTime: time.Second, Actions: "forward", RulesEvaluated: 3, Type: "http"},
		{Status: 200, TargetStatus: 200, Target: target, Group: arn, TargetTime: 3 * time.Second, Actions: "forward", Type: "grpcs"},
		{Status: 404, TargetStatus: 404, Target: target, Group: arn, Actions: "forward"},
		{Status: 502, Target: target, Group: arn, Actions: "forward", TargetConnectErrors: 2},
		{Status: 503, Group: arn, Actions: "forward"}, // nobody to ask
		{Status: 301, Actions: "redirect", RulesEvaluated: 1},
		{Status: 404, Actions: "fixed-response"},
		{Status: 400, Priority: -1, Classification: "Severe"},
		{Status: 101, TargetStatus: 101, Target: target, Group: arn, Actions: "forward", Type: "ws"},
	} {
		r.Done, r.Zone, r.ReceivedBytes, r.SentBytes = now, "eu-west-1a", 10, 20
		m.count(&r)
	}
	lb, group, zone := metrics.Dimension{Name: "LoadBalancer", Value: "app/web/1"}, metrics.Dimension{Name: "TargetGroup", Value: "targetgroup/api/1"}, metrics.Dimension{Name: "AvailabilityZone", Value: "eu-west-1a"}
	for _, c := range []struct {
		name string
		dims []metrics.Dimension
		sum  float64
		n    float64
	}{
		{"RequestCount", []metrics.Dimension{lb}, 5, 5}, {"RequestCount", []metrics.Dimension{lb, group, zone}, 5, 5},
		{"RequestCountPerTarget", []metrics.Dimension{group}, 2.5, 5}, {"RequestCountPerTarget", []metrics.Dimension{lb}, 0, 0},
		{"GrpcRequestCount", []metrics.Dimension{lb, group}, 1, 1}, {"RuleEvaluations", []metrics.Dimension{lb}, 4, 2}, {"RuleEvaluations", []metrics.Dimension{lb, zone}, 0, 0},
		{"HTTPCode_Target_2XX_Count", []metrics.Dimension{lb}, 2, 2}, {"HTTPCode_Target_4XX_Count", []metrics.Dimension{lb, zone}, 1, 1},
		{"HTTPCode_ELB_5XX_Count", []metrics.Dimension{lb}, 2, 2}, {"HTTPCode_ELB_502_Count", []metrics.Dimension{lb}, 1, 1}, {"HTTPCode_ELB_503_Count", []metrics.Dimension{lb, zone}, 1, 1},
		{"HTTPCode_ELB_4XX_Count", []metrics.Dimension{lb}, 2, 2}, {"HTTPCode_ELB_3XX_Count", []metrics.Dimension{lb}, 1, 1},
		{"HTTP_Redirect_Count", []metrics.Dimension{lb}, 1, 1}, {"HTTP_Fixed_Response_Count", []metrics.Dimension{lb}, 1, 1},
		{"TargetConnectionErrorCount", []metrics.Dimension{lb, group}, 2, 1}, {"DesyncMitigationMode_NonCompliant_Request_Count", []metrics.Dimension{lb}, 1, 1},
	} {
		if sum, n := w.sum(c.name, "Count", c.dims...); sum != c.sum || n != c.n {
			t.Errorf("%s of %v: %v in %v samples, want %v in %v", c.name, c.dims, sum, n, c.sum, c.n)
		}
	}
	if sum, n := w.sum("TargetResponseTime", "Seconds", lb, zone); sum != 4 || n != 4 {
		t.Errorf("TargetResponseTime %v in %v samples", sum, n)
	}
	if sum, _ := w.sum("ProcessedBytes", "Bytes", lb); sum != 270 {
		t.Errorf("ProcessedBytes %v", sum)
	}
}

// Counting a request allocates nothing.
func TestCountingAllocatesNothing(t *testing.T) {
	m := newMeters(openMetrics(t), applicationELB, &state.LoadBalancer{Account: acct, Region: region, Path: "app/web/1"})
	r := &loadbalancer.AccessRecord{
		Status: 200, TargetStatus: 200, Target: netip.MustParseAddrPort("10.0.0.1:80"), Group: "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/1",
		Zone: "eu-west-1a", Done: time.Now(), TargetTime: time.Millisecond, RulesEvaluated: 3, SentBytes: 1024, Actions: "forward",
	}
	m.shares.Store(&map[string]float64{r.Group: 1})
	m.count(r)
	if n := testing.AllocsPerRun(1000, func() { m.count(r) }); n != 0 {
		t.Errorf("%v allocations for each request", n)
	}
}

func BenchmarkCount(b *testing.B) {
	m := newMeters(openMetrics(b), applicationELB, &state.LoadBalancer{Account: acct, Region: region, Path: "app/web/1"})
	r := &loadbalancer.AccessRecord{
		Status: 200, TargetStatus: 200, Target: netip.MustParseAddrPort("10.0.0.1:80"), Group: "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/1",
		Zone: "eu-west-1a", Done: time.Now(), RulesEvaluated: 3, SentBytes: 1024, Actions: "forward",
	}
	m.shares.Store(&map[string]float64{r.Group: 1})
	for i := range b.N {
		r.TargetTime = time.Duration(i%1000) * time.Microsecond
		m.count(r)
	}
}
