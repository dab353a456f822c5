// Package loopback makes names of AWS reachable from this machine: each name
// (a registry's) owns a loopback address, on whose true ports we answer with TLS,
// and a line in a marked block of the hosts file. Names that others answer, such as
// load balancers' at their public addresses, get a line there, too.
//
// Addresses are derived from the instance and the name, so that they are the
// same after a restart and instances do not meet; when one is taken, the next
// is tried.
package loopback

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/hostsfile"
)

// tries is how many addresses are tried for a name.
const tries = 16

// Names serves names. Make it with New; Run must run.
type Names struct {
	// Changed is called when names are served that were not before; nil for nobody.
	// Set it before Run.
	Changed func()

	instance string
	hosts    *hostsfile.File
	handler  http.Handler
	tls      *tls.Config

	mu      sync.Mutex
	wanted  []string
	others  map[string]netip.Addr
	serving map[string]netip.Addr
	wake    chan struct{}
}

// New returns a Names without names. handler gets every request, whatever the
// name; config chooses certificates by SNI.
func New(instance string, hosts *hostsfile.File, config *tls.Config, handler http.Handler) *Names {
	return &Names{instance: instance, hosts: hosts, handler: handler, tls: config, serving: map[string]netip.Addr{}, wake: make(chan struct{}, 1)}
}

// Set says which names are to be served; it returns at once.
func (n *Names) Set(names []string) {
	n.mu.Lock()
	n.wanted = append([]string(nil), names...)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Also says which further names stand in the hosts file: others answer them, at
// these addresses. It returns at once.
func (n *Names) Also(names map[string]netip.Addr) {
	n.mu.Lock()
	n.others = maps.Clone(names)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Addr is the address on which a name is served; false while it is not.
func (n *Names) Addr(name string) (netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr, ok := n.serving[name]
	return addr, ok
}

// Run serves until ctx ends. The names stay in the hosts file: whoever takes
// the instance down removes them.
func (n *Names) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for {
			n.mu.Lock()
			wanted, others := n.wanted, n.others
			n.mu.Unlock()
			if err := n.adjust(ctx, group, wanted, others); err != nil {
				slog.Warn("names on this machine", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-n.wake:
			}
		}
	})
	return group.Wait()
}

// adjust starts what is wanted and not served yet. A name that is no longer
// wanted leaves the hosts file; its listener stays until the end, which harms
// nobody and spares connections that are open.
func (n *Names) adjust(ctx context.Context, group *errgroup.Group, wanted []string, others map[string]netip.Addr) error {
	block := map[string]netip.Addr{}
	maps.Copy(block, others)
	var problems []error
	fresh := false
	for _, name := range wanted {
		addr, ok := n.Addr(name)
		if !ok {
			listener, at, err := n.listen(ctx, name)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", name, err))
				continue
			}
			addr = at
			n.mu.Lock()
			n.serving[name] = at
			n.mu.Unlock()
			fresh = true
			group.Go(func() error { return n.serve(ctx, listener) })
		}
		block[name] = addr
	}
	if n.Changed != nil && fresh {
		n.Changed()
	}
	if err := n.hosts.Set(block); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// listen binds port 443 of the first free address of a name.
func (n *Names) listen(ctx context.Context, name string) (net.Listener, netip.Addr, error) {
	var config net.ListenConfig
	var last error
	for try := range tries {
		addr := Address(n.instance, name, try)
		l, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(addr, 443).String())
		if err == nil {
			return l, addr, nil
		}
		last = err
	}
	return nil, netip.Addr{}, last
}

func (n *Names) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: n.handler, TLSConfig: n.tls.Clone(), ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Address is the loopback address of a name in 127.64.0.0/10; try tells which
// one of several.
func Address(instance, name string, try int) netip.Addr {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s/%d", instance, name, try)
	sum := h.Sum32()
	return netip.AddrFrom4([4]byte{127, 64 + byte(sum>>16)%64, byte(sum >> 8), 2 + byte(sum)%250})
}
