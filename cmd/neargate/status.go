package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// statusView is what /_neargate/api/status answers.
type statusView struct {
	ID        string         `json:"id"`
	Version   string         `json:"version"`
	Endpoint  string         `json:"endpoint"`
	Region    string         `json:"region"`
	PID       int            `json:"pid"`
	StartedAt time.Time      `json:"startedAt"`
	Accounts  int            `json:"accounts"`
	Counts    map[string]int `json:"counts"` // running tasks, services, stacks ...
	MemoryKiB int            `json:"memoryKiB"`
	Unhealthy []string       `json:"unhealthyTargets"` // of load balancers
	Front     []string       `json:"front"`            // where load balancers are reached by Host and server name
	Balancers []string       `json:"loadBalancers"`    // their URLs there
	DNS       string         `json:"dns"`              // where the DNS server for this machine answers
}

func statusCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the running instance",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var s statusView
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/status", nil, &s); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "status", s)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "Neargate %s at %s, region %s\n", s.Version, s.Endpoint, s.Region)
			fmt.Fprintf(w, "  instance  %s, pid %d, up %s, %d MiB\n", s.ID, s.PID, time.Since(s.StartedAt).Round(time.Second), s.MemoryKiB/1024)
			fmt.Fprintf(w, "  running   %d tasks, %d services, %d stacks, %d VPCs\n", s.Counts["tasks"], s.Counts["services"], s.Counts["stacks"], s.Counts["vpcs"])
			fmt.Fprintf(w, "  front     %s\n", strings.Join(s.Front, ", "))
			for _, url := range s.Balancers {
				fmt.Fprintf(w, "            %s\n", url)
			}
			fmt.Fprintf(w, "  dns       %s\n", s.DNS)
			for _, t := range s.Unhealthy {
				fmt.Fprintf(w, "  unhealthy %s\n", t)
			}
			return nil
		},
	}
}
