package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
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
	cmd := &cobra.Command{
		Use:   "load FILE",
		Short: "Load an OCI or docker archive",
		Long: `Load an OCI or docker archive (docker save, skopeo copy, buildah push). The image is then what the
public registry of its name answers: a task finds nginx:latest only where its network reaches the internet.`,
		Example: "  neargate image load nginx.tar --name nginx:latest\n  neargate image load busybox.tar --name public.ecr.aws/docker/library/busybox",
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
	return cmd
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
