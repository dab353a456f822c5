package main

import (
	"github.com/neargate/neargate/internal/diagnosis"
	"github.com/spf13/cobra"
)

// diagnosesCommand prints docs/diagnoses.md, from the catalogue that `why` uses.
func diagnosesCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "diagnoses",
		Short:  "Print the catalogue of diagnoses, as docs/diagnoses.md has it",
		Hidden: true,
		Args:   cobra.NoArgs,
		Run:    func(cmd *cobra.Command, _ []string) { diagnosis.WriteMarkdown(cmd.OutOrStdout()) },
	}
}
