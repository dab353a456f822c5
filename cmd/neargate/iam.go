package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/roles"
	"github.com/neargate/neargate/internal/suggest"
	"github.com/spf13/cobra"
)

func iamCommand(opts *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "iam",
		Short: "Find the least privilege of a role, and ask what policies allow",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(suggestCommand(opts), simulateCommand(opts))
	return cmd
}

func suggestCommand(opts *options) *cobra.Command {
	var format string
	var verify bool
	cmd := &cobra.Command{
		Use:   "suggest ROLE",
		Short: "Print the policy that is enough for the requests a role really made",
		Long: `Print the policy that is enough for the requests a role (or user/NAME) really made here: exact actions,
exact resources, and the condition keys by which such permissions are narrowed. Wildcards stand only where
many resources begin alike or an id is another one each time; the notes on the standard error say where.

ROLE is a name, an ARN, or the logical id of a template. --verify replays the recorded requests against the
suggestion by the evaluator that decides about requests; exit code 6 when one would end differently.`,
		Example: "  neargate iam suggest ECSs3AccessTaskRole --verify\n  neargate iam suggest TaskRole --format cfn",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "json" && format != "cfn" && format != "hcl" {
				return &cli.Error{What: "unknown format " + format, Why: "there are json, cfn and hcl", Fix: "--format json", Code: "cli.usage", Exit: cli.ExitUsage}
			}
			r, err := connect(opts)
			if err != nil {
				return err
			}
			query := url.Values{"role": {args[0]}}
			if verify {
				query.Set("verify", "yes")
			}
			var s roles.Suggestion
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/iam/suggest?"+query.Encode(), nil, &s); err != nil {
				return err
			}
			if opts.output == "json" {
				err = cli.JSON(cmd.OutOrStdout(), "iam suggest", s)
			} else {
				printSuggestion(cmd.OutOrStdout(), cmd.ErrOrStderr(), &s, format)
			}
			if err == nil && s.Replay != nil && len(s.Replay.Differ) > 0 {
				err = cli.ExitStatus(cli.ExitProblems)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "json", "language of the policy: json, cfn or hcl")
	cmd.Flags().BoolVar(&verify, "verify", false, "replay the recorded requests against the suggestion")
	return cmd
}

// printSuggestion writes the policy to out and what there is to know to notes,
// so that the policy can be piped on.
func printSuggestion(out, notes io.Writer, s *roles.Suggestion, format string) {
	style := cli.StyleFor(notes)
	for _, g := range s.Granted {
		line(notes, style, "Granted", shortened(g.Policy)+": "+someOf(g.Actions, 6))
	}
	line(notes, style, "Used", fmt.Sprintf("%s on %s, %s since the %s was made %s", count(s.Actions, "action"), count(s.Resources, "resource"), count(int(s.Requests), "request"), s.Kind, madeAgo(s.Since)))
	for _, n := range s.Notes {
		line(notes, style, "Note", n)
	}
	if s.Replay != nil {
		printReplay(notes, style, s.Replay)
	}
	line(notes, style, "Note", "what the program did not do here so far is not included")
	text := map[string]string{"json": s.JSON, "cfn": s.CloudFormation, "hcl": s.Terraform}[format]
	if text == "" {
		line(notes, style, "Policy", "none: it needs no permission")
		return
	}
	fmt.Fprintln(out, strings.TrimSuffix(text, "\n"))
}

func printReplay(w io.Writer, s cli.Style, r *suggest.Replay) {
	for _, d := range r.Differ {
		line(w, s, "Verified", s.Red("✗")+" "+d)
	}
	text := fmt.Sprintf("%s of %s replayed: ", count(int(r.Requests), "allowed request"), count(r.Kinds, "kind"))
	if len(r.Differ) == 0 {
		text = s.Green("✓") + " " + text + "all allowed again"
	} else {
		text += "allowed again"
	}
	if r.Denied > 0 {
		text += fmt.Sprintf("; %s denied again", count(int(r.Denied), "denied one"))
	}
	if r.Others > 0 {
		text += fmt.Sprintf("; %d are allowed by the resources' own policies", r.Others)
	}
	line(w, s, "Verified", text)
}

// count is a number of things: "1 action", "2 actions".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// shortened is the name of a policy without the rest of its ARN.
func shortened(policy string) string { return policy[strings.LastIndexByte(policy, '/')+1:] }

// someOf lists the first n of a list.
func someOf(list []string, n int) string {
	if len(list) <= n {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:n], ", ") + fmt.Sprintf(" and %d more", len(list)-n)
}
