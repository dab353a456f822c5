package dns

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

const (
	ttl          = 60 // seconds, as AWS gives for its endpoints
	idleTimeout  = 10 * time.Second
	stopTimeout  = time.Second
	maxQuestions = 512 // at the same time and per socket; UDP beyond it is dropped
)

// Forwarder asks somebody else, on behalf of a client.
type Forwarder interface {
	// Forward answers a question, or says that nobody could. It returns soon after ctx ends.
	Forward(ctx context.Context, question *dns.Msg) (*dns.Msg, error)
}

// Server is the resolver of one VPC. Make it with NewServer.
type Server struct {
	zone    atomic.Pointer[Zone]
	forward Forwarder // nil: names that the zone does not know do not exist
	recent  *Recent
	busy    chan struct{}
}

// NewServer returns a resolver that forwards what it does not know, unless
// forward is nil, and notes every question in recent.
func NewServer(z Zone, forward Forwarder, recent *Recent) *Server {
	s := &Server{forward: forward, recent: recent, busy: make(chan struct{}, maxQuestions)}
	s.SetZone(z)
	return s
}

// SetZone changes what the resolver knows, from the next question on.
func (s *Server) SetZone(z Zone) { s.zone.Store(&z) }

// Serve answers on the given sockets until ctx ends or one of them fails, and
// closes them.
func (s *Server) Serve(ctx context.Context, packets []net.PacketConn, streams []net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	run := func(server *dns.Server) {
		g.Go(func() error {
			err := server.ActivateAndServe()
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		})
		g.Go(func() error {
			<-ctx.Done()
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			_ = server.ShutdownContext(stop) // an error says that it was not yet, or no longer, running
			if server.Listener != nil {
				_ = server.Listener.Close()
			}
			if server.PacketConn != nil {
				_ = server.PacketConn.Close()
			}
			return nil
		})
	}
	for _, c := range packets {
		run(&dns.Server{PacketConn: c, Handler: s, UDPSize: dns.DefaultMsgSize})
	}
	for _, l := range streams {
		run(&dns.Server{Listener: l, Handler: s, IdleTimeout: func() time.Duration { return idleTimeout }})
	}
	return g.Wait()
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		return // the client asks again
	}
	reply, note := s.answer(question)
	if udp, ok := w.LocalAddr().(*net.UDPAddr); ok && udp != nil {
		reply.Truncate(size(question))
	}
	note.At = time.Now()
	s.recent.add(client(w.RemoteAddr()), note)
	_ = w.WriteMsg(reply) // a client that is gone asks no more
}

// size is how long a UDP answer may be.
func size(question *dns.Msg) int {
	if opt := question.IsEdns0(); opt != nil {
		return min(max(int(opt.UDPSize()), dns.MinMsgSize), dns.DefaultMsgSize)
	}
	return dns.MinMsgSize
}

func client(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

// answer makes the reply to a question and what is noted of it.
func (s *Server) answer(question *dns.Msg) (*dns.Msg, Query) {
	reply := new(dns.Msg).SetReply(question)
	_, alone := s.forward.(Refuse)
	reply.RecursionAvailable = !alone
	if opt := question.IsEdns0(); opt != nil {
		reply.SetEdns0(dns.DefaultMsgSize, false)
	}
	if question.Opcode != dns.OpcodeQuery || len(question.Question) != 1 || question.Question[0].Qclass != dns.ClassINET {
		reply.Rcode = dns.RcodeNotImplemented
		return reply, Query{Rcode: dns.RcodeToString[reply.Rcode]}
	}
	q := question.Question[0]
	name := strings.TrimSuffix(q.Name, ".")
	note := Query{Name: strings.ToLower(name), Type: dns.TypeToString[q.Qtype]}
	if a, ok := s.zone.Load().Lookup(name, q.Qtype); ok {
		reply.Authoritative, reply.Rcode = true, a.Rcode
		reply.Answer = slices.Concat(a.Records, records(q, a))
		if a.Elsewhere != "" && s.forward != nil && !alone { // alone: the client asks further itself
			next := new(dns.Msg).SetQuestion(dns.Fqdn(a.Elsewhere), q.Qtype)
			rest, _ := s.ask(next, new(dns.Msg).SetReply(next))
			reply.Rcode, reply.Answer = rest.Rcode, append(reply.Answer, rest.Answer...)
		}
		note.Origin, note.Endpoint = a.Origin, a.Endpoint
	} else {
		reply, note.Origin = s.ask(question, reply)
	}
	note.Rcode = dns.RcodeToString[reply.Rcode]
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			ip, _ := netip.AddrFromSlice(a.A.To4())
			note.Addrs = append(note.Addrs, ip)
		}
	}
	return reply, note
}

// ask forwards a question; nobody answering is a server failure.
func (s *Server) ask(question, reply *dns.Msg) (*dns.Msg, Origin) {
	if s.forward == nil {
		reply.Rcode = dns.RcodeNameError
		return reply, FromNobody
	}
	ctx, cancel := context.WithTimeout(context.Background(), forwardTimeout)
	defer cancel()
	answer, err := s.forward.Forward(ctx, question)
	if err != nil {
		reply.Rcode = dns.RcodeServerFailure
		return reply, FromHost
	}
	answer.Id = question.Id
	return answer, FromHost
}

// records writes an answer as resource records, addresses in random order, as
// AWS spreads clients over an endpoint's zones.
func records(q dns.Question, a Answer) []dns.RR {
	var all []dns.RR
	for _, i := range rand.Perm(len(a.Addrs)) {
		all = append(all, address(q.Name, a.Addrs[i], ttl))
	}
	if a.Target != "" {
		all = append(all, &dns.PTR{Hdr: header(q.Name, dns.TypePTR, ttl), Ptr: dns.Fqdn(a.Target)})
	}
	return all
}

func header(name string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// address is the record of an address: A or AAAA.
func address(name string, a netip.Addr, ttl uint32) dns.RR {
	if a.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA, ttl), A: a.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA, ttl), AAAA: a.AsSlice()}
}
