package elbv2

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
)

// maxLines is how many lines wait for delivery at most, per log and node; older ones
// are dropped, as AWS's logs are best effort, too.
const maxLines = 20000

// logPlace is a log of one node.
type logPlace struct {
	kind logKind
	zone string
}

// logLines are the lines of a load balancer that wait for delivery.
type logLines struct {
	mu      sync.Mutex
	waiting map[logPlace][]string
	keep    bool          // in a spool
	unsaved []byte        // what is not there yet
	fresh   chan struct{} // there is something unsaved
}

func (l *logLines) add(at logPlace, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[logPlace][]string{}
	}
	lines := append(l.waiting[at], line)
	l.waiting[at] = lines[max(0, len(lines)-maxLines):]
	if l.keep {
		select {
		case l.fresh <- struct{}{}:
		default:
		}
		l.unsaved = append(l.unsaved, at.kept(line)...)
	}
}

func (l *logLines) take(at logPlace) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.waiting[at]
	delete(l.waiting, at)
	return lines
}

func (l *logLines) giveBack(at logPlace, lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines = append(lines, l.waiting[at]...)
	l.waiting[at] = lines[max(0, len(lines)-maxLines):]
}

// accessLine is a request as a line of an access log.
func accessLine(name string, r *loadbalancer.AccessRecord) string {
	target, list, statuses := "-", "-", "-"
	if r.Target.IsValid() {
		target, list = r.Target.String(), r.Target.String()
		statuses = dash(number(r.TargetStatus))
	}
	priority := strconv.Itoa(r.Priority)
	if r.Priority < 0 {
		priority = "-"
	}
	fields := []string{
		r.Type, moment(r.Done), name, r.Client.String(), target, processing(r.RequestTime), processing(r.TargetTime), processing(r.ResponseTime),
		dash(number(r.Status)), dash(number(r.TargetStatus)), strconv.FormatInt(r.ReceivedBytes, 10), strconv.FormatInt(r.SentBytes, 10),
		quoted(r.Request()), quoted(r.UserAgent), dash(r.Cipher), dash(r.TLSVersion), dash(r.Group),
		quoted(r.TraceID), quoted(r.Domain), quoted(r.Certificate), priority, moment(r.Received), quoted(r.Actions), quoted(r.RedirectURL), quoted(r.Reason),
		quoted(list), quoted(statuses), quoted(r.Classification), quoted(r.ClassificationReason), dash(r.ConnTraceID),
	}
	return strings.Join(fields, " ")
}

// connectionLine is a client's connection as a line of a connection log.
func connectionLine(port string, r *loadbalancer.ConnectionRecord) string {
	latency, subject, validity := "-", `"-"`, "-"
	if r.TLSVersion != "" && r.HandshakeTime >= 0 {
		latency = strconv.FormatFloat(r.HandshakeTime.Seconds(), 'f', 3, 64)
	}
	if r.ClientSubject != "" {
		subject = quoted(r.ClientSubject)
		validity = "NotBefore=" + r.ClientNotBefore.UTC().Format(time.RFC3339) + ";NotAfter=" + r.ClientNotAfter.UTC().Format(time.RFC3339)
	}
	return strings.Join([]string{
		moment(r.Opened), address(r.Client), strconv.Itoa(int(r.Client.Port())), port, dash(r.TLSVersion), dash(r.Cipher), latency, subject, validity,
		dash(r.ClientSerial), dash(r.VerifyStatus), dash(r.TraceID),
	}, " ")
}

func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return "-"
	}
	return a.Addr().String()
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// processing is a time in seconds, -1 when there is none.
func processing(d time.Duration) string {
	if d < 0 {
		return "-1"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// quoted is a field that clients have a part in: quotation marks, backslashes and
// what is not printable are written as \xHH, so that a line cannot be forged.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(dash(text)) {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
