package main

import (
	"fmt"
	"net/url"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

func interruptCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "interrupt TASK | service/NAME",
		Short: "Take the capacity of Spot tasks, as AWS does now and then",
		Long: `Take the capacity of a FARGATE_SPOT task, or of all those of a service: SIGTERM now, SIGKILL after the
stopTimeout, stop code SpotInterruption. A service starts others in their place. AWS has no operation for it.`,
		Example: "  neargate interrupt 4f0c2a91\n  neargate interrupt service/sample-service",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var tasks []ecsapi.Task
			if err := r.call(cmd.Context(), "POST", "/_neargate/api/interrupt?target="+url.QueryEscape(args[0]), nil, &tasks); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "interrupt", tasks)
			}
			for _, t := range tasks {
				fmt.Fprintf(cmd.OutOrStdout(), "task %s: %s %s\n", shortID(t.TaskArn), t.StopCode, t.StoppedReason)
			}
			return nil
		},
	}
}
