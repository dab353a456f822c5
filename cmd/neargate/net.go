package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/reach"
	"github.com/spf13/cobra"
)

func netCommand(opts *options) *cobra.Command {
	cmd := &cobra.Command{Use: "net", Short: "Look at VPCs", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, Args: knownCommand}
	cmd.AddCommand(netMapCommand(opts), whoCanReachCommand(opts))
	return cmd
}

func whoCanReachCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "who-can-reach TARGET[:PORT]",
		Short: "List which interfaces of a VPC, and whether the internet, can reach something",
		Long: `List which interfaces of a VPC can reach a task, a service, an endpoint or an interface, and whether the
internet can, with the rule that lets each in or the hop that stops it.`,
		Example: "  neargate net who-can-reach service/web:80",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var all []reach.Census
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/who-can-reach?to="+url.QueryEscape(args[0]), nil, &all); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "net who-can-reach", all)
			}
			for i, c := range all {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				printCensus(cmd.OutOrStdout(), c)
			}
			return nil
		},
	}
}

func printCensus(w io.Writer, c reach.Census) {
	s := cli.StyleFor(w)
	fmt.Fprintf(w, "%s on %s, %s\n", s.Bold(c.To.Name), c.To.Addr, c.Port)
	for _, who := range c.All {
		mark := s.Green("✓")
		if !who.Pass {
			mark = s.Red("✗")
		}
		fmt.Fprintf(w, "  %s %s\n      %s\n", mark, who.From.Name, s.Dim(who.By))
	}
	if len(c.Rules) == 0 {
		fmt.Fprintf(w, "  no inbound rule is about %s\n", c.Port)
		return
	}
	fmt.Fprintln(w, "  inbound rules for it")
	for _, rule := range c.Rules {
		fmt.Fprintf(w, "      %s\n", rule)
	}
}
