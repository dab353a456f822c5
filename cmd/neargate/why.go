package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/diagnosis"
	"github.com/neargate/neargate/internal/why"
	"github.com/spf13/cobra"
)

// shownTasks is how many task ids a finding lists.
const shownTasks = 3

func whyCommand(opts *options) *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "why TASK | SERVICE | stack/NAME | target-group/NAME | name/NAME | REQUEST | CODE",
		Short: "Say what keeps something from working, with the evidence and a fix to paste",
		Long: `Say what keeps a task, a service, a stack, the targets of a load balancer or a name of Cloud Map from working: the cause, where it is, what AWS says, what
was seen, and a fix to paste. REQUEST is the id in the x-neargate-why header of a refused request. CODE is
one of the codes of docs/diagnoses.md, which is explained. Exit code 6 when a cause was found, 0 when all is well.`,
		Example: "  neargate why service/sample-service\n  neargate why 4f0c2a91\n  neargate why stack/isolated-vpc-environment",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if e, ok := diagnosis.Find(args[0]); ok {
				return printEntry(cmd.OutOrStdout(), e, opts.output)
			}
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var report why.Report
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/why?target="+url.QueryEscape(args[0]), nil, &report); err != nil {
				return err
			}
			if opts.output == "json" {
				if err := cli.JSON(cmd.OutOrStdout(), "why", report); err != nil {
					return err
				}
			} else {
				printReport(cmd.OutOrStdout(), report, lang)
			}
			if !report.Healthy && len(report.Findings) > 0 {
				return cli.ExitStatus(cli.ExitProblems)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "fix", "", "show fixes in this language: cloudformation, terraform, cli or all")
	return cmd
}

// printEntry prints an entry of the catalogue.
func printEntry(w io.Writer, e diagnosis.Entry, output string) error {
	if output == "json" {
		return cli.JSON(w, "why", e)
	}
	s := cli.StyleFor(w)
	fmt.Fprintf(w, "%s\n\n", s.Bold(e.Code))
	line(w, s, "Cause", e.Cause)
	line(w, s, "AWS says", e.AWS)
	line(w, s, "Found by", e.Found)
	line(w, s, "Fix", e.Fix)
	return nil
}

func printReport(w io.Writer, r why.Report, lang string) {
	s := cli.StyleFor(w)
	mark := s.Green("✓")
	if !r.Healthy {
		mark = s.Red("✗")
	}
	fmt.Fprintf(w, "%s %s\n", mark, s.Bold(r.Summary))
	if len(r.Findings) == 0 && !r.Healthy {
		fmt.Fprintln(w, "\n  nothing was refused so far; it may still be starting")
	}
	for _, f := range r.Findings {
		fmt.Fprintln(w)
		line(w, s, "Cause", f.Cause)
		line(w, s, "Where", f.Where)
		line(w, s, "AWS says", f.AWSSays)
		printSeen(w, s, f.Seen)
		if f.Confidence == decision.Inferred {
			line(w, s, "Note", "concluded from the configuration, not seen happening")
		}
		if len(f.Tasks) > 0 {
			text := strings.Join(f.Tasks[:min(shownTasks, len(f.Tasks))], ", ")
			if n := len(f.Tasks) - shownTasks; n > 0 {
				text += fmt.Sprintf(" and %d more", n)
			}
			line(w, s, "Tasks", text)
		}
		for _, fix := range shownFixes(f, lang) {
			target := fix.Lang
			if fix.Target != "" {
				target += ", " + fix.Target
			}
			line(w, s, "Fix", s.Dim("("+target+")"))
			for l := range strings.SplitSeq(fix.Text, "\n") {
				fmt.Fprintf(w, "             %s\n", l)
			}
		}
		line(w, s, "Code", f.Code+s.Dim("   (neargate why "+f.Code+")"))
	}
}

// shownFixes are the fixes in the language of what made the resource, and the
// commands that work at once; lang chooses others.
func shownFixes(f why.Finding, lang string) []decision.Fix {
	return slices.DeleteFunc(slices.Clone(f.Fixes), func(fix decision.Fix) bool {
		if lang != "" {
			return fix.Lang != lang && lang != "all"
		}
		return fix.Lang != f.Language && fix.Lang != why.LangCLI
	})
}

// printSeen prints the evidence: what was seen, and what follows from the
// configuration. Lines of the same second share its time.
func printSeen(w io.Writer, s cli.Style, all []why.Seen) {
	for _, part := range []struct {
		label    string
		inferred bool
	}{{"Seen", false}, {"Concluded", true}} {
		label, last := part.label, ""
		for _, seen := range all {
			if seen.Inferred != part.inferred {
				continue
			}
			at := seen.Time.UTC().Format(time.TimeOnly)
			if at == last {
				at = strings.Repeat(" ", len(at))
			} else {
				last = at
			}
			line(w, s, label, at+" "+seen.Text)
			label = ""
		}
	}
}

func line(w io.Writer, s cli.Style, label, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(w, "  %s %s\n", s.Dim(fmt.Sprintf("%-9s", label)), strings.ReplaceAll(text, "\n", "\n            "))
}
