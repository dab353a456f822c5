package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/client"
	"github.com/spf13/cobra"
)

func envCommand(opts *options) *cobra.Command {
	var profile bool
	cmd := &cobra.Command{
		Use:     "env",
		Short:   "Print the exports that point AWS clients at the instance",
		Example: "  eval \"$(neargate env)\"\n  neargate env --profile && export AWS_PROFILE=neargate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := locate(opts)
			if err != nil {
				return err
			}
			vars := clientEnv(at.Endpoint, at.Region)
			if profile {
				return writeProfile(cmd.ErrOrStderr(), at.Endpoint, at.Region)
			}
			if opts.output == "json" {
				data := map[string]string{}
				for _, v := range vars {
					data[v[0]] = v[1]
				}
				return cli.JSON(cmd.OutOrStdout(), "env", data)
			}
			for _, v := range vars {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s=%s\n", v[0], v[1])
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&profile, "profile", false, "write the AWS profile \"neargate\" instead of printing")
	return cmd
}

// clientEnv is the environment in which an AWS client talks to the instance.
// The fixed keys see to it that a shell with real keys is not used by mistake.
func clientEnv(endpoint, region string) [][2]string {
	return [][2]string{
		{"AWS_ENDPOINT_URL", endpoint},
		{"AWS_ACCESS_KEY_ID", client.Operator.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", client.Operator.SecretAccessKey},
		{"AWS_SESSION_TOKEN", ""},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_REGION", region},
		{"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"},
		{"SAM_CLI_TELEMETRY", "0"},
	}
}

// writeProfile puts [profile neargate] into the AWS config file and its keys
// into the credentials file, replacing what stood there under that name and
// touching nothing else.
func writeProfile(w io.Writer, endpoint, region string) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	files := []struct{ env, name, header, body string }{
		{"AWS_CONFIG_FILE", "config", "[profile neargate]", fmt.Sprintf("endpoint_url = %s\nregion = %s\n", endpoint, region)},
		{"AWS_SHARED_CREDENTIALS_FILE", "credentials", "[neargate]", fmt.Sprintf("aws_access_key_id = %s\naws_secret_access_key = %s\n", client.Operator.AccessKeyID, client.Operator.SecretAccessKey)},
	}
	for _, f := range files {
		path := os.Getenv(f.env)
		if path == "" {
			path = filepath.Join(home, ".aws", f.name)
		}
		if err := replaceSection(path, f.header, f.body); err != nil {
			return err
		}
		fmt.Fprintf(w, "wrote %s to %s\n", f.header, path)
	}
	return nil
}

// replaceSection sets the body of one section of an ini file, atomically.
func replaceSection(path, header, body string) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	var keep []string
	skipping := false
	for line := range strings.Lines(string(old)) {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "[") {
			skipping = trimmed == header
		}
		if !skipping {
			keep = append(keep, line)
		}
	}
	text := strings.TrimRight(strings.Join(keep, ""), "\n")
	if text != "" {
		text += "\n\n"
	}
	text += header + "\n" + body
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp := path + ".neargate"
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
