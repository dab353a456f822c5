package serviceconnect

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is a namespace with one client and one server task. Sockets are this
// machine's: every listener is at 127.0.0.1, and remembered under the address
// that was asked for.
type world struct {
	*Proxies
	t      *testing.T
	app    *httptest.Server // the server task's container
	mu     sync.Mutex
	at     map[string]string // address of a task and of its namespace's loopback -> here
	moved  map[uint16]uint16
	silent bool // the container does not listen yet
}

const (
	account, region = "000000000000", "us-east-1"
	server, caller  = "server", "caller"
)

func newWorld(t *testing.T) *world {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: map[string]string{}}
	w.app = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, "app "+r.Host) }))
	t.Cleanup(w.app.Close)
	w.Proxies = New(Options{DB: db, CloudMap: w, Plane: Plane{Listen: w.listen, Dial: w.dial, Listening: w.listening, Redirect: func(_ string, ports map[uint16]uint16) error {
		w.moved = ports
		return nil
	}}})
	service := state.ConnectService{PortName: "web", Aliases: []state.ConnectAlias{{DNSName: "backend", Port: 8080}}, ContainerPort: 80, Protocol: "http"}
	task := func(id, ip string) *state.Task {
		return &state.Task{Account: account, Region: region, Cluster: "c", ID: id, DesiredStatus: "RUNNING", LastStatus: state.TaskRunning, StartedAt: time.Now(),
			Interface: state.TaskInterface{ID: "eni-" + id, PrivateIP: ip}, Connect: &state.TaskConnect{NamespaceID: "ns-1"}}
	}
	back, front := task(server, "10.0.0.1"), task(caller, "10.0.0.2")
	back.Service, front.Service = "back", "front"
	back.Connect.Services = []state.ConnectService{service}
	front.Connect.Endpoints = []state.ConnectEndpoint{{DNSName: "backend", Port: 8080, Service: "c/back", Target: service}}
	w.write(func(tx *store.Tx) {
		state.DiscoveryServices.Put(tx, &state.DiscoveryService{Account: account, Region: region, ID: "srv-1", NamespaceID: "ns-1", Name: "web"})
		state.Tasks.Put(tx, back)
		state.Tasks.Put(tx, front)
	})
	return w
}

