package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/instance"
	"github.com/spf13/cobra"
)

// stopWait is how long the daemon may take to finish what it is doing.
const stopWait = 60 * time.Second

func downCommand(opts *options) *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop Neargate and its tasks, and restore the host",
		Long: `Stop the daemon and every task (SIGTERM, and SIGKILL after three seconds), and remove what the instance made on the host:
namespaces, links, firewall tables, mounts, cgroups, names in /etc/hosts and trusted certificates.
It works as well when the daemon was killed. Stacks and data stay for the next "up", unless --data is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return &cli.Error{What: "neargate down needs root", Fix: "sudo neargate down", Code: "host.not-root", Exit: cli.ExitPermission}
			}
			if _, err := os.Stat(opts.dataDir); errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintf(cmd.OutOrStdout(), "nothing to do: %s does not exist\n", opts.dataDir)
				return nil
			}
			return down(cmd.Context(), opts.dataDir, forget)
		},
	}
	cmd.Flags().BoolVar(&forget, "data", false, "also forget everything: delete the data directory")
	return cmd
}

func down(ctx context.Context, dataDir string, forget bool) error {
	if info, running, err := instance.Find(dataDir); err == nil && running {
		if err := syscall.Kill(info.PID, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stopping pid %d: %w", info.PID, err)
		}
	}
	dir, err := lockWithin(ctx, dataDir, stopWait)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := purgeHost(ctx, dir, forget); err != nil {
		return err
	}
	if forget {
		if err := dir.Remove(); err != nil {
			return err
		}
		fmt.Println("stopped; the host is as it was, all data is gone")
		return nil
	}
	os.Remove(dir.File("instance.json"))
	fmt.Printf("stopped; the host is as it was, data is kept in %s\n", dataDir)
	return nil
}

// lockWithin waits for the daemon to give its data directory back.
func lockWithin(ctx context.Context, dataDir string, wait time.Duration) (*instance.Dir, error) {
	deadline := time.Now().Add(wait)
	for {
		dir, err := instance.Open(dataDir)
		if err == nil || !errors.Is(err, instance.ErrLocked) {
			return dir, err
		}
		if time.Now().After(deadline) {
			return nil, &cli.Error{What: "the daemon did not stop", Why: err.Error(), Fix: "kill -9 its process, then neargate down again", Code: "host.stuck", Exit: cli.ExitTimeout}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
