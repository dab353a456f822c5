package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// Type is the kind of a load balancer.
type Type string

// The kinds of load balancers. A Proxy is one of ECS Service Connect (proxy.go).
const (
	Application Type = "application"
	Network     Type = "network"
	Proxy       Type = "proxy"
)

// Protocol is what a listener or target group speaks, in AWS's words.
type Protocol string

// The protocols: HTTP and HTTPS of Application Load Balancers, the others of
// Network Load Balancers.
const (
	HTTP   Protocol = "HTTP"
	HTTPS  Protocol = "HTTPS"
	TCP    Protocol = "TCP"
	TLS    Protocol = "TLS"
	UDP    Protocol = "UDP"
	TCPUDP Protocol = "TCP_UDP"
)

// Config is all of one load balancer.
type Config struct {
	// Name is what access logs call it: app/my-load-balancer/50dc6c495c0c9188.
	Name       string
	ARN        string // what it signs as
	Type       Type
	Attributes Attributes
	Listeners  []Listener
	Groups     []Group
}

// Desync is a desync mitigation mode.
type Desync string

// The desync mitigation modes.
const (
	Monitor   Desync = "monitor"
	Defensive Desync = "defensive" // the default
	Strictest Desync = "strictest"
)

// ForwardedFor says what becomes of X-Forwarded-For.
type ForwardedFor string

// The modes of routing.http.xff_header_processing.mode.
const (
	XFFAppend   ForwardedFor = "append" // the default
	XFFPreserve ForwardedFor = "preserve"
	XFFRemove   ForwardedFor = "remove"
)

// Attributes are a load balancer's, by AWS's defaults where they are zero
// unless a field says otherwise.
type Attributes struct {
	IdleTimeout     time.Duration // idle_timeout.timeout_seconds; 0 is 60 s
	ClientKeepAlive time.Duration // client_keep_alive.seconds; 0 is 1 h
	HTTP2           bool          // routing.http2.enabled; AWS's default is true
	DropInvalid     bool          // routing.http.drop_invalid_header_fields.enabled
	Desync          Desync        // routing.http.desync_mitigation_mode
	ForwardedFor    ForwardedFor  // routing.http.xff_header_processing.mode
	ClientPort      bool          // routing.http.xff_client_port.enabled
	PreserveHost    bool          // routing.http.preserve_host_header.enabled
	TLSHeaders      bool          // routing.http.x_amzn_tls_version_and_cipher_suite.enabled
	// CrossZone is load_balancing.cross_zone.enabled; AWS's default is true for
	// application and false for network load balancers.
	CrossZone bool
}

// Listener is one port of a load balancer.
type Listener struct {
	ID       string // the listener's ARN
	Port     uint16
	Protocol Protocol
	// Certificates of HTTPS and TLS listeners; the first is the default one, which
	// answers where the name that a client asks for is in none.
	Certificates []Certificate
	Policy       string // security policy, ELBSecurityPolicy-...
	ALPN         string // ALPN policy of a TLS listener: HTTP2Only, HTTP2Optional, HTTP2Preferred, HTTP1Only, None
	MutualTLS    MutualTLS
	// Rules in any order; Default is used where none matches.
	Rules   []rule.Rule
	Default []rule.Action
	Headers Headers
	// IdleTimeout is tcp.idle_timeout.seconds of TCP listeners; 0 is 350 s.
	IdleTimeout time.Duration
	// PriorKnowledge is of proxies: clients of an HTTP listener speak HTTP/2 without TLS.
	PriorKnowledge bool
}

// Certificate is one that a listener may show.
type Certificate struct {
	ID   string // its ARN
	Leaf tls.Certificate
}

// MutualTLS says what is asked of clients' certificates.
type MutualTLS struct {
	Mode           string // off or empty, passthrough, verify
	Authorities    *x509.CertPool
	AllowExpired   bool // IgnoreClientCertificateExpiry
	AdvertiseNames bool // AdvertiseTrustStoreCaNames
	// Revoked says whether the certificate is on a revocation list; nil: there is none.
	Revoked func(*x509.Certificate) bool
}

// Headers are a listener's header attributes (routing.http.request.* and
// routing.http.response.*).
type Headers struct {
	// Renamed gives new names to headers that the load balancer adds to requests,
	// by their own: X-Amzn-Tls-Version -> X-My-Version.
	Renamed map[string]string
	// Response are headers that responses get, replacing the target's:
	// Strict-Transport-Security -> max-age=31536000.
	Response map[string]string
	// HideServer leaves out "Server: awselb/2.0" (routing.http.response.server.enabled=false).
	HideServer bool
}
