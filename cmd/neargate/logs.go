package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// followPause is how often `logs -f` asks for more.
const followPause = 500 * time.Millisecond

func logsCommand(opts *options) *cobra.Command {
	var follow bool
	var since time.Duration
	cmd := &cobra.Command{
		Use:     "logs [SERVICE | TASK | LOG GROUP]",
		Short:   "Print what tasks wrote, from their log groups",
		Example: "  neargate logs service/sample-service -f\n  neargate logs 4f0c2a\n  neargate logs /ecs/my-app",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			sources, err := logSources(cmd.Context(), r, name)
			if err != nil {
				return err
			}
			if len(sources) == 0 {
				return &cli.Error{What: "no logs of " + orDash(name), Why: "no task of that name writes to a log group", Fix: "neargate ps -a", Code: "logs.none", Exit: cli.ExitNotFound}
			}
			return tail(cmd.Context(), logsapi.NewClient(r), cmd.OutOrStdout(), sources, time.Now().Add(-since), follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing until interrupted")
	cmd.Flags().DurationVar(&since, "since", time.Hour, "how far back to begin")
	return cmd
}

// logSource is a log group, or the streams of it that belong to certain tasks.
type logSource struct {
	group   string
	streams []string // none: all
}

// logSources finds the log streams of what name stands for.
func logSources(ctx context.Context, r *remote, name string) ([]logSource, error) {
	ecs := ecsapi.NewClient(r)
	tasks, err := allTasks(ctx, ecs, true)
	if err != nil {
		return nil, err
	}
	wanted := strings.TrimPrefix(name, "service/")
	streams := map[string][]string{}
	for _, t := range tasks {
		id := shortID(t.TaskArn)
		if name != "" && t.Group != "service:"+wanted && !strings.HasPrefix(id, strings.TrimPrefix(name, "task/")) {
			continue
		}
		def, err := ecs.DescribeTaskDefinition(ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: t.TaskDefinitionArn})
		if err != nil {
			return nil, err
		}
		for _, c := range def.TaskDefinition.ContainerDefinitions {
			if lc := c.LogConfiguration; lc != nil && lc.LogDriver == ecsapi.LogDriverAwslogs {
				group := lc.Options["awslogs-group"]
				streams[group] = append(streams[group], lc.Options["awslogs-stream-prefix"]+"/"+c.Name+"/"+id)
			}
		}
	}
	var out []logSource
	for group, names := range streams {
		out = append(out, logSource{group, names})
	}
	if len(out) > 0 || name == "" {
		return out, nil
	}
	groups, err := logsapi.NewClient(r).DescribeLogGroups(ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: name})
	if err != nil {
		return nil, err
	}
	for _, g := range groups.LogGroups {
		if g.LogGroupName == name {
			out = append(out, logSource{group: name})
		}
	}
	return out, nil
}

// tail prints events in order of time, and new ones as they come when following.
func tail(ctx context.Context, logs logsapi.API, w io.Writer, sources []logSource, from time.Time, follow bool) error {
	seen := map[string]bool{}
	start := from.UnixMilli()
	for {
		for _, s := range sources {
			latest, err := printNew(ctx, logs, w, s, start, seen)
			if err != nil {
				return err
			}
			// Look back a little: events of several streams do not arrive in order.
			start = max(start, latest-5_000)
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followPause):
		}
	}
}

// maxStreams is how many streams FilterLogEvents takes.
const maxStreams = 100

func printNew(ctx context.Context, logs logsapi.API, w io.Writer, s logSource, start int64, seen map[string]bool) (int64, error) {
	latest := start
	streams := s.streams
	if len(streams) > maxStreams {
		streams = streams[len(streams)-maxStreams:]
	}
	for token := ""; ; {
		page, err := logs.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{LogGroupName: s.group, LogStreamNames: streams, StartTime: &start, NextToken: token})
		if err != nil {
			return latest, err
		}
		for _, e := range page.Events {
			if seen[e.EventId] {
				continue
			}
			seen[e.EventId] = true
			at := e.Timestamp
			latest = max(latest, at)
			fmt.Fprintf(w, "%s %s %s\n", time.UnixMilli(at).UTC().Format(time.RFC3339), shortStream(e.LogStreamName), e.Message)
		}
		if token = page.NextToken; token == "" {
			return latest, nil
		}
	}
}

// shortStream shortens prefix/container/0123456789abcdef... to container/01234567.
func shortStream(name string) string {
	parts := strings.Split(name, "/")
	if n := len(parts); n >= 2 && len(parts[n-1]) == 32 {
		return parts[n-2] + "/" + parts[n-1][:8]
	}
	return name
}
