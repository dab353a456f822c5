package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/neargate/neargate/examples"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// The names of the demo.
const (
	demoStack      = "neargate-demo"
	demoHTTPSStack = "neargate-demo-https"
	demoRepository = "neargate-demo"
	demoTag        = "1"
)

func demoCommand(opts *options) *cobra.Command {
	var imageOnly bool
	cmd := &cobra.Command{
		Use:   "demo [https]",
		Short: "Deploy an example with a sample image, and show what came of it",
		Long: `Deploy an example with a sample image that needs no internet, and show what came of it:
examples/isolated-vpc, or with "https" examples/https-service.`,
		ValidArgs: []string{"https"},
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			d := &demo{remote: r, opts: opts, out: cmd.OutOrStdout()}
			switch {
			case imageOnly:
				d.out = cmd.ErrOrStderr()
				image, err := d.pushImage(cmd.Context())
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), image)
				}
				return err
			case len(args) > 0:
				return d.runHTTPS(cmd.Context())
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&imageOnly, "image-only", false, "only push the sample image, and print its name")
	return cmd
}

// demo is one run of `neargate demo`.
type demo struct {
	*remote
	opts *options
	out  io.Writer
}

func (d *demo) run(ctx context.Context) error {
	if err := d.deploy(ctx, examples.IsolatedVPC, "isolated-vpc", demoStack); err != nil {
		return err
	}
	return d.show(ctx)
}

// deploy makes a stack of an example's main.yml with the sample image.
func (d *demo) deploy(ctx context.Context, files fs.FS, example, name string) error {
	image, err := d.pushImage(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "neargate-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, files); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "deploying examples/%s as stack %s\n", example, name)
	stack := &deploy{remote: d.remote, cfn: cloudformationapi.NewClient(d.remote), stack: name, out: d.out}
	return stack.run(ctx, filepath.Join(dir, example, "main.yml"), []string{"Image=" + image})
}

// show prints the stacks, the tasks, their first lines, and what to do next.
func (d *demo) show(ctx context.Context) error {
	outputs, err := d.outputs(ctx, demoStack)
	if err != nil {
		return err
	}
	if err := d.showStacks(ctx, demoStack); err != nil {
		return err
	}
	tasks, err := d.steady(ctx, outputs["Cluster"], outputs["Service"])
	if err != nil {
		return err
	}
	d.showTasks(outputs["Service"], tasks)
	fmt.Fprintf(d.out, "\nLog group %s\n", outputs["LogGroup"])
	if err := d.showLogs(ctx, outputs["LogGroup"], tasks); err != nil {
		return err
	}
	fmt.Fprintf(d.out, `
Use it
  aws         eval "$(neargate env)" && aws ecs list-tasks --cluster %[1]s
              or: neargate env --profile && AWS_PROFILE=neargate aws logs tail %[2]s
  SAM         eval "$(neargate env)" && sam deploy --template-file T.yml --stack-name S --capabilities CAPABILITY_IAM --resolve-s3
  Terraform   eval "$(neargate env)" && terraform apply
  Neargate    neargate ps · neargate logs service/%[3]s -f · neargate why service/%[3]s
Stop it
  neargate down            stop everything and restore the host; data stays
  neargate down --data     and forget all data
`, outputs["Cluster"], outputs["LogGroup"], outputs["Service"])
	return nil
}

func (d *demo) showTasks(service string, tasks []ecsapi.Task) {
	fmt.Fprintf(d.out, "\nTasks of service %s\n", service)
	var rows [][]string
	for _, t := range tasks {
		rows = append(rows, taskRow(t)[:8])
	}
	cli.Table(d.out, []string{"TASK", "GROUP", "STATUS", "SINCE", "ADDRESS", "ENI", "SUBNET", "ZONE"}, rows)
}

func (d *demo) outputs(ctx context.Context, stack string) (map[string]string, error) {
	out, err := cloudformationapi.NewClient(d).DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: stack})
	if err != nil {
		return nil, awsError("reading stack "+stack, err)
	}
	values := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		values[o.OutputKey] = o.OutputValue
	}
	return values, nil
}

func (d *demo) showStacks(ctx context.Context, stack string) error {
	out, err := cloudformationapi.NewClient(d).DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{})
	if err != nil {
		return awsError("reading stacks", err)
	}
	root := ""
	for _, s := range out.Stacks {
		if s.StackName == stack {
			root = s.StackId
		}
	}
	fmt.Fprintln(d.out, "\nStacks")
	var rows [][]string
	for _, s := range out.Stacks {
		switch {
		case s.StackId == root:
			rows = append([][]string{{s.StackName, string(s.StackStatus)}}, rows...)
		case s.RootId == root:
			rows = append(rows, []string{"└ " + s.StackName, string(s.StackStatus)})
		}
	}
	cli.Table(d.out, []string{"STACK", "STATUS"}, rows)
	return nil
}

// steadyWait bounds how long the demo waits for its service.
const steadyWait = 2 * time.Minute

// steady waits until the service runs what it wants, and returns its tasks.
func (d *demo) steady(ctx context.Context, cluster, service string) ([]ecsapi.Task, error) {
	ecs := ecsapi.NewClient(d)
	for deadline := time.Now().Add(steadyWait); ; {
		out, err := ecs.DescribeServices(ctx, &ecsapi.DescribeServicesRequest{Cluster: cluster, Services: []string{service}})
		if err != nil {
			return nil, awsError("reading service "+service, err)
		}
		if len(out.Services) == 1 && len(out.Services[0].Deployments) == 1 && out.Services[0].RunningCount == out.Services[0].DesiredCount {
			return tasksOf(ctx, ecs, cluster, service, ecsapi.DesiredStatusRunning)
		}
		if time.Now().After(deadline) {
			return nil, &cli.Error{What: "service " + service + " is not steady after " + steadyWait.String(), Fix: "neargate why service/" + service, Code: "demo.not-steady", Exit: cli.ExitTimeout}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// showLogs prints the latest lines once each task has written one.
func (d *demo) showLogs(ctx context.Context, group string, tasks []ecsapi.Task) error {
	logs := logsapi.NewClient(d)
	for deadline := time.Now().Add(15 * time.Second); ; {
		out, err := logs.FilterLogEvents(ctx, &logsapi.FilterLogEventsRequest{LogGroupName: group})
		if err != nil {
			return awsError("reading log group "+group, err)
		}
		streams := map[string]bool{}
		for _, e := range out.Events {
			streams[e.LogStreamName] = true
		}
		if len(streams) >= len(tasks) || time.Now().After(deadline) {
			for _, e := range out.Events[max(0, len(out.Events)-10):] {
				fmt.Fprintf(d.out, "  %s %s %s\n", time.UnixMilli(e.Timestamp).UTC().Format(time.RFC3339), shortStream(e.LogStreamName), e.Message)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// repository makes the demo's repository, or finds it, and returns its URI.
func (d *demo) repository(ctx context.Context) (string, error) {
	ecr := ecrapi.NewClient(d)
	found, err := ecr.DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{demoRepository}})
	if err == nil {
		return found.Repositories[0].RepositoryUri, nil
	}
	made, err := ecr.CreateRepository(ctx, &ecrapi.CreateRepositoryRequest{RepositoryName: demoRepository})
	if err != nil {
		return "", awsError("making the repository "+demoRepository, err)
	}
	return made.Repository.RepositoryUri, nil
}
