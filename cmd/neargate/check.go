package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	preflight "github.com/neargate/neargate/internal/check"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// checkOptions are the flags of check.
type checkOptions struct {
	parameters []string
	region     string
	account    string
	existing   bool
	sarif      string
	withState  bool
}

func checkCommand(opts *options) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check TEMPLATE | DIR",
		Short: "Find what would fail in a template, before it is deployed",
		Long: `Find what would fail in a CloudFormation or SAM template with its nested ones, or in a directory of
Terraform, before it is deployed: the resources are made in memory by the same code that would make them, and
the start of each task is followed through roles, permissions, names, routes, endpoints and security groups.
No instance need be running and nothing is changed. Exit code 6 when there are errors, 0 otherwise.`,
		Example: "  neargate check template.yml --parameter ImageUri=nginx:latest\n  neargate check infra/ --region eu-west-1\n  neargate check template.yml --sarif check.sarif",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := o.check(cmd, opts, args[0])
			if err != nil {
				return err
			}
			if err := o.write(cmd.OutOrStdout(), opts, report); err != nil {
				return err
			}
			if report.Count(preflight.Error) > 0 {
				return cli.ExitStatus(cli.ExitProblems)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.parameters, "parameter", nil, "KEY=VALUE of a parameter of the template or a variable of Terraform; may be repeated")
	flags.StringVar(&o.region, "region", os.Getenv("AWS_REGION"), "region to check for (default: the Terraform provider's, or us-east-1)")
	flags.StringVar(&o.account, "account", "", "account to check for (default 000000000000)")
	flags.BoolVar(&o.existing, "assume-existing", false, "take roles, secrets, log groups and the like that are named but not made as existing")
	flags.BoolVar(&o.withState, "with-state", false, "count what the running instance has as there")
	flags.StringVar(&o.sarif, "sarif", "", "also write the findings to this file in SARIF 2.1.0, for code scanning; - for standard output instead of text")
	return cmd
}

// check checks a path of this machine. Files are named relative to the working directory.
func (o *checkOptions) check(cmd *cobra.Command, opts *options, arg string) (*preflight.Report, error) {
	path, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for _, p := range o.parameters {
		key, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, &cli.Error{What: "--parameter " + p + " is not KEY=VALUE", Exit: cli.ExitUsage}
		}
		parameters[key] = value
	}
	report, err := preflight.Check(cmd.Context(), preflight.Options{Files: os.DirFS("/"), Path: strings.TrimPrefix(path, "/"), Parameters: parameters,
		Region: o.region, Account: o.account, AssumeExisting: o.existing})
	if os.IsNotExist(err) {
		return nil, &cli.Error{What: "cannot check " + arg, Why: err.Error(), Exit: cli.ExitNotFound}
	}
	if err != nil {
		return nil, &cli.Error{What: "cannot check " + arg, Why: err.Error()}
	}
	if o.withState {
		if report, err = o.remote(cmd, opts, path, parameters, report); err != nil {
			return nil, err
		}
	}
	report.Relative(here[1:])
	return report, nil
}

// remote has the source checked by the running instance. It needs the files that
// were read for a check without one.
func (o *checkOptions) remote(cmd *cobra.Command, opts *options, path string, parameters map[string]string, first *preflight.Report) (*preflight.Report, error) {
	r, err := connect(opts)
	if err != nil {
		return nil, err
	}
	in := checkRequest{Path: path[1:], Files: map[string]string{}, Parameters: parameters, Region: o.region, AssumeExisting: o.existing}
	if in.Region == "" && !strings.HasSuffix(first.Files[0], ".tf") {
		in.Region = r.Region
	}
	for _, name := range first.Files {
		text, err := os.ReadFile("/" + name)
		if err != nil {
			return nil, err
		}
		in.Files[name] = string(text)
	}
	report := &preflight.Report{}
	if err := r.call(cmd.Context(), "POST", "/_neargate/api/check", in, report); err != nil {
		return nil, err
	}
	report.Show(in.Files)
	return report, nil
}

// write writes the report in the form that was asked for.
func (o *checkOptions) write(w io.Writer, opts *options, report *preflight.Report) error {
	if o.sarif == "-" {
		return report.SARIF(w, version)
	}
	if o.sarif != "" {
		file, err := os.Create(o.sarif)
		if err != nil {
			return err
		}
		if err := report.SARIF(file, version); err != nil {
			file.Close()
			return err
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("writing %s: %w", o.sarif, err)
		}
	}
	if opts.output == "json" {
		return cli.JSON(w, "check", report)
	}
	report.Text(w, cli.StyleFor(w))
	return nil
}
