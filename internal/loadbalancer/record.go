package loadbalancer

import (
	"net/netip"
	"time"
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
	Method, URL, Proto                    string // URL is absolute: https://host:443/path?query
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
	// Failures of connections to targets that this request met.
	TargetConnectErrors, TargetTLSErrors int
}

// ConnectionRecord is one client connection that has ended: a line of a
// connection log, or of the access log of a network load balancer's TLS
// listener, and what flow metrics are counted from.
type ConnectionRecord struct {
	Listener         string // Listener.ID
	Zone             string
	Protocol         Protocol
	Client           netip.AddrPort
	Target           netip.AddrPort // flows of network load balancers
	Group            string
	Opened, Closed   time.Time
	HandshakeTime    time.Duration // TLS; negative: it failed
	Cipher           string
	TLSVersion       string
	Domain           string
	Certificate      string
	ALPN             string
	ClientSubject    string // mutual TLS
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
	RequestsOnClient int
}
