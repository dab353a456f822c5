package agent

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/runtime/runtimetest"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	ecrHost   = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
	layerHost = "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com"
	testImage = ecrHost + "/app:1"
	execRole  = "arn:aws:iam::000000000000:role/exec"
)

// world is everything around an agent: a runtime without processes, and AWS
// played by one TLS server behind a network that can be cut.
type world struct {
	t     *testing.T
	agent *Agent
	fake  *runtimetest.Fake
	db    *store.DB
	dir   string

	mu         sync.Mutex
	addr       string
	cut        map[string]bool   // hosts that cannot be reached
	deny       map[string]string // operation to "Code: message"
	secrets    map[string]string
	manifests  map[string][]byte // by tag and digest
	blobs      map[digest.Digest][]byte
	logs       map[string][]string
	faces      map[string]string // ENI by name
	decisions  []decision.Decision
	untrusted  bool
	apart      bool          // every interface has its own address
	lasting    time.Duration // how long sessions last; 0 for an hour
	sessions   int           // that were made
	requests   []string
	interfaces int
	netns      string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, netns: "/run/netns/x", fake: runtimetest.NewFake(1), dir: t.TempDir(), cut: map[string]bool{}, deny: map[string]string{}, secrets: map[string]string{},
		manifests: map[string][]byte{}, blobs: map[digest.Digest][]byte{}, logs: map[string][]string{}, faces: map[string]string{}}
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = listener.Addr().String()
	server := &http.Server{Handler: w, TLSConfig: authority.ServerTLS(func(string) bool { return true }), ErrorLog: slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelDebug)}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	if w.db, err = store.OpenMemory(state.Tasks, state.TaskDefinitions, state.Services, state.Clusters, state.ECSSettings, state.Subnets, state.Targets, state.DiscoveryServices, state.Alarms); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	w.push("1", "linux", "amd64")
	w.agent = w.newAgent(roots, authority)
	return w
}

func (w *world) newAgent(roots *x509.CertPool, authority *pki.Authority) *Agent {
	return New(Deps{DB: w.db, Runtime: w.fake, Interfaces: w, Sessions: w, Dial: w.dial, RootCAs: func() *x509.CertPool { return roots }, Bundle: authority.Bundle, Decisions: w, Dir: w.dir,
		Pace: Pace{Attempt: time.Second, Attempts: 1, LogFlush: 5 * time.Millisecond, LogGiveUp: time.Second, ENITimeout: time.Second}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

// run lets an agent work until the returned function is called.
func (w *world) run(a *Agent) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// push puts an image of one layer into the registry.
func (w *world) push(tag, os, arch string) digest.Digest {
	add := func(v any) ocispec.Descriptor {
		raw, ok := v.([]byte)
		if !ok {
			raw, _ = json.Marshal(v)
		}
		d := digest.FromBytes(raw)
		w.blobs[d] = raw
		return ocispec.Descriptor{Digest: d, Size: int64(len(raw))}
	}
	config := add(ocispec.Image{Platform: ocispec.Platform{OS: os, Architecture: arch}, Config: ocispec.ImageConfig{Cmd: []string{"sleep"}, Env: []string{"PATH=/bin"}}})
	layer := add([]byte("layer of " + tag))
	raw, _ := json.Marshal(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer}})
	d := digest.FromBytes(raw)
	w.manifests[tag], w.manifests[d.String()] = raw, raw
	return d
}

func (w *world) dial(string) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		w.mu.Lock()
		cut := w.cut[host]
		w.mu.Unlock()
		if cut {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(198, 18, 0, 9), Port: 443}, Err: os.ErrDeadlineExceeded}
		}
		return new(net.Dialer).DialContext(ctx, "tcp", w.addr)
	}
}

