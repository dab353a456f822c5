package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
/etc/hosts and trusted certificates lead AWS's API names (for example ecs.us-east-1.amazonaws.com) to this
instance. Clients too old for AWS_ENDPOINT_URL work unmodified, and nothing outside the command sees it.`,
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

// apiNames is what /_neargate/api/names answers: AWS's API names, and the
// address on which this instance answers for them with TLS.
type apiNames struct {
	Address string   `json:"address"`
	Names   []string `json:"names"`
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
	env := os.Environ()
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
	set("AWS_ENDPOINT_URL", "") // the names themselves lead here
	set("AWS_PROFILE", "")
	for _, name := range []string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} {
		set(name, bundle)
	}
	return unix.Exec(path, args, env) // returns only an error
}

// bundlePlaces are the trust stores of distributions.
var bundlePlaces = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// enterPrivateMounts moves this thread into a mount namespace in which the
// hosts file and the trust stores know the instance. It returns the path of the
// bundle. The thread stays locked: it is about to become the command.
func enterPrivateMounts(dataDir string, api apiNames, authority *pki.Authority) (string, error) {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return "", err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	work := filepath.Join(dataDir, "run")
	if err := os.MkdirAll(work, 0o700); err != nil {
		return "", err
	}
	// A tmpfs of this namespace only: it goes when the command ends.
	if err := unix.Mount("tmpfs", work, "tmpfs", 0, "mode=755,size=16m"); err != nil {
		return "", err
	}
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	var text strings.Builder
	for _, name := range api.Names {
		fmt.Fprintf(&text, "%s %s\n", api.Address, name)
	}
	text.Write(hosts)
	if err := overlayFile(work, "hosts", "/etc/hosts", []byte(text.String())); err != nil {
		return "", err
	}
	bundle := ""
	for i, place := range bundlePlaces {
		old, err := os.ReadFile(place)
		if err != nil {
			continue
		}
		if err := overlayFile(work, fmt.Sprintf("ca-%d.pem", i), place, authority.Bundle(old)); err != nil {
			return "", err
		}
		bundle = place
	}
	if bundle == "" {
		bundle = filepath.Join(work, "ca.pem")
		if err := os.WriteFile(bundle, authority.Bundle(nil), 0o644); err != nil {
			return "", err
		}
	}
	return bundle, nil
}

func overlayFile(work, name, place string, data []byte) error {
	path := filepath.Join(work, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(place)
	if err != nil {
		return err
	}
	return unix.Mount(path, resolved, "", unix.MS_BIND, "")
}
