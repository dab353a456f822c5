package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/instance"
	"github.com/spf13/cobra"
)

// upConfig is what `neargate up` was asked for.
type upConfig struct {
	dataDir string
	listen  string
	region  string
	pace    string
	detach  bool
	front   frontConfig
	dns     dnsConfig
}

func upCommand(opts *options) *cobra.Command {
	cfg := &upConfig{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start Neargate",
		Long: `Start Neargate in the foreground until SIGINT or SIGTERM, or as a daemon with -d.
Tasks go on running when it stops; "neargate down" stops them and restores the host.`,
		Example: "  sudo neargate up\n  sudo neargate up -d --data-dir /srv/neargate --listen 127.0.0.1:4567",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.dataDir = opts.dataDir
			if cfg.pace != "fast" && cfg.pace != "aws" {
				return &cli.Error{What: "unknown pace " + cfg.pace, Fix: "--pace fast or --pace aws", Exit: cli.ExitUsage}
			}
			if err := cfg.dns.check(); err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return &cli.Error{What: "neargate up needs root", Why: "it makes network namespaces, mounts and cgroups for containers", Fix: "sudo neargate up", Code: "host.not-root", Exit: cli.ExitPermission}
			}
			if cfg.detach {
				return detach(cmd.Context(), cfg)
			}
			return serve(cmd.Context(), cfg, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.listen, "listen", "127.0.0.1:4566", "address of the API")
	f.StringVar(&cfg.region, "region", defaultRegion(), "region that commands and `env` use; all regions are served")
	f.StringVar(&cfg.pace, "pace", "fast", "how long AWS's pure waits take: fast or aws")
	f.StringVar(&cfg.front.address, "front", "127.0.0.1", "address on which load balancers are reached as NAME.elb.localhost, or off")
	f.IntVar(&cfg.front.http, "front-http", 80, "its port for HTTP")
	f.IntVar(&cfg.front.https, "front-https", 443, "its port for HTTPS")
	f.StringVar(&cfg.dns.address, "dns", "", "address and port of a DNS server for this machine, such as 127.0.0.54:53 (default none)")
	f.BoolVar(&cfg.dns.forward, "dns-forward", false, "let it ask this machine's resolvers for names that are not ours, instead of refusing them")
	f.BoolVar(&cfg.dns.open, "dns-open", false, "let it answer on an address that is not loopback")
	f.BoolVarP(&cfg.detach, "detach", "d", false, "run in the background and return when ready")
	return cmd
}

// detach starts this binary again in a session of its own and waits until it is
// ready or has ended.
func detach(ctx context.Context, cfg *upConfig) error {
	if info, running, err := instance.Find(cfg.dataDir); err == nil && running {
		fmt.Printf("Neargate runs already: %s (pid %d)\n", info.Endpoint, info.PID)
		return nil
	}
	if err := os.MkdirAll(cfg.dataDir, 0o700); err != nil {
		return err
	}
	logPath := filepath.Join(cfg.dataDir, "neargate.log")
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "up", "--data-dir", cfg.dataDir, "--listen", cfg.listen, "--region", cfg.region, "--pace", cfg.pace,
		"--front", cfg.front.address, "--front-http", strconv.Itoa(cfg.front.http), "--front-https", strconv.Itoa(cfg.front.https),
		"--dns", cfg.dns.address, "--dns-forward="+strconv.FormatBool(cfg.dns.forward), "--dns-open="+strconv.FormatBool(cfg.dns.open))
	child.Stdout, child.Stderr = logFile, logFile
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }() // ends with this command
	for {
		if info, running, err := instance.Find(cfg.dataDir); err == nil && running && info.PID == child.Process.Pid && healthy(ctx, info.Endpoint) {
			fmt.Printf("Neargate %s is ready: %s (pid %d, log %s)\n", version, info.Endpoint, info.PID, logPath)
			return nil
		}
		select {
		case err := <-ended:
			return &cli.Error{What: "Neargate did not start", Why: lastLines(logPath), Fix: "neargate doctor", Code: "host.start", Exit: exitOf(err)}
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func exitOf(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) && e.ExitCode() > 0 {
		return e.ExitCode()
	}
	return cli.ExitFailure
}

// lastLines returns the end of a log file, for an error message.
func lastLines(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-1500):])
}

func healthy(ctx context.Context, endpoint string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_neargate/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
