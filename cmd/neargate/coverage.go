package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/spf13/cobra"
)

// models are the services that we carry out, as docs/coverage.md lists them.
var models = []*wire.Service{
	ecsapi.Model, ec2api.Model, iamapi.Model, stsapi.Model, cloudformationapi.Model, ecrapi.Model, elbv2api.Model, logsapi.Model, s3api.Model, kmsapi.Model, secretsmanagerapi.Model, ssmapi.Model, acmapi.Model, route53api.Model, servicediscoveryapi.Model, cloudwatchapi.Model,
}

// coverageCommand prints docs/coverage.md, from the same lists that the server uses.
func coverageCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "coverage",
		Short:  "Print what is carried out, as docs/coverage.md has it",
		Hidden: true,
		Args:   cobra.NoArgs,
		Run:    func(cmd *cobra.Command, _ []string) { writeCoverage(cmd.OutOrStdout()) },
	}
}

func writeCoverage(w io.Writer) {
	fmt.Fprint(w, "# What is carried out\n\nMade by `neargate coverage` from the lists that the server itself uses; a test compares them.\nEverything else is refused with an error that names it.\n\n## API operations\n")
	for _, m := range models {
		names := slices.Sorted(maps.Keys(m.Operations))
		fmt.Fprintf(w, "\n### %s: %d of %d\n\n%s\n", m.FullName, len(names), len(m.Known), wrap(names))
	}
	fmt.Fprint(w, "\n## CloudFormation resource types and their properties\n")
	types := resource.Types()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(w, "\n### %s\n\n%s\n", name, wrap(slices.Sorted(maps.Keys(types[name].Schema().Properties))))
	}
	fmt.Fprint(w, "\n### AWS::CloudFormation::Stack\n\nParameters, Tags, TemplateURL, TimeoutInMinutes\n\n### AWS::Serverless::Application\n\nLocation, Parameters, Tags, TimeoutInMinutes (by the transform AWS::Serverless-2016-10-31)\n")
}

// wrap puts names into lines of readable length.
func wrap(names []string) string {
	var b strings.Builder
	width := 0
	for i, n := range names {
		if i < len(names)-1 {
			n += ","
		}
		if width > 0 && width+len(n) > 110 {
			b.WriteString("\n")
			width = 0
		} else if width > 0 {
			b.WriteString(" ")
			width++
		}
		b.WriteString(n)
		width += len(n)
	}
	return b.String()
}
