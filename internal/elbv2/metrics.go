package elbv2

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// applicationELB is the namespace of what application load balancers do.
const applicationELB = "AWS/ApplicationELB"

// Units of CloudWatch.
const (
	unitCount        = "Count"
	unitSeconds      = "Seconds"
	unitBytes        = "Bytes"
	unitMilliseconds = "Milliseconds"
)

// meters are the metrics of one load balancer. A request finds those of its node's
// zone and its target group, and is counted there once: package metrics adds it to
// each set of dimensions that AWS has.
type meters struct {
	store     *metrics.Store
	key       metrics.Key // without name
	name      string      // app/NAME/ID
	mu        sync.Mutex  // held by who adds to cells
	cells     atomic.Pointer[map[cell]*requestMeters]
	shares    atomic.Pointer[map[string]float64] // what one request is of a target's, by group
	processed atomic.Int64                       // bytes
	evaluated atomic.Int64                       // rules
}

// cell is what requests are counted by.
type cell struct {
	zone  string // of the node
	group string // ARN; empty: no target group
}

func newMeters(store *metrics.Store, namespace string, b *state.LoadBalancer) *meters {
	m := &meters{store: store, key: metrics.Key{Account: b.Account, Region: b.Region, Namespace: namespace}, name: b.Path}
	m.cells.Store(&map[cell]*requestMeters{})
	m.shares.Store(&map[string]float64{})
	return m
}

// metric is one metric with its sets of dimensions.
func (m *meters) metric(name, unit string, sets ...metrics.Dimensions) *metrics.Metric {
	k := m.key
	k.Name, k.Unit, k.Dimensions = name, unit, sets[0]
	return m.store.Metric(k, sets[1:]...)
}

// whole are the dimensions of what is counted for a load balancer and its zones.
func (m *meters) whole(zone string) []metrics.Dimensions {
	lb := metrics.Dimension{Name: "LoadBalancer", Value: m.name}
	return []metrics.Dimensions{metrics.Dims(lb), metrics.Dims(lb, metrics.Dimension{Name: "AvailabilityZone", Value: zone})}
}

// grouped are the dimensions of what is counted for a target group of it.
func (m *meters) grouped(c cell) []metrics.Dimensions {
	lb, group := metrics.Dimension{Name: "LoadBalancer", Value: m.name}, metrics.Dimension{Name: "TargetGroup", Value: groupName(c.group)}
	return []metrics.Dimensions{metrics.Dims(lb, group), metrics.Dims(lb, group, metrics.Dimension{Name: "AvailabilityZone", Value: c.zone})}
}

// requestMeters are the metrics of the requests of a cell.
type requestMeters struct {
	processed, rules, redirects, fixed, odd *metrics.Metric // of the load balancer
	requests, grpc, perTarget, responseTime *metrics.Metric // of the target group, too
	connectErrors, tlsErrors                *metrics.Metric
	elb, target, elbExact                   map[int]*metrics.Metric // by the first digit of the status, and by all of it
}

