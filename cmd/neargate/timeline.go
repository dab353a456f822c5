package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/timeline"
	"github.com/spf13/cobra"
)

// nestingShown is how deep nested stacks are followed, as deep as they may nest.
const nestingShown = 5

func timelineCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "timeline TASK | SERVICE | ecs-svc/ID | STACK",
		Short: "Show what took how long, as a waterfall",
		Long: `Show what took how long: the way of a task to RUNNING, the tasks of a service's newest deployment (or of
the one with an id), or the resources of the last operation on a stack with its nested stacks.
task/, service/ and stack/ before a name say which is meant.`,
		Example: "  neargate timeline stack/isolated-vpc-environment\n  neargate timeline 4f0c2a91",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			l := looker{ecs: ecsapi.NewClient(r), stacks: cloudformationapi.NewClient(r)}
			span, err := l.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "timeline", span)
			}
			timeline.Write(cmd.OutOrStdout(), *span, time.Now())
			return nil
		},
	}
}

// looker asks the APIs for what took time.
type looker struct {
	ecs    ecsapi.API
	stacks cloudformationapi.API
}

// find finds what a name means: tasks first, then services, then stacks.
func (l *looker) find(ctx context.Context, target string) (*timeline.Span, error) {
	kind, name, ok := strings.Cut(target, "/")
	if !ok || !slices.Contains([]string{"task", "service", "stack"}, kind) {
		kind, name = "", target
	}
	for _, k := range []struct {
		kind string
		look func(context.Context, string) (*timeline.Span, error)
	}{{"task", l.task}, {"service", l.service}, {"stack", l.stack}} {
		if kind != "" && kind != k.kind {
			continue
		}
		if span, err := k.look(ctx, name); err != nil || span != nil {
			return span, err
		}
	}
	return nil, &cli.Error{What: "there is no " + cmp.Or(kind, "task, service or stack") + " " + name, Fix: "neargate ps --all", Code: "timeline.not-found", Exit: cli.ExitNotFound}
}

func (l *looker) task(ctx context.Context, id string) (*timeline.Span, error) {
	tasks, err := allTasks(ctx, l.ecs, true)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if len(id) >= 4 && strings.HasPrefix(t.TaskArn[strings.LastIndexByte(t.TaskArn, '/')+1:], id) || t.TaskArn == id {
			span := timeline.Task(t)
			return &span, nil
		}
	}
	return nil, nil
}

// service finds a service by its name, or by the id of a deployment.
func (l *looker) service(ctx context.Context, name string) (*timeline.Span, error) {
	clusters, err := listClusters(ctx, l.ecs)
	if err != nil {
		return nil, err
	}
	for _, cluster := range clusters {
		services, err := servicesOf(ctx, l.ecs, cluster)
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			for _, d := range s.Deployments {
				if d.Id != name && (s.ServiceName != name || d.Status != "PRIMARY") {
					continue
				}
				tasks, err := allTasks(ctx, l.ecs, true)
				if err != nil {
					return nil, err
				}
				span := timeline.Deployment(s.ServiceName, d, tasks)
				return &span, nil
			}
		}
	}
	return nil, nil
}

func (l *looker) stack(ctx context.Context, name string) (*timeline.Span, error) {
	span, err := l.operation(ctx, name, 0)
	var known *cli.Error
	if errors.As(err, &known) && known.Code == "ValidationError" { // CloudFormation's word for a stack that is not there
		return nil, nil
	}
	return span, err
}

// operation reads the last operation on a stack and on the stacks nested in it.
func (l *looker) operation(ctx context.Context, name string, depth int) (*timeline.Span, error) {
	var events []cloudformationapi.StackEvent
	for token := ""; ; {
		page, err := l.stacks.DescribeStackEvents(ctx, &cloudformationapi.DescribeStackEventsInput{StackName: name, NextToken: token})
		if err != nil {
			return nil, err
		}
		events = append(events, page.StackEvents...)
		if token = page.NextToken; token == "" {
			break
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	id, nested := events[0].StackId, map[string]timeline.Span{}
	for _, e := range events {
		inner := e.PhysicalResourceId
		if _, done := nested[inner]; done || e.ResourceType != "AWS::CloudFormation::Stack" || inner == "" || inner == id || depth == nestingShown {
			continue
		}
		span, err := l.operation(ctx, inner, depth+1)
		if err != nil {
			return nil, err
		}
		if span != nil {
			nested[inner] = *span
		}
	}
	span := timeline.Stack(events[0].StackName, id, events, nested)
	return &span, nil
}

// servicesOf returns the services of a cluster.
func servicesOf(ctx context.Context, ecs ecsapi.API, cluster string) ([]ecsapi.Service, error) {
	var out []ecsapi.Service
	for token := ""; ; {
		page, err := ecs.ListServices(ctx, &ecsapi.ListServicesRequest{Cluster: cluster, NextToken: token})
		if err != nil {
			return nil, err
		}
		if len(page.ServiceArns) > 0 {
			full, err := ecs.DescribeServices(ctx, &ecsapi.DescribeServicesRequest{Cluster: cluster, Services: page.ServiceArns})
			if err != nil {
				return nil, err
			}
			out = append(out, full.Services...)
		}
		if token = page.NextToken; token == "" {
			return out, nil
		}
	}
}