// run lets the loop run until the test ends.
func (w *world) run() {
	ctx, stop := context.WithCancel(w.t.Context())
	var group errgroup.Group
	group.Go(func() error { return w.Run(ctx) })
	w.t.Cleanup(func() {
		stop()
		if err := group.Wait(); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) write(change func(*store.Tx)) {
	w.t.Helper()
	err := w.DB.Write(w.t.Context(), func(tx *store.Tx) error {
		change(tx)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) listen(_ context.Context, eni, network, address string) (net.Listener, error) {
	l, err := net.Listen(network, "127.0.0.1:0")
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.at[eni+" "+address] = l.Addr().String()
	}
	return l, err
}

// dial reaches the container at its own loopback, and the server's proxy from elsewhere.
func (w *world) dial(ctx context.Context, eni, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to := ""
	switch {
	case eni == "eni-server" && address == "127.0.0.1:80":
		to = w.app.Listener.Addr().String()
	case eni == "eni-caller" && address == "10.0.0.1:80":
		to = w.at["eni-server 10.0.0.1:0"]
	default:
		return nil, errors.New("no way to " + address)
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

func (w *world) listening(string) []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		return nil
	}
	return []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}
}

func (w *world) RegisterInstance(ctx context.Context, account, region, serviceID, id string, attributes map[string]string) error {
	return w.DB.Write(ctx, func(tx *store.Tx) error {
		state.ServiceInstances.Put(tx, &state.ServiceInstance{Account: account, Region: region, ServiceID: serviceID, ID: id, Attributes: attributes})
		return nil
	})
}

func (w *world) DeregisterInstance(ctx context.Context, account, region, serviceID, id string) error {
	return w.DB.Write(ctx, func(tx *store.Tx) error {
		state.ServiceInstances.Delete(tx, state.ServiceInstanceKey(state.Key(account, region, serviceID), id))
		return nil
	})
}

func (w *world) task(id string) *state.Task {
	t, _ := state.Tasks.Get(w.DB.Read(), state.Key(account, region, "c/"+id))
	return t
}

// ask asks backend:8080 as the client's containers do.
func (w *world) ask() string {
	w.mu.Lock()
	at := w.at["eni-caller 127.255.0.1:8080"]
	w.mu.Unlock()
	r, _ := http.NewRequest(http.MethodGet, "http://"+at+"/", nil)
	r.Host = "backend:8080"
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%s: does not come about; asked: %s", what, w.ask())
}

// A task is found once its container listens, and the client's requests go through
// both proxies; one that is to stop is taken out and then let go.
func TestServiceConnect(t *testing.T) {
	w := newWorld(t)
	w.silent = true
	w.run()
	w.eventually("nobody is behind the name", func() bool { return w.ask() == "no healthy upstream" })
	if !w.task(server).Connect.RegisteredAt.IsZero() {
		t.Error("a task whose container does not listen is in Cloud Map")
	}
	w.mu.Lock()
	w.silent = false
	w.mu.Unlock()
	w.eventually("the server answers", func() bool { return w.ask() == "app backend:8080" })
	w.eventually("it is noted", func() bool { return !w.task(server).Connect.RegisteredAt.IsZero() })
	if w.moved[80] == 0 {
		t.Errorf("connections to port 80 are led to %v", w.moved)
	}

	w.write(func(tx *store.Tx) { state.StopTask(tx, w.task(server).Key(), "UserInitiated", "stop", time.Now()) })
	if w.Leaving(w.task(server)) == 0 {
		t.Error("the task may go while others send to it")
	}
	w.eventually("it is taken out", func() bool {
		return w.ask() == "no healthy upstream" && !w.task(server).Connect.DeregisteredAt.IsZero()
	})
	w.eventually("it may go", func() bool { return w.Leaving(w.task(server)) == 0 })
	w.Close(w.task(server).Key())
}

// The proxies of tasks come back from the records when Neargate starts again; a
// task that ended meanwhile is taken out of Cloud Map.
func TestServiceConnectAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.eventually("the server answers", func() bool { return w.ask() == "app backend:8080" })
	again := &world{t: t, at: map[string]string{}, app: w.app}
	again.Proxies = New(Options{DB: w.DB, CloudMap: again, Plane: Plane{Listen: again.listen, Dial: again.dial, Listening: again.listening, Redirect: func(string, map[uint16]uint16) error { return nil }}})
	again.run()
	again.eventually("the server answers by the new process", func() bool { return again.ask() == "app backend:8080" })
	w.write(func(tx *store.Tx) {
		state.Tasks.Update(tx, w.task(server).Key(), func(r *state.Task) { r.DesiredStatus, r.LastStatus = "STOPPED", state.TaskStopped })
	})
	again.eventually("the dead task is out", func() bool { return again.ask() == "no healthy upstream" })
}

// One address for each name, and a port for each endpoint; AWS's time-outs by protocol.
func TestPlan(t *testing.T) {
	zero, two := int32(0), int32(2)
	c := &state.TaskConnect{
		Endpoints: []state.ConnectEndpoint{
			{DNSName: "a", Port: 80, Target: state.ConnectService{PortName: "a", Protocol: "http"}},
			{DNSName: "a", Port: 81, Target: state.ConnectService{PortName: "b", Protocol: "grpc", PerRequest: &zero, Idle: &two}},
			{DNSName: "c", Port: 80, Target: state.ConnectService{PortName: "c"}},
		},
		Services: []state.ConnectService{{PortName: "x", ContainerPort: 80}, {PortName: "y", ContainerPort: 81, IngressPort: 9000}},
	}
	var got []string
	for _, d := range doors(&state.Task{Connect: c, Interface: state.TaskInterface{PrivateIP: "10.0.0.9"}}) {
		f := d.config(nil)
		got = append(got, strings.Join([]string{d.id, d.address, string(f.Listeners[0].Protocol), f.Attributes.IdleTimeout.String(), f.Groups[0].RequestTimeout.String()}, " "))
	}
	want := []string{
		"to a:80 127.255.0.1:80 HTTP 5m0s 15s", "to a:81 127.255.0.1:81 HTTP 2s 0s", "to c:80 127.255.0.2:80 TCP 1h0m0s 15s",
		"from x 10.0.0.9:0 TCP 1h0m0s 0s", "from y 10.0.0.9:9000 TCP 1h0m0s 0s",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("doors:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
