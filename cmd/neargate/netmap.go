package main

import (
	"fmt"
	"net/url"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/netmap"
	"github.com/spf13/cobra"
)

func netMapCommand(opts *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "map [VPC]",
		Short: "Draw VPCs: zones, subnets, what is in them, route tables, gateways and security groups",
		Long: `Draw a VPC, by its id or name, or all that have something in them: as text, as an SVG image, or as a
Mermaid chart. -o chooses: text, svg, mermaid or json.`,
		Example: "  neargate net map\n  neargate net map -o svg > vpc.svg",
		Args:    cobra.MaximumNArgs(1),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch opts.output {
			case "table", "text", "svg", "mermaid", "json":
				return nil
			}
			return &cli.Error{What: "unknown output form " + opts.output, Why: "there are text, svg, mermaid and json", Fix: "-o svg", Code: "cli.usage", Exit: cli.ExitUsage}
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var vpcs []netmap.VPC
			path := "/_neargate/api/net/map"
			if len(args) > 0 {
				path += "?vpc=" + url.QueryEscape(args[0])
			}
			if err := r.call(cmd.Context(), "GET", path, nil, &vpcs); err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			switch opts.output {
			case "json":
				return cli.JSON(w, "net map", vpcs)
			case "svg":
				return netmap.SVG(w, vpcs...)
			case "mermaid":
				netmap.Mermaid(w, vpcs...)
				return nil
			}
			for i, v := range vpcs {
				if i > 0 {
					fmt.Fprintln(w)
				}
				netmap.Text(w, v)
			}
			return nil
		},
	}
	return cmd
}