// EnsureInterface implements Interfaces.
func (w *world) EnsureInterface(_ context.Context, spec InterfaceSpec) (Interface, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if spec.SubnetID == "subnet-full" {
		return Interface{}, &apiError{Code: "InsufficientFreeAddressesInSubnet"}
	}
	if w.faces[spec.Name] == "" {
		w.interfaces++
		w.faces[spec.Name] = fmt.Sprintf("eni-%d", w.interfaces)
	}
	if w.apart { // each has an address of its own
		n, err := strconv.Atoi(strings.TrimPrefix(w.faces[spec.Name], "eni-"))
		if err != nil {
			return Interface{}, err
		}
		ip := netip.AddrFrom4([4]byte{10, 0, 1, byte(4 + n)})
		return Interface{ID: w.faces[spec.Name], VpcID: "vpc-1", MAC: "02:00:00:00:00:01", NetNS: w.netns, IP: ip, DNSServers: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}, nil
	}
	return Interface{ID: w.faces[spec.Name], VpcID: "vpc-1", MAC: "02:00:00:00:00:01", NetNS: w.netns, IP: netip.MustParseAddr("10.0.1.5"), DNSServers: []netip.Addr{netip.MustParseAddr("10.0.0.2")},
		SearchDomain: "ec2.internal", HostnameInVPC: "ip-10-0-1-5.ec2.internal", PrivateDNSName: "ip-10-0-1-5.ec2.internal"}, nil
}

func (e *apiError) ErrorCode() string { return e.Code }

// RemoveInterface implements Interfaces.
func (w *world) RemoveInterface(_ context.Context, _, _, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, have := range w.faces {
		if have == id {
			delete(w.faces, name)
		}
	}
	return nil
}

// AssumeForService implements Sessions.
func (w *world) AssumeForService(_ context.Context, _, _, role, session, _, _ string) (Credentials, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.untrusted {
		return Credentials{}, errors.New("not trusted")
	}
	w.sessions++
	return Credentials{AccessKeyID: "LSIA" + role[len(role)-4:], SecretAccessKey: "secret", SessionToken: session, Expiration: time.Now().Add(cmp.Or(w.lasting, time.Hour))}, nil
}

// Record implements decision.Recorder.
func (w *world) Record(_ context.Context, d decision.Decision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decisions = append(w.decisions, d)
}

// ServeHTTP plays AWS.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r.Method+" "+r.Host+r.URL.Path)
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		w.serveAPI(out, r)
	case strings.HasPrefix(r.Host, "settings.s3."):
		w.serveFile(out, r)
	case r.Host == layerHost:
		out.Write(w.blobs[digest.Digest("sha256:"+r.URL.Path[1:])])
	default:
		w.serveRegistry(out, r)
	}
}

// serveFile plays a bucket.
func (w *world) serveFile(out http.ResponseWriter, r *http.Request) {
	content, ok := w.secrets["s3://settings"+r.URL.Path]
	out.Header().Set("X-Amz-Request-Id", "REQ")
	switch {
	case r.URL.Query().Has("location"):
		io.WriteString(out, `<?xml version="1.0"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`)
	case w.deny["s3"] != "" || !strings.Contains(r.Header.Get("Authorization"), "Credential=LSIAexec/"):
		out.WriteHeader(http.StatusForbidden)
	case !ok:
		out.WriteHeader(http.StatusNotFound)
	default:
		io.WriteString(out, content)
	}
}

func (w *world) serveRegistry(out http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("AWS:token"))
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
	kind, id := parts[len(parts)-2], parts[len(parts)-1]
	if message := w.deny[kind]; message != "" {
		http.Error(out, message, http.StatusForbidden)
		return
	}
	if r.Header.Get("Authorization") != want {
		http.Error(out, "who are you?", http.StatusUnauthorized)
		return
	}
	if kind == "blobs" {
		http.Redirect(out, r, "https://"+layerHost+"/"+strings.TrimPrefix(id, "sha256:")+"?X-Amz-Signature=secret", http.StatusTemporaryRedirect)
		return
	}
	raw, ok := w.manifests[id]
	if !ok {
		http.NotFound(out, r)
		return
	}
	out.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
	out.Header().Set("Docker-Content-Digest", digest.FromBytes(raw).String())
	out.Write(raw)
}

