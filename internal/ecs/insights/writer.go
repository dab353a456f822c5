package insights

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	interval  = time.Minute
	principal = "ecs.amazonaws.com"
	maxLines  = 1000 // per call of PutLogEvents
)

// Meter measures running tasks. Satisfied by ecs/agent.
type Meter interface {
	// Usage returns what each running container of the task used since the last
	// call for that task, by name.
	Usage(ctx context.Context, t *state.Task) map[string]Usage
}

// Writer writes performance lines, and records metrics.
type Writer struct {
	DB    *store.DB
	Logs  logsapi.API // called as the service principal of ECS
	Meter Meter
	// Metrics takes what tasks use, for CloudWatch; nil for nobody.
	Metrics *metrics.Store
	Every   time.Duration // zero for a minute
	Log     *slog.Logger
}

// Run writes lines of each interval until ctx ends.
func (w *Writer) Run(ctx context.Context) error {
	every := w.Every
	if every == 0 {
		every = interval
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			w.writeAll(ctx, now)
		}
	}
}

// writeAll measures every cluster, and writes the lines of those that want them.
func (w *Writer) writeAll(ctx context.Context, now time.Time) {
	tx := w.DB.Read()
	for c := range state.Clusters.All(tx, "") {
		if c.Status != "ACTIVE" {
			continue
		}
		lines := w.lines(ctx, tx, c, now)
		if !slices.ContainsFunc(c.Settings, func(s state.ClusterSetting) bool {
			return s.Name == "containerInsights" && s.Value != "disabled"
		}) {
			continue
		}
		w.embedded(c, lines, now)
		if err := w.write(ctx, c, lines, now); err != nil && ctx.Err() == nil && w.Log != nil {
			w.Log.Warn("writing performance lines", "cluster", c.Name, "error", err)
		}
	}
}

// lines are the lines of one cluster.
func (w *Writer) lines(ctx context.Context, tx *store.Tx, c *state.Cluster, now time.Time) []Line {
	var out []Line
	prefix := state.Key(c.Account, c.Region, c.Name+"/")
	tasks, services := 0, 0
	running, pending := map[string]int{}, map[string]int{}
	for t := range state.Tasks.All(tx, prefix) {
		switch t.LastStatus {
		case state.TaskRunning:
			tasks++
			running[t.Service]++
			usage := w.Meter.Usage(ctx, t)
			w.utilization(t, usage, now)
			out = append(out, TaskLines(t, usage, now)...)
		case state.TaskProvisioning, state.TaskPending, state.TaskActivating:
			tasks++
			pending[t.Service]++
		}
	}
	for svc := range state.Services.All(tx, prefix) {
		if svc.Status == "ACTIVE" {
			services++
			out = append(out, ServiceLine(svc, running[svc.Name], pending[svc.Name], now))
		}
	}
	return append(out, ClusterLine(c, tasks, services, now))
}

// write stores lines in the cluster's log group, which is made if need be.
func (w *Writer) write(ctx context.Context, c *state.Cluster, lines []Line, now time.Time) error {
	ctx = caller.With(ctx, caller.ForService(principal, c.Account, c.Region))
	group := "/aws/ecs/containerinsights/" + c.Name + "/performance"
	streams, messages := byStream(lines)
	for _, stream := range streams {
		for batch := range slices.Chunk(messages[stream], maxLines) {
			in := &logsapi.PutLogEventsRequest{LogGroupName: group, LogStreamName: stream}
			for _, m := range batch {
				in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: now.UnixMilli(), Message: m})
			}
			_, err := w.Logs.PutLogEvents(ctx, in)
			if code(err) == "ResourceNotFoundException" {
				if err = w.makeStream(ctx, group, stream); err == nil {
					_, err = w.Logs.PutLogEvents(ctx, in)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) makeStream(ctx context.Context, group, stream string) error {
	if err := w.Logs.CreateLogGroup(ctx, &logsapi.CreateLogGroupRequest{LogGroupName: group}); err != nil && code(err) != "ResourceAlreadyExistsException" {
		return err
	}
	err := w.Logs.CreateLogStream(ctx, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: stream})
	if code(err) == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

// code is the code of an error of AWS's, "" for any other.
func code(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
