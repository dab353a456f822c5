package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/unused"
	"github.com/spf13/cobra"
)

func unusedCommand(opts *options) *cobra.Command {
	var fixes bool
	cmd := &cobra.Command{
		Use:   "unused [STACK]",
		Short: "List what is paid for or allowed but was never used, from real counters",
		Long: `List what was never used since it was made: endpoints and NAT gateways that carried nothing, security
group rules that no connection matched, roles nobody used, permissions a role never needed, and secrets nobody
read. The counts are those of real packets and requests, and outlive a restart. With a stack's name, only what
it and the stacks in it made.`,
		Example: "  neargate unused\n  neargate unused my-stack --fix",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			path := "/_neargate/api/unused"
			if len(args) > 0 {
				path += "?stack=" + url.QueryEscape(args[0])
			}
			var all []unused.Finding
			if err := r.call(cmd.Context(), "GET", path, nil, &all); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "unused", all)
			}
			printUnused(cmd.OutOrStdout(), all, fixes)
			return nil
		},
	}
	cmd.Flags().BoolVar(&fixes, "fix", false, "also print what removes each")
	return cmd
}

func printUnused(w io.Writer, all []unused.Finding, fixes bool) {
	if len(all) == 0 {
		fmt.Fprintln(w, "everything was used")
		return
	}
	if !fixes {
		var rows [][]string
		for _, f := range all {
			rows = append(rows, []string{string(f.Kind), orDash(f.Name), f.ID, madeAgo(f.Since), f.What})
		}
		cli.Table(w, []string{"UNUSED", "NAME", "ID", "MADE", "WHAT WAS SEEN"}, rows)
		fmt.Fprintln(w, "\n--fix prints what removes each")
		return
	}
	s := cli.StyleFor(w)
	for i, f := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s (%s): %s\n", s.Bold(string(f.Kind)), f.Name, f.ID, f.What)
		for _, fix := range f.Fix {
			target := fix.Lang
			if fix.Target != "" {
				target += ", " + fix.Target
			}
			line(w, s, "Fix", s.Dim("("+target+")"))
			for l := range strings.SplitSeq(fix.Text, "\n") {
				fmt.Fprintf(w, "             %s\n", l)
			}
		}
	}
}

func madeAgo(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}
