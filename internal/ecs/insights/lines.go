package insights

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// Usage is what a container used over the last interval.
type Usage struct {
	CPU    float64 // units of 1/1024 core
	Memory float64 // MiB
	Rx, Tx float64 // bytes per second of the task's interface
}

// Line is a performance line and the log stream that it belongs to, with the metrics
// that CloudWatch takes out of it.
type Line struct {
	Stream, Message string
	Values          []Value
}

// Value is one metric of a line, and what it is about.
type Value struct {
	Name, Unit string
	Value      float64
	Sets       []metrics.Dimensions
}

// metric is a metric of a line with its unit.
type metric struct{ name, unit string }

var (
	taskMetrics = []metric{{"CpuUtilized", "None"}, {"CpuReserved", "None"}, {"MemoryUtilized", "Megabytes"}, {"MemoryReserved", "Megabytes"},
		{"NetworkRxBytes", "Bytes/Second"}, {"NetworkTxBytes", "Bytes/Second"}, {"EphemeralStorageReserved", "Gigabytes"}}
	serviceMetrics = []metric{{"DesiredTaskCount", "Count"}, {"RunningTaskCount", "Count"}, {"PendingTaskCount", "Count"}, {"DeploymentCount", "Count"}, {"TaskSetCount", "Count"}}
	clusterMetrics = []metric{{"TaskCount", "Count"}, {"ServiceCount", "Count"}, {"ContainerInstanceCount", "Count"}}
)

// embed makes a line of fields, with the description of its metrics.
func embed(stream string, fields map[string]any, wanted []metric, dimensions ...[]string) Line {
	var list []map[string]string
	line := Line{Stream: stream}
	sets := setsOf(fields, dimensions)
	for _, m := range wanted {
		v, ok := fields[m.name]
		if !ok {
			continue
		}
		list = append(list, map[string]string{"Name": m.name, "Unit": m.unit})
		if n, err := strconv.ParseFloat(fmt.Sprint(v), 64); err == nil {
			line.Values = append(line.Values, Value{m.name, m.unit, n, sets})
		}
	}
	fields["Version"] = "0"
	if len(list) > 0 {
		fields["CloudWatchMetrics"] = []any{map[string]any{"Namespace": "ECS/ContainerInsights", "Metrics": list, "Dimensions": dimensions}}
	}
	raw, _ := json.Marshal(fields) // plain values: always encodes
	line.Message = string(raw)
	return line
}

// setsOf are the sets of dimensions with the values that fields have for them.
func setsOf(fields map[string]any, dimensions [][]string) []metrics.Dimensions {
	var out []metrics.Dimensions
	for _, names := range dimensions {
		var all []metrics.Dimension
		for _, name := range names {
			all = append(all, metrics.Dimension{Name: name, Value: fmt.Sprint(fields[name])})
		}
		out = append(out, metrics.Dims(all...))
	}
	return out
}

// TaskLines are the lines of a RUNNING task and its containers; usage is by
// container.
func TaskLines(t *state.Task, usage map[string]Usage, now time.Time) []Line {
	family, revision, _ := strings.Cut(t.TaskDefinition[strings.LastIndexByte(t.TaskDefinition, '/')+1:], ":")
	common := func(kind string) map[string]any {
		f := map[string]any{
			"Type": kind, "TaskId": t.ID, "TaskDefinitionFamily": family, "TaskDefinitionRevision": revision, "ClusterName": t.Cluster,
			"AccountID": t.Account, "Region": t.Region, "AvailabilityZone": t.Zone, "LaunchType": t.LaunchType, "KnownStatus": t.LastStatus,
			"CreatedAt": t.CreatedAt.UnixMilli(), "StartedAt": t.StartedAt.UnixMilli(), "Timestamp": now.UnixMilli(),
		}
		if t.Service != "" {
			f["ServiceName"] = t.Service
		}
		return f
	}
	dimensions := [][]string{{"ClusterName"}, {"ClusterName", "TaskDefinitionFamily"}}
	if t.Service != "" {
		dimensions = append(dimensions, []string{"ServiceName", "ClusterName"})
	}
	stream := "FargateTelemetry-" + strconv.Itoa(int(t.ID[0])%10)
	var out []Line
	var sum Usage
	for _, c := range t.Containers {
		u, ok := usage[c.Name]
		if !ok {
			continue
		}
		sum.CPU += u.CPU
		sum.Memory += u.Memory
		sum.Rx, sum.Tx = max(sum.Rx, u.Rx), max(sum.Tx, u.Tx) // one interface for all
		f := common("Container")
		f["ContainerName"], f["ContainerKnownStatus"], f["Image"] = c.Name, c.LastStatus, c.Image
		f["CpuUtilized"], f["MemoryUtilized"], f["CpuReserved"], f["MemoryReserved"] = u.CPU, u.Memory, number(c.CPU), number(c.Memory)
		f["NetworkRxBytes"], f["NetworkTxBytes"] = u.Rx, u.Tx
		out = append(out, embed(stream, f, nil))
	}
	storage := float64(t.EphemeralGiB)
	if storage == 0 {
		storage = 20
	}
	f := common("Task")
	f["CpuUtilized"], f["MemoryUtilized"], f["CpuReserved"], f["MemoryReserved"] = sum.CPU, sum.Memory, number(t.CPU), number(t.Memory)
	f["NetworkRxBytes"], f["NetworkTxBytes"], f["EphemeralStorageReserved"] = sum.Rx, sum.Tx, storage*1.073741824
	return append(out, embed(stream, f, taskMetrics, dimensions...))
}

// ServiceLine is the line of a service.
func ServiceLine(svc *state.Service, running, pending int, now time.Time) Line {
	f := map[string]any{
		"Type": "Service", "ServiceName": svc.Name, "ClusterName": svc.Cluster, "Timestamp": now.UnixMilli(),
		"DesiredTaskCount": svc.DesiredCount, "RunningTaskCount": running, "PendingTaskCount": pending, "DeploymentCount": len(svc.Deployments), "TaskSetCount": 0,
	}
	return embed("ServicesTelemetry-0", f, serviceMetrics, []string{"ServiceName", "ClusterName"})
}

// ClusterLine is the line of a cluster.
func ClusterLine(c *state.Cluster, tasks, services int, now time.Time) Line {
	f := map[string]any{"Type": "Cluster", "ClusterName": c.Name, "Timestamp": now.UnixMilli(), "TaskCount": tasks, "ServiceCount": services, "ContainerInstanceCount": 0}
	return embed("ServicesTelemetry-0", f, clusterMetrics, []string{"ClusterName"})
}

func number(digits string) float64 {
	n, _ := strconv.ParseFloat(digits, 64)
	return n
}

// byStream groups lines; the streams come back sorted.
func byStream(lines []Line) (streams []string, messages map[string][]string) {
	messages = map[string][]string{}
	for _, l := range lines {
		messages[l.Stream] = append(messages[l.Stream], l.Message)
	}
	return slices.Sorted(maps.Keys(messages)), messages
}
