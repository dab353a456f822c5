package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/pki"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func runCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "run -- COMMAND [ARG...]",
		Short: "Run a command for which AWS is this instance",
		Long: `Run a command with the environment of "neargate env", in a mount namespace of its own whose
resolver, /etc/hosts and trusted certificates lead all of AWS's names (for example ecs.us-east-1.amazonaws.com)
to this instance, also those of services that it does not carry out. Clients too old for AWS_ENDPOINT_URL work unmodified, and nothing outside the command sees it.`,
		Example: "  sudo neargate run -- terraform apply",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no command given")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Geteuid() != 0 {
				return &cli.Error{What: "neargate run needs root", Why: "it makes a mount namespace for the command", Fix: "sudo -E neargate run -- " + strings.Join(args, " "), Code: "host.not-root", Exit: cli.ExitPermission}
			}
			return runCommandInside(cmd.Context(), opts, args)
		},
	}
}

// apiNames is what /_neargate/api/names answers: AWS's API names, the address
// on which this instance answers for them with TLS, and the one of a resolver
// that knows all of them, where it has one.
type apiNames struct {
	Address  string   `json:"address"`
	Names    []string `json:"names"`
	Resolver string   `json:"resolver,omitempty"`
}

func runCommandInside(ctx context.Context, opts *options, args []string) error {
	r, err := connect(opts)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return &cli.Error{What: "cannot run " + args[0], Why: err.Error(), Fix: "neargate run -- COMMAND", Code: "run.no-command", Exit: 127}
	}
	var api apiNames
	if err := r.call(ctx, "GET", "/_neargate/api/names?region="+r.Region, nil, &api); err != nil {
		return err
	}
	authority, err := pki.Open(filepath.Join(opts.dataDir, "pki"))
	if err != nil {
		return err
	}
	bundle, err := enterPrivateMounts(opts.dataDir, api, authority)
	if err != nil {
		return fmt.Errorf("preparing the command's namespace: %w", err)
	}
	return unix.Exec(path, args, commandEnv(os.Environ(), r, bundle)) // returns only an error
}

// commandEnv is the environment of a command for which AWS is this instance.
func commandEnv(env []string, r *remote, bundle string) []string {
	// Endpoints of single services are settings, too: the names themselves lead here.
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "AWS_ENDPOINT_URL") })
	set := func(name, value string) {
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	for _, v := range clientEnv(r.Endpoint, r.Region) {
		set(v[0], v[1])
	}
	// Keys of ours stay those of the caller, as for the other commands.
	set("AWS_ACCESS_KEY_ID", r.Key.AccessKeyID)
	set("AWS_SECRET_ACCESS_KEY", r.Key.SecretAccessKey)
	set("AWS_SESSION_TOKEN", r.Key.SessionToken)
	set("AWS_ENDPOINT_URL", "")
	set("AWS_PROFILE", "")
	set("AWS_DISABLE_HOST_PREFIX_INJECTION", "") // names with a prefix lead here, too
	set("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} {
		set(name, bundle)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		set(name, strings.TrimPrefix(valueOf(env, name)+",amazonaws.com,api.aws", ","))
	}
	return env
}

func valueOf(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
