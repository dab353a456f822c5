package loadbalancer

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/oidc"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// AccessRecord is what happened to one request: each field of a line of an
// Application Load Balancer's access log, and what its metrics are counted from.
// The record is valid during the call only; its strings may be kept.
type AccessRecord struct {
	Type     string // http, https, h2, grpcs, ws, wss
	Listener string // Listener.ID
	Zone     string // of the node
	Received time.Time
	Done     time.Time
	Client   netip.AddrPort
	Target   netip.AddrPort // invalid: none was asked
	// Target group that was chosen, empty for other actions.
	Group      string
	TargetZone string
	// Processing times; negative where the log has -1: the request reached no
	// target, or none answered.
	RequestTime, TargetTime, ResponseTime time.Duration
	Status                                int // elb_status_code
	TargetStatus                          int // 0: no answer
	ReceivedBytes, SentBytes              int64
	Method, Host, Path, Proto             string // Path with its query, as the client wrote it
	Port                                  uint16 // of the listener
	UserAgent                             string
	Cipher, TLSVersion                    string // ECDHE-RSA-AES128-GCM-SHA256, TLSv1.2
	TraceID                               string // X-Amzn-Trace-Id
	Domain                                string // of SNI
	Certificate                           string // Certificate.ID
	Priority                              int    // matched rule; 0 is the default, -1: an error before rules
	RulesEvaluated                        int
	Actions                               string // forward, redirect, fixed-response, waf...
	RedirectURL                           string
	Reason                                string // error_reason
	Classification                        string // Acceptable, Ambiguous, Severe, empty: compliant
	ClassificationReason                  string
	ConnTraceID                           string // TID_...
	GRPCStatus                            string // grpc-status of the answer, empty: none
	// Authentication is how the sign-in of a user went that this request was part of,
	// empty where it was of none, and how long the identity provider took.
	Authentication     oidc.Outcome
	AuthenticationTime time.Duration
	// Failures of connections to targets that this request met.
	TargetConnectErrors, TargetTLSErrors int
}

// Request is the line of the request as access logs have it, with an absolute URL:
// GET https://www.example.com:443/path?query HTTP/1.1.
func (r *AccessRecord) Request() string {
	if r.Method == "" {
		return "- " + r.Scheme() + "://" + r.hostPort() + "- -"
	}
	return r.Method + " " + r.Scheme() + "://" + r.hostPort() + r.Path + " " + r.Proto
}

// Scheme is http or https.
func (r *AccessRecord) Scheme() string {
	if r.Cipher != "" {
		return "https"
	}
	return "http"
}

func (r *AccessRecord) hostPort() string {
	return rule.Hostname(r.Host) + ":" + strconv.Itoa(int(r.Port))
}

// ConnectionRecord is one client connection that has ended: a line of a
// connection log, or of the access log of a network load balancer's TLS
// listener, and what flow metrics are counted from.
type ConnectionRecord struct {
	Listener         string // Listener.ID
	Zone             string
	Protocol         Protocol
	Client           netip.AddrPort
	Local            netip.AddrPort // where it came in
	Target           netip.AddrPort // flows of network load balancers
	Group            string
	Opened, Closed   time.Time
	HandshakeTime    time.Duration // TLS; negative: it failed
	Cipher           string
	TLSVersion       string
	Domain           string
	Certificate      string
	ALPN             string
	TargetALPN       string   // what a target with TLS speaks
	Offered          []string // protocols that a TLS client offers
	ClientSubject    string   // mutual TLS
	ClientNotBefore  time.Time
	ClientNotAfter   time.Time
	ClientSerial     string
	VerifyStatus     string // Success, Failed:..., empty
	TraceID          string // TID_...
	Received, Sent   int64  // bytes of flows
	ClientReset      bool   // who ended a flow by a reset
	TargetReset      bool
	Rejected         bool // no target, or none that could be reached
	TLSFailed        bool
	TargetTLSFailed  bool
	RequestsOnClient int
	ConnectErrors    int // attempts to reach targets that failed, of flows of proxies
}
