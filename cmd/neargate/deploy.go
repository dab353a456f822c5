package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// eventPause is how often a deployment's events are asked for.
const eventPause = 100 * time.Millisecond

func deployCommand(opts *options) *cobra.Command {
	var stack string
	var parameters []string
	cmd := &cobra.Command{
		Use:     "deploy TEMPLATE --stack-name NAME",
		Short:   "Deploy a CloudFormation or SAM template and show progress",
		Example: "  neargate deploy parent.yml --stack-name demo --parameter ImageUri=web:1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if stack == "" {
				return &cli.Error{What: "no stack name given", Why: "a stack is found by its name", Fix: "neargate deploy " + args[0] + " --stack-name NAME", Code: "cli.usage", Exit: cli.ExitUsage}
			}
			r, err := connect(opts)
			if err != nil {
				return err
			}
			d := &deploy{remote: r, cfn: cloudformationapi.NewClient(r), stack: stack, out: cmd.OutOrStdout()}
			return d.run(cmd.Context(), args[0], parameters)
		},
	}
	cmd.Flags().StringVar(&stack, "stack-name", "", "name of the stack")
	cmd.Flags().StringArrayVar(&parameters, "parameter", nil, "template parameter, KEY=VALUE (repeatable)")
	return cmd
}

// deploy is one run of `neargate deploy`.
type deploy struct {
	remote *remote
	cfn    cloudformationapi.API
	stack  string
	out    io.Writer
}

func (d *deploy) run(ctx context.Context, path string, assignments []string) error {
	parameters, err := parseParameters(assignments)
	if err != nil {
		return err
	}
	url, err := d.upload(ctx, path)
	if err != nil {
		return err
	}
	exists, err := d.exists(ctx)
	if err != nil {
		return err
	}
	in := &cloudformationapi.CreateChangeSetInput{
		StackName: d.stack, ChangeSetName: fmt.Sprintf("neargate-%d", time.Now().UnixNano()), TemplateURL: url, ChangeSetType: cloudformationapi.ChangeSetTypeCreate,
		Capabilities: []cloudformationapi.Capability{cloudformationapi.CapabilityCapabilityIam, cloudformationapi.CapabilityCapabilityNamedIam, cloudformationapi.CapabilityCapabilityAutoExpand},
		Parameters:   parameters,
	}
	if exists {
		in.ChangeSetType = cloudformationapi.ChangeSetTypeUpdate
		if in.Parameters, err = d.keepPrevious(ctx, url, parameters); err != nil {
			return err
		}
	}
	made, err := d.cfn.CreateChangeSet(ctx, in)
	if err != nil {
		return awsError("deploying "+d.stack, err)
	}
	set, err := d.settled(ctx, made.Id)
	if err != nil {
		return err
	}
	if set.Status == cloudformationapi.ChangeSetStatusFailed {
		d.cfn.DeleteChangeSet(ctx, &cloudformationapi.DeleteChangeSetInput{ChangeSetName: made.Id})
		if strings.Contains(set.StatusReason, "didn't contain changes") {
			fmt.Fprintf(d.out, "no changes: stack %s is up to date\n", d.stack)
			return nil
		}
		return &cli.Error{What: "the change set of " + d.stack + " failed", Why: set.StatusReason, Code: "stack.change-set"}
	}
	since := time.Now().Add(-time.Millisecond)
	if _, err := d.cfn.ExecuteChangeSet(ctx, &cloudformationapi.ExecuteChangeSetInput{ChangeSetName: made.Id}); err != nil {
		return awsError("deploying "+d.stack, err)
	}
	return d.watch(ctx, made.StackId, since)
}

// settled waits for a change set to be computed; usually it is by now.
func (d *deploy) settled(ctx context.Context, id string) (*cloudformationapi.DescribeChangeSetOutput, error) {
	for {
		set, err := d.cfn.DescribeChangeSet(ctx, &cloudformationapi.DescribeChangeSetInput{ChangeSetName: id})
		if err != nil {
			return nil, awsError("reading the change set", err)
		}
		if set.Status != cloudformationapi.ChangeSetStatusCreatePending && set.Status != cloudformationapi.ChangeSetStatusCreateInProgress {
			return set, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(eventPause):
		}
	}
}

func (d *deploy) exists(ctx context.Context) (bool, error) {
	out, err := d.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: d.stack})
	if err != nil {
		if strings.Contains(err.Error(), "does not exist") {
			return false, nil
		}
		return false, awsError("reading stack "+d.stack, err)
	}
	return out.Stacks[0].StackStatus != cloudformationapi.StackStatusReviewInProgress, nil
}

// keepPrevious adds the parameters that the template has and that are not given:
// they keep their values.
func (d *deploy) keepPrevious(ctx context.Context, url string, given []cloudformationapi.Parameter) ([]cloudformationapi.Parameter, error) {
	summary, err := d.cfn.GetTemplateSummary(ctx, &cloudformationapi.GetTemplateSummaryInput{TemplateURL: url})
	if err != nil {
		return nil, awsError("reading the template", err)
	}
	stack, err := d.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: d.stack})
	if err != nil {
		return nil, awsError("reading stack "+d.stack, err)
	}
	have := map[string]bool{}
	for _, p := range given {
		have[p.ParameterKey] = true
	}
	old := map[string]bool{}
	for _, p := range stack.Stacks[0].Parameters {
		old[p.ParameterKey] = true
	}
	for _, p := range summary.Parameters {
		if !have[p.ParameterKey] && old[p.ParameterKey] {
			given = append(given, cloudformationapi.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: true})
		}
	}
	return given, nil
}

func parseParameters(assignments []string) ([]cloudformationapi.Parameter, error) {
	var out []cloudformationapi.Parameter
	for _, a := range assignments {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			return nil, &cli.Error{What: "parameter " + a + " is not KEY=VALUE", Why: "a template's parameters have names", Fix: "--parameter KEY=VALUE", Code: "cli.usage", Exit: cli.ExitUsage}
		}
		out = append(out, cloudformationapi.Parameter{ParameterKey: key, ParameterValue: value})
	}
	return out, nil
}

// awsError tells an AWS error to a person.
func awsError(what string, err error) error {
	var own *cli.Error
	if errors.As(err, &own) {
		return &cli.Error{What: what + ": " + own.What, Code: own.Code, Fix: own.Fix, Exit: own.Exit}
	}
	var e wire.Error
	if errors.As(err, &e) {
		return &cli.Error{What: what + ": " + e.ErrorMessage(), Code: e.ErrorCode()}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func readTemplate(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &cli.Error{What: "cannot read the template", Why: err.Error(), Fix: "neargate deploy TEMPLATE --stack-name NAME", Code: "stack.no-template", Exit: cli.ExitNotFound}
	}
	return b, nil
}