func (w *world) serveAPI(out http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	refuse := func(code, message string) {
		out.Header().Set("X-Amzn-Requestid", "REQ")
		out.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(out).Encode(map[string]string{"__type": code, "message": message})
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=LSIAexec/") {
		refuse("UnrecognizedClientException", "not the execution role")
		return
	}
	if text, ok := w.deny[operation]; ok {
		code, message, _ := strings.Cut(text, ": ")
		refuse(code, message)
		return
	}
	var in struct {
		SecretId, LogStreamName string
		Names                   []string
		LogEvents               []struct{ Message string }
	}
	json.NewDecoder(r.Body).Decode(&in)
	answer := any(struct{}{})
	switch operation {
	case "GetAuthorizationToken":
		token := base64.StdEncoding.EncodeToString([]byte("AWS:token"))
		answer = map[string]any{"authorizationData": []map[string]string{{"authorizationToken": token}}}
	case "GetSecretValue":
		value, ok := w.secrets[in.SecretId]
		if !ok {
			refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
			return
		}
		answer = map[string]string{"SecretString": value}
	case "GetParameters":
		var found []map[string]string
		var missing []string
		for _, n := range in.Names {
			if v, ok := w.secrets[n]; ok {
				found = append(found, map[string]string{"Name": n, "Value": v})
			} else {
				missing = append(missing, n)
			}
		}
		answer = map[string]any{"Parameters": found, "InvalidParameters": missing}
	case "PutLogEvents":
		for _, e := range in.LogEvents {
			w.logs[in.LogStreamName] = append(w.logs[in.LogStreamName], e.Message)
		}
	}
	json.NewEncoder(out).Encode(answer)
}

// task stores a task of the definition, which it stores too.
func (w *world) task(change func(*state.TaskDefinition, *state.Task)) *state.Task {
	w.t.Helper()
	d := &state.TaskDefinition{Account: "000000000000", Region: "us-east-1", Family: "f" + ids.Hex(6), Revision: 1, CPU: "256", Memory: "512", ExecutionRoleARN: execRole,
		Containers: []state.ContainerDefinition{{Name: "app", Image: testImage, Essential: true,
			Log: &state.LogConfiguration{Driver: "awslogs", Options: map[string]string{"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}}}}}
	t := &state.Task{Account: "000000000000", Region: "us-east-1", Cluster: "default", ID: ids.Hex(32), TaskDefinition: d.ARN(), CPU: "256", Memory: "512",
		ExecutionRoleARN: execRole, Subnet: "subnet-a", CreatedAt: time.Now(), DesiredStatus: "RUNNING", LastStatus: state.TaskProvisioning, HealthStatus: "UNKNOWN", CredentialsID: ids.UUID(),
		Interface: state.TaskInterface{AttachmentID: ids.UUID(), Status: "PRECREATED"}}
	if change != nil {
		change(d, t)
	}
	for _, c := range d.Containers {
		t.Containers = append(t.Containers, state.Container{Name: c.Name, Image: c.Image, ID: ids.UUID(), LastStatus: "PENDING", HealthStatus: "UNKNOWN"})
	}
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		state.TaskDefinitions.Put(tx, d)
		state.Tasks.Put(tx, t)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// wait waits until the task has the status, and returns it.
func (w *world) wait(t *state.Task, status string) *state.Task {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now, _ := state.Tasks.Get(w.db.Read(), t.Key())
		if now.LastStatus == status {
			return now
		}
		if now.LastStatus == state.TaskStopped || time.Now().After(deadline) {
			w.t.Fatalf("task is %s, not %s: %s", now.LastStatus, status, now.StoppedReason)
		}
	}
}

func (w *world) stop(t *state.Task) {
	w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		state.StopTask(tx, t.Key(), "UserInitiated", "Task stopped by user", time.Now())
		return nil
	})
}

func (w *world) codes() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.decisions {
		if d.Verdict != decision.Allow && !slices.Contains(out, d.Code) {
			out = append(out, d.Code)
		}
	}
	return out
}
