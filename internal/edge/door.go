package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
)

// What a client may take.
const (
	headerTimeout = 10 * time.Second // also for the TLS handshake
	idleTimeout   = 75 * time.Second
	maxHeader     = 64 << 10
	stopTimeout   = 2 * time.Second // for what was begun when we stop
)

// door is the edge of one VPC.
type door struct {
	edge     *Edge
	vpc      atomic.Pointer[network.VPC]
	recent   *dns.Recent
	resolver *dns.Server

	mu     sync.Mutex
	closed bool
	http   *service
	dns    *service
}

// service is a group of servers that start and stop together.
type service struct {
	stop context.CancelCauseFunc
	done chan struct{}
}

// errGone is why a door closes whose VPC has nobody any more who could ask. What
// is still open there has lost its other end, and is not worth waiting for.
var errGone = errors.New("the VPC is gone")

func newDoor(e *Edge, v VPC) *door {
	d := &door{edge: e, recent: &dns.Recent{}}
	d.resolver = dns.NewServer(v.Zone, e.options.Forward, d.recent)
	return d
}

// set opens what is missing.
func (d *door) set(ctx context.Context, v VPC) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	d.vpc.Store(&v.Network)
	d.resolver.SetZone(v.Zone)
	if !d.http.running() {
		if err := d.openHTTP(ctx, v.Network.ID); err != nil {
			return err
		}
	}
	switch {
	case !v.Network.DNSSupport:
		d.dns.close()
		d.dns = nil
	case !d.dns.running():
		return d.openDNS(ctx, v.Network)
	}
	return nil
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.http.close()
	d.dns.close()
}

func (s *service) running() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

func (s *service) close() {
	if s != nil {
		s.stop(errGone)
		<-s.done
	}
}

// start runs serve until the edge stops, the service is closed, or it fails: then
// the next set opens it again.
func (d *door) start(what string, serve func(ctx context.Context) error) *service {
	ctx, stop := context.WithCancelCause(d.edge.ctx)
	s := &service{stop: stop, done: make(chan struct{})}
	d.edge.serving.Go(func() {
		defer close(s.done)
		defer stop(nil)
		if err := serve(ctx); err != nil {
			d.edge.options.Log.Error("stopped answering in a VPC", "vpc", d.vpc.Load().ID, "service", what, "error", err)
		}
	})
	return s
}

// openDNS listens on both addresses of the resolver.
func (d *door) openDNS(ctx context.Context, v network.VPC) error {
	var packets []net.PacketConn
	var streams []net.Listener
	for _, a := range []netip.Addr{network.DNSAddr, v.Resolver()} {
		at := netip.AddrPortFrom(a, 53).String()
		p, err := d.edge.options.Engine.ListenPacket(ctx, v.ID, "udp4", at)
		if err == nil {
			packets = append(packets, p)
			var l net.Listener
			if l, err = d.edge.options.Engine.Listen(ctx, v.ID, "tcp4", at); err == nil {
				streams = append(streams, l)
			}
		}
		if err != nil {
			closeAll(packets, streams)
			return err
		}
	}
	d.dns = d.start("dns", func(ctx context.Context) error { return d.resolver.Serve(ctx, packets, streams) })
	return nil
}

func closeAll(packets []net.PacketConn, streams []net.Listener) {
	for _, p := range packets {
		_ = p.Close()
	}
	for _, l := range streams {
		_ = l.Close()
	}
}

// openHTTP listens for metadata on its own address, and for AWS on all others.
func (d *door) openHTTP(ctx context.Context, vpcID string) error {
	o := d.edge.options
	config := &tls.Config{GetCertificate: o.Certificate, MinVersion: tls.VersionTLS12}
	var servers []*http.Server
	var streams []net.Listener
	for _, part := range []struct {
		at      string
		handler http.Handler
		facts   func(from, to netip.Addr) (Facts, bool)
		tls     *tls.Config
	}{
		{network.MetadataAddr.String() + ":80", o.Metadata, d.linkLocal, nil},
		{"0.0.0.0:80", o.AWS, d.aws, nil},
		{"0.0.0.0:443", o.AWS, d.aws, config},
	} {
		l, err := o.Engine.Listen(ctx, vpcID, "tcp4", part.at)
		if err != nil {
			closeAll(nil, streams)
			return err
		}
		streams = append(streams, guard{l, part.facts, &d.edge.usage})
		servers = append(servers, &http.Server{
			Handler: part.handler, TLSConfig: part.tls, ConnContext: withFacts,
			ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
			ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		})
	}
	d.http = d.start("http", func(ctx context.Context) error { return serveHTTP(ctx, servers, streams) })
	return nil
}

// serveHTTP serves until ctx ends or one of the servers fails.
func serveHTTP(ctx context.Context, servers []*http.Server, streams []net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var serving sync.WaitGroup
	for i, s := range servers {
		serving.Go(func() {
			serve := s.Serve
			if s.TLSConfig != nil {
				serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
			}
			if err := serve(streams[i]); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				stop(err)
			}
			stop(nil)
		})
	}
	<-ctx.Done()
	grace := stopTimeout
	if errors.Is(context.Cause(ctx), errGone) {
		grace = 0
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, s := range servers {
		serving.Go(func() {
			if s.Shutdown(end) != nil {
				_ = s.Close()
			}
		})
	}
	serving.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, errGone) {
		return err
	}
	return nil
}

// linkLocal knows who called an address that every VPC has.
func (d *door) linkLocal(from, to netip.Addr) (Facts, bool) {
	v := d.vpc.Load()
	e, ok := v.ENIByIP(from)
	return Facts{VPC: v.ID, ENI: e.ID, Source: from, Local: to, Through: network.Local, Seen: from}, ok
}

// aws knows who called an address of AWS, and how.
func (d *door) aws(from, to netip.Addr) (Facts, bool) {
	v := d.vpc.Load()
	a, ok := network.AccessOf(d.edge.options.Site, *v, from, to)
	f := Facts{VPC: v.ID, ENI: a.From.ID, Source: from, Local: to, Through: a.Through, Seen: a.Seen}
	switch a.Through {
	case network.Local:
		f.Endpoint, f.EndpointENI = a.Target.Owner, a.Target.ID
		ok = ok && a.Target.Kind == network.InterfaceEndpoint
	case network.GatewayEndpoint:
		f.Endpoint = a.ID
	default:
		f.Gateway = a.ID
	}
	return f, ok
}
