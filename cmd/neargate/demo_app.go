package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// heartbeat is how often the demo's container writes a line.
const heartbeat = 10 * time.Second

// demoAppCommand is the process of the demo's container image: this binary.
func demoAppCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "demo-app",
		Short:  "The process in the demo's containers",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			hello := greeting(cmd.Context())
			fmt.Fprintln(w, hello)
			if port := os.Getenv("PORT"); port != "" {
				return greetByHTTP(cmd.Context(), w, net.JoinHostPort("", port), hello)
			}
			for n := 1; ; n++ {
				select {
				case <-cmd.Context().Done():
					fmt.Fprintln(w, "asked to stop: bye")
					return nil
				case <-time.After(heartbeat):
					fmt.Fprintf(w, "still here, %s\n", time.Duration(n)*heartbeat)
				}
			}
		},
	}
}

// greetByHTTP answers every request with the greeting and the way it came, until ctx ends.
func greetByHTTP(ctx context.Context, w io.Writer, address, hello string) error {
	server := &http.Server{Addr: address, ReadHeaderTimeout: heartbeat, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s\nasked by %s, %s\n", hello, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
	})}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		fmt.Fprintln(w, "asked to stop: bye")
		return server.Shutdown(context.WithoutCancel(ctx))
	})
	return group.Wait()
}

// greeting tells who we are, from the task metadata endpoint.
func greeting(ctx context.Context) string {
	host, _ := os.Hostname()
	uri := os.Getenv("ECS_CONTAINER_METADATA_URI_V4")
	if uri == "" {
		return "hello from " + host + ", outside of ECS"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri+"/task", nil)
	if err != nil {
		return "hello, but " + err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "hello, but the task metadata endpoint does not answer: " + err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "hello, but the task metadata endpoint broke off: " + err.Error()
	}
	var task struct{ TaskARN, Family, Revision, AvailabilityZone string }
	if err := json.Unmarshal(body, &task); err != nil {
		return "hello, but the task metadata is not JSON: " + err.Error()
	}
	return fmt.Sprintf("hello from %s: task %s of %s:%s in %s", host, shortID(task.TaskARN), task.Family, task.Revision, task.AvailabilityZone)
}
