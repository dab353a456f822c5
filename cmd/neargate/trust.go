package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/pki"
	"github.com/spf13/cobra"
)

// trustJournal is where the changes of `trust` are noted, for taking them back.
func trustJournal(dataDir string) string { return filepath.Join(dataDir, "trust.json") }

func trustCommand(opts *options) *cobra.Command {
	var undo, show bool
	var registries []string
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Make this machine trust the instance's certificates, or take it back",
		Long: `Install the instance's certificate authority where TLS clients of this machine look: the system's
trust store, Docker's and containers' per-registry folders, and browsers. "neargate down" takes it back.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			if os.Geteuid() != 0 && !show {
				return &cli.Error{What: "neargate trust needs root", Fix: "sudo neargate trust", Code: "host.not-root", Exit: cli.ExitPermission}
			}
			journal := trustJournal(opts.dataDir)
			if undo {
				if err := pki.Undo(cmd.Context(), "/", journal); err != nil {
					return err
				}
				fmt.Fprintln(w, "taken back; this machine no longer trusts the instance")
				return nil
			}
			if _, err := os.Stat(opts.dataDir); err != nil {
				return &cli.Error{What: "no data directory " + opts.dataDir, Fix: "sudo neargate up -d", Code: "host.not-running", Exit: cli.ExitUnreachable}
			}
			authority, err := pki.Open(filepath.Join(opts.dataDir, "pki"))
			if err != nil {
				return err
			}
			if len(registries) == 0 {
				registries = registryNames(cmd, opts)
			}
			home, _ := os.UserHomeDir()
			changes := pki.PlanTrust(os.DirFS("/"), authority.Anchor(), registries, []string{home})
			fmt.Fprint(w, pki.Describe(changes))
			if show {
				return nil
			}
			return pki.Apply(cmd.Context(), "/", journal, changes)
		},
	}
	cmd.Flags().BoolVar(&undo, "undo", false, "take it back")
	cmd.Flags().BoolVar(&show, "dry-run", false, "only print what would be changed")
	cmd.Flags().StringSliceVar(&registries, "registry", nil, "registry hosts for Docker's and containers' folders (default: this instance's)")
	return cmd
}

// registryNames asks the instance for its registries; none when it is not running.
func registryNames(cmd *cobra.Command, opts *options) []string {
	r, err := connect(opts)
	if err != nil {
		return nil
	}
	var names []string
	if err := r.call(cmd.Context(), "GET", "/_neargate/api/registries", nil, &names); err != nil {
		return nil
	}
	return names
}
