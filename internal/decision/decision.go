// Package decision records what was allowed or denied, by what, on which
// evidence, and what would change it. Every place in Neargate that lets
// something pass or refuses it (IAM, a route, a security group, DNS, an
// endpoint, the registry, a secret, the log driver, the kernel's memory limit)
// reports a Decision; `neargate why` turns decisions into cause, evidence and fix.
//
// Nothing secret may be put into a Decision: names of secrets, never values.
package decision

import (
	"context"
	"time"
)

// Phase is the place in a request's or a task's life where it was decided.
type Phase string

// The phases, in the order in which a task meets them.
const (
	Place         Phase = "place"
	ENI           Phase = "eni"
	IAM           Phase = "iam"
	DNS           Phase = "dns"
	Route         Phase = "route"
	SecurityGroup Phase = "sg"
	ACL           Phase = "nacl"
	Endpoint      Phase = "endpoint"
	RegistryAuth  Phase = "registry-auth"
	Secrets       Phase = "secrets"
	Logs          Phase = "logs"
	Manifest      Phase = "manifest"
	Layers        Phase = "layers"
	Create        Phase = "create"
	Start         Phase = "start"
	Health        Phase = "health"
	Exit          Phase = "exit"
	Deployment    Phase = "deployment"
	Request       Phase = "request"
)

// Verdict is how it was decided.
type Verdict string

// The verdicts. Timeout is a denial that the network gives by silence.
const (
	Allow   Verdict = "allow"
	Deny    Verdict = "deny"
	Timeout Verdict = "timeout"
	Error   Verdict = "error"
)

// Confidence tells what was seen from what was concluded.
type Confidence string

// Observed means that the very packet, evaluation or exit was seen; Inferred
// that it follows from configuration.
const (
	Observed Confidence = "observed"
	Inferred Confidence = "inferred"
)

// Fact is one piece of evidence, for example {"address", "10.0.128.7:443"}.
type Fact struct{ Name, Value string }

// Fix is something to paste that would change the verdict.
type Fix struct {
	Lang   string // cloudformation, terraform or cli
	Text   string
	Target string // what it is pasted into: a resource, a file with line; may be empty
}

// Decision is one verdict with its evidence. Time and ID are filled by the
// recorder when they are zero.
type Decision struct {
	ID         string
	Time       time.Time
	Account    string
	Region     string
	Phase      Phase
	Subjects   []string // ARNs and ids that it concerns: task, service, stack, ENI, request id
	Verdict    Verdict
	Code       string // slug of the catalogue, for example net.endpoint-missing; "" when allowed
	Facts      []Fact
	Cause      string // one sentence
	Where      string // the resource that decided or is missing, for people
	Resource   string // its id or ARN: what the fix changes or is put beside; may be ""
	Fix        []Fix
	AWSMessage string // what the AWS API said
	Confidence Confidence
}

// Recorder takes decisions. Record never blocks and never fails.
type Recorder interface {
	Record(ctx context.Context, d Decision)
}

// Discard forgets everything; for tests.
var Discard Recorder = discard{}

type discard struct{}

func (discard) Record(context.Context, Decision) {}
