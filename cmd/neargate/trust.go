package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"

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
trust store, Docker's and containers' per-registry folders, and browsers. It signs the names of AWS, of registries
and the certificates of ACM. "neargate trust --undo" and "neargate down" take it back. To trust it in one command
only: curl --cacert <data directory>/pki/ca.crt`,
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
			changes := pki.PlanTrust(os.DirFS("/"), authority.Anchor(), registries, homes())
			fmt.Fprint(w, pki.Describe(changes))
			if len(changes) == 0 {
				fmt.Fprintln(w, "nothing to do: whatever was found here trusts the instance already")
			}
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

// homes are the folders in which browsers keep certificates: those of whoever
// runs this, and of the person behind sudo.
func homes() []string {
	var out []string
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out, home)
	}
	if name := os.Getenv("SUDO_USER"); name != "" {
		if u, err := user.Lookup(name); err == nil && !slices.Contains(out, u.HomeDir) {
			out = append(out, u.HomeDir)
		}
	}
	return out
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
