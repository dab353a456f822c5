package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

func psCommand(opts *options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List tasks: status, address, and why they stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			tasks, err := allTasks(cmd.Context(), ecsapi.NewClient(r), all)
			if err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "ps", tasks)
			}
			if len(tasks) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "no tasks")
				return nil
			}
			var rows [][]string
			for _, t := range tasks {
				rows = append(rows, taskRow(t))
			}
			cli.Table(cmd.OutOrStdout(), []string{"TASK", "GROUP", "STATUS", "SINCE", "ADDRESS", "ENI", "SUBNET", "ZONE", "REASON"}, rows)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also show stopped tasks")
	return cmd
}

// allTasks returns the tasks of every cluster.
func allTasks(ctx context.Context, ecs ecsapi.API, stopped bool) ([]ecsapi.Task, error) {
	wanted := []ecsapi.DesiredStatus{ecsapi.DesiredStatusRunning}
	if stopped {
		wanted = append(wanted, ecsapi.DesiredStatusStopped)
	}
	out := []ecsapi.Task{}
	clusters, err := listClusters(ctx, ecs)
	if err != nil {
		return nil, err
	}
	for _, cluster := range clusters {
		for _, status := range wanted {
			tasks, err := tasksOf(ctx, ecs, cluster, "", status)
			if err != nil {
				return nil, err
			}
			out = append(out, tasks...)
		}
	}
	return out, nil
}

func listClusters(ctx context.Context, ecs ecsapi.API) ([]string, error) {
	var arns []string
	for token := ""; ; {
		page, err := ecs.ListClusters(ctx, &ecsapi.ListClustersRequest{NextToken: token})
		if err != nil {
			return nil, err
		}
		arns = append(arns, page.ClusterArns...)
		if token = page.NextToken; token == "" {
			return arns, nil
		}
	}
}

// tasksOf returns the tasks of a cluster, of one service when it is named.
func tasksOf(ctx context.Context, ecs ecsapi.API, cluster, service string, status ecsapi.DesiredStatus) ([]ecsapi.Task, error) {
	var out []ecsapi.Task
	for token := ""; ; {
		page, err := ecs.ListTasks(ctx, &ecsapi.ListTasksRequest{Cluster: cluster, ServiceName: service, DesiredStatus: status, NextToken: token})
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) > 0 {
			described, err := ecs.DescribeTasks(ctx, &ecsapi.DescribeTasksRequest{Cluster: cluster, Tasks: page.TaskArns})
			if err != nil {
				return nil, err
			}
			out = append(out, described.Tasks...)
		}
		if token = page.NextToken; token == "" {
			return out, nil
		}
	}
}

func taskRow(t ecsapi.Task) []string {
	detail := map[string]string{}
	for _, a := range t.Attachments {
		for _, d := range a.Details {
			detail[d.Name] = d.Value
		}
	}
	since := t.CreatedAt
	for _, at := range []time.Time{t.StartedAt, t.StoppedAt} {
		if !at.IsZero() {
			since = at
		}
	}
	return []string{shortID(t.TaskArn), t.Group, t.LastStatus, time.Since(since).Round(time.Second).String(),
		orDash(detail["privateIPv4Address"]), orDash(detail["networkInterfaceId"]), orDash(detail["subnetId"]), orDash(t.AvailabilityZone), orDash(firstLine(t.StoppedReason, 80))}
}

// shortID is the last part of an ARN.
func shortID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func firstLine(s string, width int) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > width {
		s = s[:width] + "…"
	}
	return s
}
