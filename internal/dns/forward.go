package dns

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	forwardTimeout = 3 * time.Second // for all servers together
	serverTimeout  = 1 * time.Second
	silence        = 5 * time.Second // for how long servers that did not answer are spared
	configAge      = 10 * time.Second
)

// ErrNoServers is returned when the host has no resolver that answers.
var ErrNoServers = errors.New("dns: no resolver of the host answers")

// HostForwarder asks the resolvers of this machine, as named in a file like
// /etc/resolv.conf, which it reads again now and then. After none of them
// answered it says so at once for a few seconds, so that a machine without a
// network does not slow tasks down.
type HostForwarder struct {
	path string

	mu      sync.Mutex
	servers []string // host:port
	read    time.Time
	silent  time.Time // until when nobody is asked
}

// NewHostForwarder returns a forwarder that reads the given file.
func NewHostForwarder(path string) *HostForwarder { return &HostForwarder{path: path} }

// Forward implements Forwarder.
func (f *HostForwarder) Forward(ctx context.Context, question *dns.Msg) (*dns.Msg, error) {
	servers := f.current(time.Now())
	for _, server := range servers {
		answer, err := exchange(ctx, question, server)
		if err == nil {
			return answer, nil
		}
	}
	if len(servers) > 0 && ctx.Err() == nil {
		f.mu.Lock()
		f.silent = time.Now().Add(silence)
		f.mu.Unlock()
	}
	return nil, ErrNoServers
}

// exchange asks one server, over TCP when its answer was cut.
func exchange(ctx context.Context, question *dns.Msg, server string) (*dns.Msg, error) {
	question = question.Copy()
	question.Id = dns.Id()
	answer, _, err := (&dns.Client{Timeout: serverTimeout}).ExchangeContext(ctx, question, server)
	if err == nil && answer.Truncated {
		answer, _, err = (&dns.Client{Net: "tcp", Timeout: serverTimeout}).ExchangeContext(ctx, question, server)
	}
	return answer, err
}

// current is whom to ask now.
func (f *HostForwarder) current(now time.Time) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.silent) {
		return nil
	}
	if now.Sub(f.read) > configAge {
		f.read, f.servers = now, nil
		if config, err := dns.ClientConfigFromFile(f.path); err == nil {
			for _, s := range config.Servers {
				f.servers = append(f.servers, net.JoinHostPort(s, config.Port))
			}
		}
	}
	return f.servers
}
