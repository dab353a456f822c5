package insights

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// logs is CloudWatch Logs with groups and streams in memory.
type logs struct {
	logsapi.API
	lines map[string][]string // by group, then stream, as "group stream"
	who   caller.Identity
}

func (l *logs) CreateLogGroup(ctx context.Context, in *logsapi.CreateLogGroupRequest) error {
	l.lines[in.LogGroupName] = nil
	return nil
}

func (l *logs) CreateLogStream(ctx context.Context, in *logsapi.CreateLogStreamRequest) error {
	l.lines[in.LogGroupName+" "+in.LogStreamName] = []string{}
	return nil
}

func (l *logs) PutLogEvents(ctx context.Context, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	l.who = caller.From(ctx)
	key := in.LogGroupName + " " + in.LogStreamName
	if l.lines[key] == nil {
		return nil, &logsapi.ResourceNotFoundException{}
	}
	for _, e := range in.LogEvents {
		l.lines[key] = append(l.lines[key], e.Message)
	}
	return nil, nil
}

type meter struct{}

func (meter) Usage(context.Context, *state.Task) map[string]Usage {
	return map[string]Usage{"app": {CPU: 128, Memory: 100, Rx: 5}}
}

func TestLinesOfAMinute(t *testing.T) {
	db, err := store.OpenMemory(state.Clusters, state.Services, state.Tasks)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for name, value := range map[string]string{"on": "enabled", "off": "disabled"} {
			state.Clusters.Put(tx, &state.Cluster{Account: "000000000000", Region: "us-east-1", Name: name, Status: "ACTIVE", Settings: []state.ClusterSetting{{Name: "containerInsights", Value: value}}})
		}
		state.Services.Put(tx, &state.Service{Account: "000000000000", Region: "us-east-1", Cluster: "on", Name: "s", Status: "ACTIVE", DesiredCount: 2})
		state.Tasks.Put(tx, &state.Task{Account: "000000000000", Region: "us-east-1", Cluster: "on", ID: "0123", Service: "s", TaskDefinition: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:7",
			CPU: "256", Memory: "512", LastStatus: "RUNNING", Containers: []state.Container{{Name: "app", CPU: "256"}}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &logs{lines: map[string][]string{}}
	numbers, err := metrics.Open(filepath.Join(t.TempDir(), "metrics.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer numbers.Close()
	w := &Writer{DB: db, Logs: l, Meter: meter{}, Metrics: numbers}
	w.writeAll(t.Context(), time.UnixMilli(1000))
	got := map[string]map[string]any{}
	for key, lines := range l.lines {
		for _, line := range lines {
			var f map[string]any
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			if f["ClusterName"] != "on" {
				t.Errorf("%s: %s", key, line)
			}
			got[f["Type"].(string)] = f
		}
	}
	if task := got["Task"]; task["CpuUtilized"] != 128.0 || task["MemoryReserved"] != 512.0 || task["ServiceName"] != "s" || task["TaskDefinitionRevision"] != "7" || task["CloudWatchMetrics"] == nil {
		t.Errorf("task %v", task)
	}
	if svc := got["Service"]; svc["RunningTaskCount"] != 1.0 || svc["DesiredTaskCount"] != 2.0 {
		t.Errorf("service %v", svc)
	}
	if cluster := got["Cluster"]; cluster["TaskCount"] != 1.0 || cluster["ServiceCount"] != 1.0 {
		t.Errorf("cluster %v", cluster)
	}
	if got["Container"]["ContainerName"] != "app" {
		t.Errorf("container %v", got["Container"])
	}
	cluster, service := metrics.Dimension{Name: "ClusterName", Value: "on"}, metrics.Dimension{Name: "ServiceName", Value: "s"}
	for _, c := range []struct {
		namespace, name, unit string
		dims                  []metrics.Dimension
		want                  float64
	}{
		{"AWS/ECS", "CPUUtilization", "Percent", []metrics.Dimension{cluster, service}, 50},
		{"AWS/ECS", "MemoryUtilization", "Percent", []metrics.Dimension{cluster, service}, 100 * 100.0 / 512},
		{"ECS/ContainerInsights", "CpuUtilized", "None", []metrics.Dimension{cluster}, 128},
		{"ECS/ContainerInsights", "MemoryReserved", "Megabytes", []metrics.Dimension{cluster, {Name: "TaskDefinitionFamily", Value: "web"}}, 512},
		{"ECS/ContainerInsights", "RunningTaskCount", "Count", []metrics.Dimension{cluster, service}, 1},
		{"ECS/ContainerInsights", "TaskCount", "Count", []metrics.Dimension{cluster}, 1},
	} {
		k := metrics.Key{Account: "000000000000", Region: "us-east-1", Namespace: c.namespace, Name: c.name, Unit: c.unit, Dimensions: metrics.Dims(c.dims...)}
		points, err := numbers.Read(t.Context(), k, time.Minute, time.Unix(0, 0), time.Unix(60, 0))
		if err != nil || len(points) != 1 || points[0].Average() != c.want {
			t.Errorf("%s of %v: %+v %v, want %v", c.name, c.dims, points, err, c.want)
		}
	}
	for _, s := range numbers.Series("000000000000", "us-east-1") {
		for _, d := range s.Dimensions.List() {
			if s.Namespace == "ECS/ContainerInsights" && d.Name == "ClusterName" && d.Value != "on" {
				t.Errorf("a cluster without insights has %s", s.Name)
			}
		}
	}
	if l.who.ServiceName != "ecs.amazonaws.com" {
		t.Errorf("written as %+v", l.who)
	}
}
