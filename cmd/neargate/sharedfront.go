package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/frontdoor"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/store"
)

// frontConfig is where load balancers are reached by Host and server name.
type frontConfig struct {
	address string // "off" for nowhere
	http    int
	https   int
}

// sharedFront serves the front of all load balancers on this machine. Ports that are
// taken are left to whoever has them; status tells.
type sharedFront struct {
	config frontConfig
	front  *frontdoor.Front

	mu    sync.Mutex
	state []string
}

func newSharedFront(c frontConfig, db *store.DB, region string, authority *pki.Authority) *sharedFront {
	s := &sharedFront{config: c}
	s.front = frontdoor.New(frontdoor.Options{
		Find:        func(name string) (netip.Addr, bool) { return hosted.FindBalancer(db.Read(), region, name) },
		Names:       func() []string { return s.urls(db.Read()) },
		Certificate: authority.GetCertificate(frontdoor.IsAlias),
	})
	return s
}

// urls are where browsers find the load balancers.
func (s *sharedFront) urls(tx *store.Tx) []string {
	if s.config.address == "off" {
		return nil
	}
	var out []string
	for _, name := range hosted.ShortAliases(tx) {
		url := "http://" + name
		if s.config.http != 80 {
			url += ":" + strconv.Itoa(s.config.http)
		}
		out = append(out, url)
	}
	return out
}

// Run serves until ctx ends.
func (s *sharedFront) Run(ctx context.Context) error {
	if s.config.address == "off" {
		s.tell("off")
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range []struct {
		port   int
		secure bool
	}{{s.config.http, false}, {s.config.https, true}} {
		at := net.JoinHostPort(s.config.address, strconv.Itoa(part.port))
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
		if err != nil {
			s.tell(fmt.Sprintf("not on %s: %v", at, err))
			slog.Warn("load balancers are not reached by their aliases", "address", at, "error", err)
			continue
		}
		s.tell("on " + at)
		group.Go(func() error { return s.front.Serve(ctx, l, part.secure) })
	}
	return group.Wait()
}

func (s *sharedFront) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = append(s.state, text)
}

// State says for each port whether it is served.
func (s *sharedFront) State() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state)
}
