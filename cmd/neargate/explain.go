package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/roles"
	"github.com/spf13/cobra"
)

func explainCommand(opts *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Explain what is deployed: roles",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(explainRolesCommand(opts))
	return cmd
}

func explainRolesCommand(opts *options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "roles [STACK]",
		Short: "Say what each role is for, who uses it, and what would break without it",
		Long: `Say of each role what it is for, who may assume it, at which moment it is used, what names it, what it was
really used for here, what would break without it, and whether it is shared or was copied. With a stack's name,
only of the roles that it and the stacks in it made. --all adds the service-linked roles, and every kind of role
around ECS with the roles of that kind that there are.`,
		Example: "  neargate explain roles\n  neargate explain roles my-stack\n  neargate explain roles --all",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			query := url.Values{}
			if len(args) > 0 {
				query.Set("stack", args[0])
			}
			if all {
				query.Set("all", "yes")
			}
			var report roles.Report
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/roles?"+query.Encode(), nil, &report); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "explain roles", report)
			}
			printRoles(cmd.OutOrStdout(), &report)
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also the service-linked roles, and every kind of role around ECS")
	return cmd
}

func printRoles(w io.Writer, report *roles.Report) {
	s := cli.StyleFor(w)
	if len(report.Roles) == 0 {
		fmt.Fprintln(w, "there are no roles")
	}
	for i := range report.Roles {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printRole(w, s, &report.Roles[i])
	}
	if len(report.Kinds) == 0 {
		return
	}
	var rows [][]string
	for _, k := range report.Kinds {
		used := "no"
		if k.Used {
			used = "yes"
		}
		rows = append(rows, []string{k.Name, k.Usual, k.Principal, used, orDash(strings.Join(k.Roles, ", ")), k.When})
	}
	fmt.Fprintln(w)
	cli.Table(w, []string{"KIND", "USUAL NAME", "ASSUMED BY", "USED HERE", "ROLES", "WHEN"}, rows)
}

func printRole(w io.Writer, s cli.Style, r *roles.Role) {
	mark, used := s.Green("✓"), "last used "+madeAgo(r.LastUsed)
	switch {
	case r.Linked:
		used = "used by the service itself"
	case !r.Used:
		mark, used = s.Yellow("–"), "not used since it was made "+madeAgo(r.Made)
	}
	name := r.Name
	if r.LogicalID != "" {
		name = r.LogicalID + " (" + r.Name + ", stack " + r.Stack + ")"
	}
	fmt.Fprintf(w, "%s %s: %s, %s\n", mark, s.Bold(name), r.Kind.Name, used)
	line(w, s, "What", r.Kind.What)
	line(w, s, "When", r.Kind.When)
	var by []string
	for _, who := range r.AssumedBy {
		if !strings.HasPrefix(who, "not by ") {
			who = "by " + who
		}
		by = append(by, who)
	}
	line(w, s, "Assumed", strings.Join(by, "\n"))
	var named []string
	for _, ref := range r.NamedBy {
		named = append(named, ref.String())
	}
	line(w, s, "Named by", orDash(strings.Join(named, "\n")))
	for _, g := range r.Granted {
		line(w, s, "May", shortened(g.Policy)+": "+someOf(g.Actions, 6))
	}
	var uses []string
	for _, u := range r.Uses {
		text := u.Action + " " + count(int(u.Allowed), "time")
		if u.Denied > 0 {
			text += ", denied " + count(int(u.Denied), "time")
		}
		uses = append(uses, text+", "+someOf(u.On, 2))
	}
	line(w, s, "Did", orDash(strings.Join(uses, "\n")))
	line(w, s, "Without", r.Without)
	line(w, s, "Shared", r.Shared)
	if len(r.Copies) > 0 {
		line(w, s, "Copied", "the same trust and policies as "+strings.Join(r.Copies, ", "))
	}
	for _, n := range r.Notes {
		line(w, s, "Note", n)
	}
}
