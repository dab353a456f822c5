package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/reach"
	"github.com/spf13/cobra"
)

func reachCommand(opts *options) *cobra.Command {
	var noProbe bool
	cmd := &cobra.Command{
		Use:   "reach FROM TO[:PORT]",
		Short: "Follow packets from one thing to another, hop by hop, and try it for real",
		Long: `Follow packets from one thing to another: name resolution, security groups, network ACLs, routes, gateways,
endpoints, and what listens at the end, each with the rule that decided. Then try it from inside the source's
network, and say when the two differ.

FROM is a task, service/NAME, eni-..., vpce-..., internet, or host (this machine).
TO is one of these, an address, a host name, or a service of AWS such as logs or ecr.api.
PORT is a number, NUMBER/udp, or icmp; without it the port of the container or 443.

Exit code 0 when it is reachable, 6 when it is not.`,
		Example: "  neargate reach service/web logs\n  neargate reach internet service/web:80\n  neargate reach 4f0c2a91 10.0.16.9:5432",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			query := url.Values{"from": {args[0]}, "to": {args[1]}}
			if noProbe {
				query.Set("probe", "no")
			}
			var answers []reach.Answer
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/reach?"+query.Encode(), nil, &answers); err != nil {
				return err
			}
			if opts.output == "json" {
				err = cli.JSON(cmd.OutOrStdout(), "reach", answers)
			} else {
				printAnswers(cmd.OutOrStdout(), answers)
			}
			for _, a := range answers {
				if err == nil && !a.Reachable {
					err = cli.ExitStatus(cli.ExitProblems)
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&noProbe, "no-probe", false, "only compute, send nothing")
	return cmd
}

func printAnswers(w io.Writer, answers []reach.Answer) {
	s := cli.StyleFor(w)
	for i, a := range answers {
		if i > 0 {
			fmt.Fprintln(w)
		}
		verdict := s.Green("✓") + " " + s.Bold("reachable")
		if !a.Reachable {
			verdict = s.Red("✗") + " " + s.Bold("not reachable")
		}
		fmt.Fprintf(w, "%s: %s → %s, %s\n\n", verdict, a.From.Name, a.To.Name, a.Port)
		for _, h := range a.Path.Hops {
			mark := s.Green("✓")
			if !h.Pass {
				mark = s.Red("✗")
			}
			fmt.Fprintf(w, "  %s %s %s\n", mark, s.Dim(fmt.Sprintf("%-9s", h.Kind)), h.Text)
		}
		fmt.Fprintln(w)
		line(w, s, "Probe", probeText(a.Probe))
		for _, d := range a.Probe.Drops {
			line(w, s, "Seen", d)
		}
		if len(a.Sockets) > 0 {
			line(w, s, "Listens", strings.Join(a.Sockets, ", "))
		}
		if a.Differ != "" {
			line(w, s, "Differ", s.Yellow(a.Differ))
		}
		line(w, s, "Because", a.Why)
		line(w, s, "Code", a.Code)
	}
}

func probeText(p reach.Probe) string {
	text := string(p.Outcome)
	if p.Latency > 0 {
		text += " after " + p.Latency.Round(10*time.Microsecond).String()
	}
	if p.Text != "" {
		text += ": " + p.Text
	}
	return text
}
