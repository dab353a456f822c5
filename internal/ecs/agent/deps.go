package agent

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/store"
)

// Interfaces makes the network interfaces of tasks. Satisfied by ec2.
type Interfaces interface {
	// EnsureInterface makes the interface of that name, or finds it. Errors with
	// an ErrorCode method are AWS's and final; others may pass.
	EnsureInterface(ctx context.Context, spec InterfaceSpec) (Interface, error)
	// RemoveInterface removes an interface; one that is not there is success.
	RemoveInterface(ctx context.Context, account, region, id string) error
}

// InterfaceSpec asks for the interface of a task.
type InterfaceSpec struct {
	Account, Region string
	Name            string // stable: making it again finds it
	TaskID          string
	Description     string
	SubnetID        string
	SecurityGroups  []string
	AssignPublicIP  bool
	AssignIPv6      bool
}

// Interface is a network interface that carries traffic.
type Interface struct {
	ID, VpcID, MAC  string
	NetNS           string // path of the network namespace
	IP              netip.Addr
	IPv6            netip.Addr // invalid without one
	SubnetCIDR      netip.Prefix
	SubnetIPv6CIDR  netip.Prefix // invalid without one
	Gateway         netip.Addr
	DNSServers      []netip.Addr
	SearchDomain    string
	PrivateDNSName  string // "" when the VPC gives no names
	HostnameInVPC   string // ip-10-0-1-5.ec2.internal: the containers' host name
	AvailabilityAZs string
}

// DialFunc opens a connection; its shape is that of http.Transport.DialContext.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Credentials are those of a role session.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}

// Sessions makes role sessions. Satisfied by sts.
type Sessions interface {
	// AssumeForService lets a service principal assume a role on behalf of the
	// resource sourceARN. Errors are AWS's.
	AssumeForService(ctx context.Context, account, region, roleARN, sessionName, service, sourceARN string) (Credentials, error)
}

// LocalBlobs are blobs of images that are on this machine already. Satisfied by
// blob.Store.
type LocalBlobs interface {
	// OpenBlob opens a blob. Any error means that it is not here.
	OpenBlob(d digest.Digest) (io.ReadCloser, error)
}

// ImageFiles reads files of images, to find trust stores. Satisfied by a runtime
// that can.
type ImageFiles interface {
	// ImageFiles returns the files that exist among paths (which may have * in
	// them), by their real path in the image.
	ImageFiles(ctx context.Context, imageDigest string, paths []string) (map[string][]byte, error)
}

// Diagnosis is what the network can tell about a connection that did not come about.
type Diagnosis struct {
	Code         string // slug of the catalogue: net.no-route ...
	Cause, Where string
	Resource     string // see decision.Decision
	Facts        []decision.Fact
	Fix          []decision.Fix
}

// Diagnose explains why a connection from an interface to host:port (and the
// address it resolved to, if any) failed. Satisfied by ec2 with network.Explain.
type Diagnose func(ctx context.Context, account, region, eniID, host, address string) Diagnosis

// Pace is how long the agent waits for others.
type Pace struct {
	Attempt    time.Duration // one attempt to reach a service
	Attempts   int           // how many are made
	LogFlush   time.Duration // how long log events gather
	LogGiveUp  time.Duration // how long the end of a task waits while none of its logs are taken
	ENITimeout time.Duration
}

// The two paces: AWS's, and the one for people who are waiting.
var (
	AWSPace  = Pace{Attempt: 30 * time.Second, Attempts: 3, LogFlush: 5 * time.Second, LogGiveUp: time.Minute, ENITimeout: 3 * time.Minute}
	FastPace = Pace{Attempt: 3 * time.Second, Attempts: 1, LogFlush: 200 * time.Millisecond, LogGiveUp: 10 * time.Second, ENITimeout: 30 * time.Second}
)

// Deps are what the agent needs of others. Blobs, Files, Diagnose and
// Listening are optional.
type Deps struct {
	DB         *store.DB
	Runtime    runtime.Runtime
	Interfaces Interfaces
	Targets    Targets    // nil where no task has a load balancer
	Registries Registries // nil where no task is registered with Cloud Map
	Proxies    Proxies    // nil where no task has Service Connect
	Sessions   Sessions
	// Dial gives the dialer of an interface's network namespace, names resolved
	// by the VPC. Errors are *net.OpError.
	Dial func(eniID string) DialFunc
	// RootCAs returns what the agent trusts: the machine's roots and the local
	// authority. It is called once per task, so it should remember the answer.
	RootCAs func() *x509.CertPool
	// Bundle adds the local authority to a CA bundle in PEM form.
	Bundle   func(existing []byte) []byte
	Blobs    LocalBlobs
	Files    ImageFiles
	Diagnose Diagnose
	// Listening lists the TCP sockets that wait for connections in an interface's namespace.
	Listening func(eniID string) []netip.AddrPort
	Decisions decision.Recorder
	Dir       string // for files of tasks: logs, volumes, hosts
	Pace      Pace
	Log       *slog.Logger
}
