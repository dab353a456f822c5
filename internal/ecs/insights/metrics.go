package insights

import (
	"time"

	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// utilization records what a task of a service used of what it reserved, in percent:
// a sample of the service's CPUUtilization and MemoryUtilization. Those of clusters
// come from container instances, which there are none of.
func (w *Writer) utilization(t *state.Task, usage map[string]Usage, now time.Time) {
	if t.Service == "" || len(usage) == 0 {
		return
	}
	var cpu, memory float64
	for _, u := range usage {
		cpu, memory = cpu+u.CPU, memory+u.Memory
	}
	for _, m := range []struct {
		name           string
		used, reserved float64
	}{{"CPUUtilization", cpu, number(t.CPU)}, {"MemoryUtilization", memory, number(t.Memory)}} {
		if m.reserved <= 0 {
			continue
		}
		w.Metrics.Metric(metrics.Key{
			Account: t.Account, Region: t.Region, Namespace: "AWS/ECS", Name: m.name, Unit: "Percent",
			Dimensions: metrics.Dims(metrics.Dimension{Name: "ClusterName", Value: t.Cluster}, metrics.Dimension{Name: "ServiceName", Value: t.Service}),
		}).Record(now, 100*m.used/m.reserved)
	}
}

// embedded records the metrics of a cluster's lines, as CloudWatch takes them out of
// the lines on AWS.
func (w *Writer) embedded(c *state.Cluster, lines []Line, now time.Time) {
	for _, l := range lines {
		for _, v := range l.Values {
			if len(v.Sets) > 0 {
				k := metrics.Key{Account: c.Account, Region: c.Region, Namespace: "ECS/ContainerInsights", Name: v.Name, Unit: v.Unit, Dimensions: v.Sets[0]}
				w.Metrics.Metric(k, v.Sets[1:]...).Record(now, v.Value)
			}
		}
	}
}
