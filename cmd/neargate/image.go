package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// imageView is a loaded image, as `image ls` shows it.
type imageView struct {
	Name     string    `json:"name"`
	Digest   string    `json:"digest"`
	Size     int64     `json:"size"` // bytes of all blobs
	LoadedAt time.Time `json:"loadedAt"`
}

func imageCommand(opts *options) *cobra.Command {
	image := &cobra.Command{
		Use:   "image",
		Short: "Load images that stand for what public registries would answer",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	image.AddCommand(imageLoadCommand(opts), imageListCommand(opts))
	return image
}

func imageLoadCommand(opts *options) *cobra.Command {
	var name string
	var login imageLogin
	var passwordStdin bool
	cmd := &cobra.Command{
		Use:   "load FILE",
		Short: "Load an OCI or docker archive",
		Long: `Load an OCI or docker archive (docker save, skopeo copy, buildah push). The image is then what the
public registry of its name answers: a task finds nginx:latest only where its network reaches the internet.
With --username the repository is private from then on: its registry asks for that user name and the password
given on standard input, which a task needs as repositoryCredentials.`,
		Example: "  neargate image load nginx.tar --name nginx:latest\n  neargate image load busybox.tar --name public.ecr.aws/docker/library/busybox\n  neargate image load app.tar --name me/app:v1 --username me --password-stdin < password",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return &cli.Error{What: "cannot read the image", Why: err.Error(), Fix: "skopeo copy docker://IMAGE oci-archive:" + args[0], Code: "image.no-file", Exit: cli.ExitNotFound}
			}
			defer f.Close()
			if login.Username != "" || passwordStdin {
				if err := r.protectImage(cmd, name, &login, passwordStdin); err != nil {
					return err
				}
			}
			loaded, err := r.loadImage(cmd.Context(), f, name)
			if err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "image load", loaded)
			}
			for _, i := range loaded {
				fmt.Fprintf(cmd.OutOrStdout(), "loaded %s (%s)\n", i.Name, i.Digest)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the image (default: the names in the archive)")
	cmd.Flags().StringVar(&login.Username, "username", "", "make the repository private: the user name that its registry asks for")
	cmd.Flags().BoolVar(&passwordStdin, "password-stdin", false, "with --username: read the password from standard input")
	return cmd
}

// imageLogin is what a private repository asks for.
type imageLogin struct {
	Name     string `json:"name"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// protectImage makes the repository of an image private, before it is loaded.
func (r *remote) protectImage(cmd *cobra.Command, name string, login *imageLogin, stdin bool) error {
	if name == "" || login.Username == "" || !stdin {
		return &cli.Error{What: "a private repository needs --name, --username and --password-stdin", Fix: "neargate image load FILE --name me/app:v1 --username me --password-stdin < PASSWORD", Code: "usage", Exit: cli.ExitUsage}
	}
	password, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 4096))
	if err != nil {
		return err
	}
	login.Name, login.Password = name, strings.TrimRight(string(password), "\r\n")
	return r.call(cmd.Context(), "POST", "/_neargate/api/images/login", login, nil)
}

// loadImage streams an archive to the instance.
func (r *remote) loadImage(ctx context.Context, body io.Reader, name string) ([]imageView, error) {
	var loaded []imageView
	err := r.stream(ctx, "POST", "/_neargate/api/images?name="+url.QueryEscape(name), body, &loaded)
	return loaded, err
}

func imageListCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List loaded images",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var images []imageView
			if err := r.call(cmd.Context(), "GET", "/_neargate/api/images", nil, &images); err != nil {
				return err
			}
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "image ls", images)
			}
			var rows [][]string
			for _, i := range images {
				rows = append(rows, []string{i.Name, i.Digest[:min(19, len(i.Digest))], fmt.Sprintf("%.1f MB", float64(i.Size)/1e6), i.LoadedAt.UTC().Format(time.RFC3339)})
			}
			cli.Table(cmd.OutOrStdout(), []string{"NAME", "DIGEST", "SIZE", "LOADED"}, rows)
			return nil
		},
	}
}
