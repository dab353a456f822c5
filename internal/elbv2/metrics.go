package elbv2

import (
	"sync"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
)

// kept is how long the numbers of a minute are kept.
const kept = 15 * time.Minute

// Dimensions are what a metric of AWS/ApplicationELB is about: a load balancer, and
// one of its target groups or none, by the names that AWS gives metrics.
type Dimensions struct {
	LoadBalancer string // app/NAME/ID
	TargetGroup  string // targetgroup/NAME/ID
	Zone         string // availability zone of the node
}

// Sample is what was counted of one metric in one minute, in CloudWatch's form.
type Sample struct {
	Sum, Min, Max float64
	Count         int64
}

// metrics counts what load balancers do, minute by minute, for CloudWatch.
type metrics struct {
	mu      sync.Mutex
	minutes map[time.Time]map[Dimensions]map[string]Sample
}

func (m *metrics) add(at time.Time, d Dimensions, name string, value float64) {
	minute := at.UTC().Truncate(time.Minute)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.minutes == nil {
		m.minutes = map[time.Time]map[Dimensions]map[string]Sample{}
	}
	if m.minutes[minute] == nil {
		m.minutes[minute] = map[Dimensions]map[string]Sample{}
		for old := range m.minutes {
			if minute.Sub(old) > kept {
				delete(m.minutes, old)
			}
		}
	}
	all := m.minutes[minute]
	if all[d] == nil {
		all[d] = map[string]Sample{}
	}
	s := all[d][name]
	if s.Count == 0 {
		s.Min, s.Max = value, value
	}
	s.Sum, s.Count, s.Min, s.Max = s.Sum+value, s.Count+1, min(s.Min, value), max(s.Max, value)
	all[d][name] = s
}

// statusNames are the metrics of the codes of answers by their first digit.
func statusNames(prefix string, status int) string {
	if status < 200 || status > 599 {
		return ""
	}
	return prefix + string(rune('0'+status/100)) + "XX_Count"
}

// count counts a request.
func (m *metrics) count(name string, r *loadbalancer.AccessRecord) {
	d := Dimensions{LoadBalancer: name, Zone: r.Zone}
	m.add(r.Done, d, "RequestCount", 1)
	m.add(r.Done, d, "ProcessedBytes", float64(r.ReceivedBytes+r.SentBytes))
	if r.RulesEvaluated > 0 {
		m.add(r.Done, d, "RuleEvaluations", float64(r.RulesEvaluated))
	}
	if r.TargetStatus == 0 && r.Status >= 300 {
		m.add(r.Done, d, statusNames("HTTPCode_ELB_", r.Status), 1)
	}
	if r.Group == "" {
		return
	}
	d.TargetGroup = groupName(r.Group)
	m.add(r.Done, d, "RequestCountPerTarget", 1)
	if r.TargetStatus != 0 {
		if name := statusNames("HTTPCode_Target_", r.TargetStatus); name != "" {
			m.add(r.Done, d, name, 1)
		}
		m.add(r.Done, d, "TargetResponseTime", r.TargetTime.Seconds())
	}
	if r.TargetConnectErrors > 0 {
		m.add(r.Done, d, "TargetConnectionErrorCount", float64(r.TargetConnectErrors))
	}
}

// groupName is a target group's name in metrics.
func groupName(arn string) string {
	_, path, _ := cutKind(arn)
	return "targetgroup/" + path
}

// Metrics returns what was counted in the minute that begins at a time.
func (s *Service) Metrics(minute time.Time) map[Dimensions]map[string]Sample {
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	out := map[Dimensions]map[string]Sample{}
	for d, names := range s.metrics.minutes[minute.UTC().Truncate(time.Minute)] {
		out[d] = map[string]Sample{}
		for name, sample := range names {
			out[d][name] = sample
		}
	}
	return out
}
