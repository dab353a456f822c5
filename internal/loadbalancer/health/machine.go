package health

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Reason codes of targets' health, AWS's, with their descriptions. Those that
// checks do not find are for the states that others know of.
const (
	ReasonRegistration = "Elb.RegistrationInProgress"
	ReasonInitial      = "Elb.InitialHealthChecking"
	ReasonInternal     = "Elb.InternalError"
	ReasonMismatch     = "Target.ResponseCodeMismatch"
	ReasonTimeout      = "Target.Timeout"
	ReasonFailed       = "Target.FailedHealthChecks"
	ReasonNotInUse     = "Target.NotInUse"
	ReasonDraining     = "Target.DeregistrationInProgress"

	initialDescription = "Initial health checks in progress"
)

// Result is what one check found.
type Result struct {
	Passed      bool
	Reason      string // Target.ResponseCodeMismatch, Target.Timeout, Target.FailedHealthChecks
	Description string
}

// Mismatch is an answer with a code that does not pass.
func Mismatch(code int) Result {
	return Result{Reason: ReasonMismatch, Description: fmt.Sprintf("Health checks failed with these codes: [%d]", code)}
}

// Results without an answer.
var (
	passed   = Result{Passed: true}
	timedOut = Result{Reason: ReasonTimeout, Description: "Request timed out"}
	failed   = Result{Reason: ReasonFailed, Description: "Health checks failed"}
)

// Machine counts results of one target until they decide its state. It is pure:
// it is told the time.
type Machine struct {
	Status
	passes, fails int
	counted       time.Time // when a failure counted last, while initial
}

// NewMachine begins with what was known, or with a target that is to pass for the first time.
func NewMachine(last Status) *Machine {
	if last.State == "" {
		last = Status{State: Initial, Reason: ReasonInitial, Description: initialDescription}
	}
	return &Machine{Status: last}
}

// Observe takes in a result and says whether the status is another one. A new
// target is healthy with its first pass; all others need as many in a row as the
// check says.
func (m *Machine) Observe(c Check, r Result, now time.Time) bool {
	before := m.Status
	if r.Passed {
		m.passes++
		m.fails = 0
		if m.State == Initial || m.State == Unhealthy && m.passes >= c.Healthy {
			m.Status = Status{State: Healthy}
		}
		return m.Status != before
	}
	m.passes = 0
	if m.State == Initial && c.Eager > 0 && now.Sub(m.counted) < c.Interval {
		return false
	}
	m.counted = now
	m.fails++
	if m.State == Unhealthy || m.fails >= c.Unhealthy {
		m.Status = Status{State: Unhealthy, Reason: r.Reason, Description: r.Description}
	}
	return m.Status != before
}

// Wait is how long to wait for the next check.
func (m *Machine) Wait(c Check) time.Duration {
	if m.State == Initial && c.Eager > 0 {
		return min(c.Eager, c.Interval)
	}
	return c.Interval
}

// Matcher is codes that pass.
type Matcher []struct{ From, To int }

// ParseMatcher reads "200", "200,202" or "200-399"; an error says what is no code.
func ParseMatcher(s string) (Matcher, error) {
	var m Matcher
	for part := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			to = from
		}
		a, err := strconv.Atoi(from)
		if err != nil {
			return nil, fmt.Errorf("%q is no code", part)
		}
		b, err := strconv.Atoi(to)
		if err != nil || b < a {
			return nil, fmt.Errorf("%q is no range of codes", part)
		}
		m = append(m, struct{ From, To int }{a, b})
	}
	return m, nil
}

// Matches says whether code passes.
func (m Matcher) Matches(code int) bool {
	for _, r := range m {
		if code >= r.From && code <= r.To {
			return true
		}
	}
	return false
}
