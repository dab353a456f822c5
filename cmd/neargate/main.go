// Command neargate is Amazon ECS and Fargate on your own machine. `neargate up`
// runs it; the other verbs look at it. up.go has all the wiring.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime/containerd"
	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "0.1.0-dev"

func main() {
	containerd.ShimMain() // does not return in the processes that keep containers alive
	if err := fault.Arm(); err != nil {
		cli.PrintError(os.Stderr, err)
		os.Exit(cli.ExitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		cli.PrintError(os.Stderr, err)
	}
	os.Exit(cli.ExitCode(err))
}

// options are the flags that every command has.
type options struct {
	dataDir string
	output  string // table or json
}

func root() *cobra.Command {
	opts := &options{}
	cmd := &cobra.Command{
		Use:   "neargate",
		Short: "Amazon ECS and Fargate on your own machine",
		Long: `Neargate runs your ECS and Fargate templates for real on your own machine:
containers in network namespaces with true VPC addresses, security groups,
endpoints and IAM that allow or refuse, and an explanation when something does not work.

  sudo neargate up -d                      start
  eval "$(neargate env)"                   point aws, sam and terraform at it
  sam deploy ...                           as always
  neargate why service/my-service          when it does not work`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&opts.dataDir, "data-dir", defaultDataDir(), "data directory of the instance")
	cmd.PersistentFlags().StringVarP(&opts.output, "output", "o", "table", "output form: table or json")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &cli.Error{What: err.Error(), Why: "see the usage of " + cmd.CommandPath(), Fix: cmd.CommandPath() + " --help", Code: "cli.usage", Exit: cli.ExitUsage}
	})
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		if opts.output != "table" && opts.output != "json" {
			return &cli.Error{What: "unknown output form " + opts.output, Why: "there are table and json", Fix: "-o table or -o json", Code: "cli.usage", Exit: cli.ExitUsage}
		}
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(commands(opts)...)
	for _, c := range cmd.Commands() {
		usageErrors(c)
	}
	return cmd
}

// knownCommand refuses what is not a command, and names the nearest one.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	fix := cmd.CommandPath() + " --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		fix = cmd.CommandPath() + " " + strings.Join(append(near[:1:1], args[1:]...), " ")
	}
	return &cli.Error{What: "unknown command " + args[0], Why: cmd.CommandPath() + " has no such command", Fix: fix, Code: "cli.usage", Exit: cli.ExitUsage}
}

// usageErrors makes wrong arguments exit with the usage code.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil || errors.As(err, new(*cli.Error)) {
				return err
			}
			return &cli.Error{What: err.Error(), Why: "see the usage of " + cmd.CommandPath(), Fix: cmd.CommandPath() + " --help", Code: "cli.usage", Exit: cli.ExitUsage}
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}
