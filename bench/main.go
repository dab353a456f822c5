package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/neargate/neargate/internal/runtime/containerd"
)

func main() {
	containerd.ShimMain() // contenders run containers
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	benches := map[string]func(context.Context) error{"api": benchAPI, "start": benchStart, "task": benchTask, "stack": benchStack, "proxy": benchProxy, "network": benchNetwork, "floor": serveFloor, "proxyserver": serveProxy, "steady": sendSteady}
	names := os.Args[1:]
	if len(names) == 0 {
		names = []string{"start", "api", "task", "stack", "proxy", "network"}
	}
	if len(names) > 0 && (names[0] == "proxyserver" || names[0] == "steady") {
		names = names[:1] // the rest is its own
	}
	for _, name := range names {
		run := benches[name]
		if run == nil {
			fmt.Fprintf(os.Stderr, "unknown bench %q\n", name)
			os.Exit(2)
		}
		if err := run(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "bench %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}
