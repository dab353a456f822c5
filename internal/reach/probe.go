package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/neargate/neargate/internal/network"
)

// probeTime is how long a probe waits for an answer.
const probeTime = 2 * time.Second

// Outcome is what a probe met.
type Outcome string

// The outcomes of probes.
const (
	Connected   Outcome = "connected"   // a connection came about, or a datagram was answered
	Refused     Outcome = "refused"     // packets arrive, but nothing listens
	TimedOut    Outcome = "timed out"   // silence
	Unreachable Outcome = "unreachable" // the network said that there is no way
	Silent      Outcome = "no answer"   // a datagram was not answered, which proves nothing
	NotTried    Outcome = "not tried"   // see Text
)

// Probe is an attempt that was really made.
type Probe struct {
	Outcome Outcome
	Latency time.Duration `json:",omitempty"` // until the answer
	Text    string        `json:",omitempty"` // what the system said, or why it was not tried
	Drops   []string      `json:",omitempty"` // what was seen being dropped meanwhile
}

// Arrived reports whether packets went there and back; known is false when the
// probe does not tell.
func (p Probe) Arrived() (arrived, known bool) {
	switch p.Outcome {
	case Connected, Refused:
		return true, true
	case TimedOut, Unreachable:
		return false, true
	}
	return false, false
}

// probe tries a port by a dialer.
func probe(ctx context.Context, dial network.Dialer, to netip.Addr, port Port) Probe {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	address := netip.AddrPortFrom(to, uint16(port.Port)).String()
	start := time.Now()
	switch port.Protocol {
	case network.TCP:
		c, err := dial(ctx, "tcp", address)
		p := outcome(err, TimedOut, time.Since(start))
		if c != nil {
			_ = c.Close()
		}
		return p
	case network.UDP:
		c, err := dial(ctx, "udp", address)
		if err != nil {
			return outcome(err, TimedOut, time.Since(start))
		}
		defer c.Close()
		err = ask(ctx, c, port.Port == 53)
		return outcome(err, Silent, time.Since(start))
	}
	return Probe{Outcome: NotTried, Text: "probes use TCP and UDP"}
}

// ask sends a datagram, a question of DNS when one is understood, and waits for
// any answer.
func ask(ctx context.Context, c net.Conn, isDNS bool) error {
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	datagram := []byte("\n")
	if isDNS {
		var err error
		if datagram, err = new(dns.Msg).SetQuestion(".", dns.TypeNS).Pack(); err != nil {
			return err
		}
	}
	if _, err := c.Write(datagram); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 512))
	return err
}

// outcome names an error; silence is what a time-out means.
func outcome(err error, silence Outcome, after time.Duration) Probe {
	var timeout net.Error
	switch {
	case err == nil:
		return Probe{Outcome: Connected, Latency: after}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Probe{Outcome: Refused, Latency: after, Text: err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Probe{Outcome: silence, Text: fmt.Sprintf("nothing came back within %s", probeTime)}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Probe{Outcome: Unreachable, Text: err.Error()}
	}
	return Probe{Outcome: NotTried, Text: err.Error()}
}
