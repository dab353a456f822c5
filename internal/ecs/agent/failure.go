package agent

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/neargate/neargate/internal/decision"
)

// maxReason is how long AWS's agent lets a reason get.
const maxReason = 1024

// failure is why a task cannot be started: the reason that users see, and the
// decision with its evidence.
type failure struct {
	reason    string
	container string // whose reason it is, too; may be empty
	decision  decision.Decision
}

func (f *failure) Error() string { return f.reason }

// clip cuts a reason to the length that AWS allows.
func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	cut := maxReason
	for !utf8.RuneStart(reason[cut]) {
		cut--
	}
	return reason[:cut]
}

// timedOut reports whether an error is a time-out of the network.
func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// unreachable reports whether an error came from the way to a server, not from the server.
func unreachable(err error) bool {
	var op *net.OpError
	var where *url.Error
	return errors.As(err, &op) || errors.As(err, &where)
}

// clean returns the text of an error without the query of the URL in it, which
// may be signed.
func clean(err error) string {
	text := err.Error()
	var where *url.Error
	if errors.As(err, &where) {
		if before, _, found := strings.Cut(where.URL, "?"); found {
			text = strings.ReplaceAll(text, where.URL, before)
		}
	}
	return text
}

// evidence are the facts about a failed request.
func evidence(err error) []decision.Fact {
	facts := []decision.Fact{{Name: "error", Value: clean(err)}}
	var where *url.Error
	if errors.As(err, &where) {
		if u, bad := url.Parse(where.URL); bad == nil {
			facts = append(facts, decision.Fact{Name: "host", Value: u.Host})
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		facts = append(facts, decision.Fact{Name: "address", Value: op.Addr.String()})
	}
	return facts
}
