package dns

import (
	"context"

	"github.com/miekg/dns"
)

// Refuse is a Forwarder that asks nobody: a server with it answers for its zone only,
// and refuses all other questions.
type Refuse struct{}

// Forward implements Forwarder.
func (Refuse) Forward(_ context.Context, question *dns.Msg) (*dns.Msg, error) {
	reply := new(dns.Msg).SetRcode(question, dns.RcodeRefused)
	if question.IsEdns0() != nil {
		reply.SetEdns0(dns.DefaultMsgSize, false)
	}
	return reply, nil
}
