package edge

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
)

// Options are what the edges of all VPCs share. All but Forward and Log are needed.
type Options struct {
	Engine network.Engine
	Site   network.Site
	// AWS serves requests to AWS's endpoints, interface endpoints included.
	AWS http.Handler
	// Metadata serves 169.254.170.2.
	Metadata http.Handler
	// Certificate chooses by the name that the client asks for (SNI).
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Forward answers names that no zone knows; nil says that they do not exist.
	Forward dns.Forwarder
	Log     *slog.Logger // nil discards
}

// VPC is what the edge needs to know of one VPC.
type VPC struct {
	Network network.VPC
	Zone    dns.Zone
}

// Edge serves all VPCs.
type Edge struct {
	options Options
	ctx     context.Context // ends with Run
	cancel  context.CancelFunc
	serving sync.WaitGroup
	usage   usages

	mu   sync.Mutex
	vpcs map[string]*door
}

// New returns an edge without VPCs.
func New(o Options) *Edge {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Edge{options: o, vpcs: map[string]*door{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Run serves until ctx ends, and then until what was begun is done or has had
// its time. VPCs may be Set before.
func (e *Edge) Run(ctx context.Context) error {
	<-ctx.Done()
	e.cancel()
	e.serving.Wait()
	return nil
}

// Set makes the VPC answer as v says. The Engine must have Set v.Network
// before. It may be called again with the same value; listeners stay open where
// nothing changed. The error is that of a listener which could not be opened.
func (e *Edge) Set(ctx context.Context, v VPC) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	d := e.vpcs[v.Network.ID]
	if d == nil {
		d = newDoor(e, v)
		e.vpcs[v.Network.ID] = d
	}
	e.mu.Unlock()
	if err := d.set(ctx, v); err != nil {
		return fmt.Errorf("edge: %s: %w", v.Network.ID, err)
	}
	return nil
}

// Remove stops answering in a VPC, which the Engine is about to Remove.
func (e *Edge) Remove(vpcID string) {
	e.mu.Lock()
	d := e.vpcs[vpcID]
	delete(e.vpcs, vpcID)
	e.mu.Unlock()
	if d != nil {
		d.close()
	}
}

// Queries returns the last questions that a client asked the VPC's resolver,
// oldest first.
func (e *Edge) Queries(vpcID string, client netip.Addr) []dns.Query {
	e.mu.Lock()
	d := e.vpcs[vpcID]
	e.mu.Unlock()
	if d == nil {
		return nil
	}
	return d.recent.Of(client)
}