// at finds the metrics of a cell.
func (m *meters) at(c cell) *requestMeters {
	if r := (*m.cells.Load())[c]; r != nil {
		return r
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := maps.Clone(*m.cells.Load())
	if all[c] == nil {
		all[c] = m.requestMeters(c)
		m.cells.Store(&all)
	}
	return all[c]
}

func (m *meters) requestMeters(c cell) *requestMeters {
	whole := m.whole(c.zone)
	r := &requestMeters{
		processed: m.metric("ProcessedBytes", unitBytes, whole...), rules: m.metric("RuleEvaluations", unitCount, whole[0]),
		redirects: m.metric("HTTP_Redirect_Count", unitCount, whole...), fixed: m.metric("HTTP_Fixed_Response_Count", unitCount, whole...),
		odd: m.metric("DesyncMitigationMode_NonCompliant_Request_Count", unitCount, whole...),
		elb: map[int]*metrics.Metric{}, target: map[int]*metrics.Metric{}, elbExact: map[int]*metrics.Metric{},
	}
	for digit := 3; digit <= 5; digit++ {
		r.elb[digit] = m.metric("HTTPCode_ELB_"+strconv.Itoa(digit)+"XX_Count", unitCount, whole...)
	}
	for _, status := range []int{500, 502, 503, 504} {
		r.elbExact[status] = m.metric("HTTPCode_ELB_"+strconv.Itoa(status)+"_Count", unitCount, whole...)
	}
	if c.group == "" {
		return r
	}
	grouped := m.grouped(c)
	all := append(whole, grouped...)
	group, zone := metrics.Dimension{Name: "TargetGroup", Value: groupName(c.group)}, metrics.Dimension{Name: "AvailabilityZone", Value: c.zone}
	r.requests = m.metric("RequestCount", unitCount, all...)
	r.grpc = m.metric("GrpcRequestCount", unitCount, all...)
	r.perTarget = m.metric("RequestCountPerTarget", unitCount, append(grouped, metrics.Dims(group), metrics.Dims(group, zone))...)
	r.responseTime = m.metric("TargetResponseTime", unitSeconds, all...)
	r.connectErrors = m.metric("TargetConnectionErrorCount", unitCount, all...)
	r.tlsErrors = m.metric("TargetTLSNegotiationErrorCount", unitCount, all...)
	for digit := 2; digit <= 5; digit++ {
		r.target[digit] = m.metric("HTTPCode_Target_"+strconv.Itoa(digit)+"XX_Count", unitCount, all...)
	}
	return r
}

// count counts a request. A request counts in RequestCount once a target was chosen.
func (m *meters) count(r *loadbalancer.AccessRecord) {
	c := m.at(cell{r.Zone, r.Group})
	bytes := r.ReceivedBytes + r.SentBytes
	m.processed.Add(bytes)
	c.processed.Record(r.Done, float64(bytes))
	if r.RulesEvaluated > 0 {
		m.evaluated.Add(int64(r.RulesEvaluated))
		c.rules.Record(r.Done, float64(r.RulesEvaluated))
	}
	if r.Classification != "" {
		c.odd.Record(r.Done, 1)
	}
	switch {
	case strings.HasSuffix(r.Actions, "redirect"):
		c.redirects.Record(r.Done, 1)
	case strings.HasSuffix(r.Actions, "fixed-response"):
		c.fixed.Record(r.Done, 1)
	}
	m.countSignIn(r)
	if r.TargetStatus == 0 && r.Status >= 300 && r.Status < 600 {
		c.elb[r.Status/100].Record(r.Done, 1)
		if exact := c.elbExact[r.Status]; exact != nil {
			exact.Record(r.Done, 1)
		}
	}
	if r.Group != "" {
		m.countTarget(c, r)
	}
}

// countSignIn counts how a user's sign-in went that a request was part of.
func (m *meters) countSignIn(r *loadbalancer.AccessRecord) {
	if r.Authentication != "" {
		m.metric(string(r.Authentication), unitCount, m.whole(r.Zone)...).Record(r.Done, 1)
	}
	if r.AuthenticationTime > 0 {
		m.metric("ELBAuthLatency", unitMilliseconds, m.whole(r.Zone)...).Record(r.Done, float64(r.AuthenticationTime.Milliseconds()))
	}
}

// countTarget counts what a request did at its target group.
func (m *meters) countTarget(c *requestMeters, r *loadbalancer.AccessRecord) {
	if r.TargetConnectErrors > 0 {
		c.connectErrors.Record(r.Done, float64(r.TargetConnectErrors))
	}
	if r.TargetTLSErrors > 0 {
		c.tlsErrors.Record(r.Done, float64(r.TargetTLSErrors))
	}
	if !r.Target.IsValid() {
		return
	}
	c.requests.Record(r.Done, 1)
	if share := (*m.shares.Load())[r.Group]; share > 0 {
		c.perTarget.Record(r.Done, share)
	}
	if r.Type == "grpcs" {
		c.grpc.Record(r.Done, 1)
	}
	if r.TargetStatus != 0 {
		if code := c.target[r.TargetStatus/100]; code != nil {
			code.Record(r.Done, 1)
		}
		c.responseTime.Record(r.Done, r.TargetTime.Seconds())
	}
}

// connection counts what a client's connection met.
func (m *meters) connection(r *loadbalancer.ConnectionRecord) {
	if r.TLSFailed {
		m.metric("ClientTLSNegotiationErrorCount", unitCount, m.whole(r.Zone)...).Record(r.Closed, 1)
	}
}

// groupName is a target group's name in metrics.
func groupName(arn string) string {
	_, path, _ := cutKind(arn)
	return "targetgroup/" + path
}
